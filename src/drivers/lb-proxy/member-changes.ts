import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { MemberChange } from "../../core/ports/load-balancer.js";
import type { StoredMember } from "./member-file.js";

/** Members of one load balancer: five placements of 2,000 servers. */
export const membersMax = 10_000;
/** As in HAProxy and Octavia, so that a group can move between them. */
export const weightMax = 256;

export function memberKey(member: { readonly host: string; readonly port: number }): string {
  return `${member.host} ${member.port}`;
}

/**
 * The members after the changes, in the order of their arrival; later changes win. Returns the very
 * same array when nothing differs. @throws OutsideFault `badRequest`, `quota`
 */
export function applyChanges(
  before: readonly StoredMember[],
  changes: readonly MemberChange[],
): readonly StoredMember[] {
  const members = new Map(before.map((member) => [memberKey(member), member]));
  let changed = false;
  for (const change of changes) {
    refuseMalformed(change);
    const key = memberKey(change);
    const known = members.get(key);
    if (change.kind === "remove") {
      changed = members.delete(key) || changed;
    } else if (known?.weight !== change.weight || known.draining !== change.draining) {
      const { host, port, weight, draining } = change;
      members.set(key, { host, port, weight, draining });
      changed = true;
    }
  }
  if (members.size > membersMax)
    throw new OutsideFault("quota", `a load balancer takes at most ${membersMax} members`);
  return changed ? [...members.values()] : before;
}

function refuseMalformed(change: MemberChange): void {
  const { host, port } = change;
  if (host === "" || /\s/.test(host)) throw badRequest(`"${host}" is not a host`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw badRequest(`${host}: port ${port} is not between 1 and 65535`);
  if (change.kind === "remove") return;
  const { weight } = change;
  if (!Number.isInteger(weight) || weight < 0 || weight > weightMax)
    throw badRequest(`${host}:${port}: weight ${weight} is not between 0 and ${weightMax}`);
}

function badRequest(message: string): OutsideFault {
  return new OutsideFault("badRequest", message);
}
