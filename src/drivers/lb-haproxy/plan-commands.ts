import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { MemberChange } from "../../core/ports/load-balancer.js";
import type { ServerCheck } from "./options.js";
import { type CanonicalAddress, canonicalAddress, serverName } from "./server-name.js";
import type { ServerState } from "./server-state.js";

const weightMax = 256;

/** How servers are made. */
export interface ServerTemplate {
  readonly backend: string;
  readonly namePrefix: string;
  readonly check: ServerCheck | undefined;
  readonly arguments: readonly string[];
}

/** What one change takes: nothing when it is done already. */
export interface PlannedChange {
  readonly kind: MemberChange["kind"];
  /** The server as `backend/name`. */
  readonly path: string;
  readonly commands: readonly string[];
}

/**
 * The commands that bring a backend to the wanted members. Whole batches are refused before the
 * first command goes out. @throws OutsideFault `badRequest`, or `denied` for another's server
 */
export function planCommands(
  changes: readonly MemberChange[],
  servers: readonly ServerState[],
  template: ServerTemplate,
): readonly PlannedChange[] {
  const byAddress = new Map<string, ServerState[]>();
  for (const server of servers) {
    const key = `${server.host} ${server.port}`;
    byAddress.set(key, [...(byAddress.get(key) ?? []), server]);
  }
  return lastOfEach(changes).map(({ change, address }) => {
    const there = byAddress.get(`${address.host} ${address.port}`) ?? [];
    const name = serverName(template.namePrefix, address);
    const ours = there.find((server) => server.name === name);
    const theirs = there.find((server) => !server.name.startsWith(template.namePrefix));
    if (!ours && theirs) return leaveAlone(change, theirs, template);
    const path = `${template.backend}/${name}`;
    if (change.kind === "remove")
      return { kind: "remove", path, commands: ours ? removalCommands(path) : [] };
    return { kind: "put", path, commands: putCommands({ change, address, ours, path }, template) };
  });
}

/** Takes a server out, its connections with it: who wants them spared drains it first. */
function removalCommands(path: string): readonly string[] {
  return [`set server ${path} state maint`, ...retryRemoval(path)];
}

/** What is asked again while the connections are closing. */
export function retryRemoval(path: string): readonly string[] {
  return [`shutdown sessions server ${path}`, `del server ${path}`];
}

type Put = MemberChange & { readonly kind: "put" };

interface PutParts {
  readonly change: Put;
  readonly address: CanonicalAddress;
  readonly ours: ServerState | undefined;
  readonly path: string;
}

/**
 * A server that enters (new, or left half-way in maintenance) goes through drain, where it is told
 * to be down: so its first traffic comes after `rise` passed checks, while HAProxy by itself would
 * trust it until checks fail.
 */
function putCommands({ change, address, ours, path }: PutParts, template: ServerTemplate) {
  const { check } = template;
  const commands: string[] = [];
  if (!ours) commands.push(addServer(path, address, change.weight, template));
  const enters = !ours || ours.admin === "maint";
  if (enters) commands.push(`set server ${path} state drain`);
  if (check && !ours?.checksEnabled) commands.push(`enable health ${path}`);
  if (check && enters) commands.push(`set server ${path} health down`);
  if (ours && ours.weight !== change.weight)
    commands.push(`set server ${path} weight ${change.weight}`);
  const state = enters ? "drain" : ours.admin;
  const wanted = change.draining ? "drain" : "ready";
  if (state !== wanted) commands.push(`set server ${path} state ${wanted}`);
  return commands;
}

function addServer(
  path: string,
  address: CanonicalAddress,
  weight: number,
  template: ServerTemplate,
): string {
  const { check } = template;
  const words = ["add server", path, address.text, "weight", weight];
  if (check)
    words.push("check inter", `${check.intervalMs}ms`, "rise", check.rise, "fall", check.fall);
  if (check?.port !== undefined) words.push("port", check.port);
  return [...words, ...template.arguments].join(" ");
}

/** Another's server at the wanted address: fine where it is as wanted, else not ours to change. */
function leaveAlone(
  change: MemberChange,
  theirs: ServerState,
  template: ServerTemplate,
): PlannedChange {
  const path = `${template.backend}/${theirs.name}`;
  const wanted = change.kind === "put" && (change.draining ? "drain" : "ready");
  if (change.kind === "put" && theirs.admin === wanted && theirs.weight === change.weight)
    return { kind: "put", path, commands: [] };
  throw new OutsideFault("denied", `haproxy's server ${path} was not made by Muster`);
}

/** Of several changes of one address the last holds. */
function lastOfEach(changes: readonly MemberChange[]) {
  const last = new Map<string, { change: MemberChange; address: CanonicalAddress }>();
  for (const change of changes) {
    const address = canonicalAddress(change);
    refuseWeight(change);
    last.set(address.text, { change, address });
  }
  return [...last.values()];
}

function refuseWeight(change: MemberChange): void {
  if (change.kind === "remove") return;
  const { weight } = change;
  if (!Number.isInteger(weight) || weight < 0 || weight > weightMax)
    throw new OutsideFault("badRequest", `weight ${weight} is not between 0 and ${weightMax}`);
}
