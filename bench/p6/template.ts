import type { ColoId, GroupKey } from "../../src/core/model/ids.js";
import type { CloudServer } from "../../src/core/model/server.js";
import type { Row } from "../../src/core/ports/store.js";
import { benchColo, benchGroup } from "../lib/muster.js";

/** One group's placement as a supervisor left it, and its servers as the cloud tells of them. */
export interface Template {
  /** Of kind `doc` and `server`. */
  readonly rows: readonly Row[];
  readonly servers: readonly CloudServer[];
}

/** The first group's; the others are made after it. */
export const templateGroup = 0;
/** The time that an id begins with; behind it ids of one moment are the same up to the last few. */
const idTimeLength = 10;
const indexDigits = 6;

/** The template's placement as that of another group, whose uid is given. */
export function placementOf(template: Template, index: number, uid: string): readonly Row[] {
  const doc = template.rows.find(({ kind }) => kind === "doc");
  const { groupUid } = JSON.parse(doc?.value ?? "{}") as { readonly groupUid: string };
  const change = changing(template, index, new Map([[groupUid, uid]]));
  return template.rows.map((row) => ({
    ...row,
    ...(row.kind === "server" ? { key: numbered(row.key, index) } : {}),
    value: change(row.value),
  }));
}

/** The template's servers as those of another group; parsed anew each time, as from a cloud. */
export function serversOf(template: Template, index: number): readonly CloudServer[] {
  const change = changing(template, index);
  return template.servers.map((server) => JSON.parse(change(JSON.stringify(server))));
}

/** Replaces whole words of JSON: names of account and group, ids of servers, and more. */
function changing(
  { servers, rows }: Template,
  index: number,
  more: ReadonlyMap<string, string> = new Map(),
): (text: string) => string {
  if (index === templateGroup) return (text) => text;
  const ids = rows.filter(({ kind }) => kind === "server").map(({ key }) => key);
  const [from, to] = [benchGroup(templateGroup), benchGroup(index)];
  const words = new Map<string, string>([
    ...more,
    ...([
      [from.account, to.account],
      [from.group, to.group],
    ] as const),
    ...ids.map((id) => [id, numbered(id, index)] as const),
    ...servers.flatMap(({ id, address }, place) => [
      [id, `${id}-${index}`] as const,
      [address?.host ?? "", `10.${index >> 8}.${index & 255}.${place}`] as const,
    ]),
  ]);
  return (text) =>
    text.replace(/"[^"\\]*"/g, (word) => {
      const other = words.get(word.slice(1, -1));
      return other === undefined ? word : `"${other}"`;
    });
}

/** Digits are letters of every id. */
function numbered(id: string, index: number): string {
  const digits = String(index).padStart(indexDigits, "0");
  return id.slice(0, idTimeLength) + digits + id.slice(idTimeLength + indexDigits);
}

export function placementKeyOf(index: number): GroupKey & { readonly colo: ColoId } {
  return { ...benchGroup(index), colo: benchColo };
}
