import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Member } from "../../core/model/server.js";
import type { MemberChange } from "../../core/ports/load-balancer.js";

export interface MemberAddress {
  readonly host: string;
  readonly port: number;
}

/** How members of a simulated load balancer behave by themselves. */
export interface MemberBehaviour {
  /** A member is "unknown" for so long after it was put, then healthy. */
  readonly healthyAfterMs: number;
  /** Open connections of a member that takes traffic. */
  readonly connections: number;
  /** A draining member's connections are all closed after so long. */
  readonly drainedAfterMs: number;
  /** Members beyond are refused with `quota`. */
  readonly membersMax: number;
}

/** One simulated load balancer. Time comes in as an argument. */
export interface BalancerState {
  change(changes: readonly MemberChange[], nowMs: number): void;
  list(nowMs: number): readonly Member[];
  /** Fixes what is otherwise derived from time, until the member goes. */
  override(address: MemberAddress, forced: Forced): void;
}

export interface Forced {
  readonly health?: Member["health"];
  readonly connections?: number;
}

interface Kept extends MemberAddress {
  readonly weight: number;
  readonly draining: boolean;
  readonly putAtMs: number;
  readonly drainingSinceMs: number;
  readonly forced: Forced;
}

export function createBalancerState(behaviour: MemberBehaviour): BalancerState {
  const members = new Map<string, Kept>();

  const put = (change: MemberChange & { readonly kind: "put" }, nowMs: number) => {
    const { host, port, weight, draining } = change;
    const known = members.get(keyOf(change));
    if (!known && members.size >= behaviour.membersMax)
      throw new OutsideFault("quota", `member limit of ${behaviour.membersMax} reached`);
    const drainingSinceMs = known?.draining ? known.drainingSinceMs : nowMs;
    const putAtMs = known?.putAtMs ?? nowMs;
    const forced = known?.forced ?? {};
    members.set(keyOf(change), { host, port, weight, draining, putAtMs, drainingSinceMs, forced });
  };

  const connectionsOf = (member: Kept, nowMs: number) => {
    if (member.forced.connections !== undefined) return member.forced.connections;
    if (!member.draining) return behaviour.connections;
    const drained = nowMs - member.drainingSinceMs >= behaviour.drainedAfterMs;
    return drained ? 0 : behaviour.connections;
  };

  const healthOf = (member: Kept, nowMs: number) =>
    member.forced.health ??
    (nowMs - member.putAtMs >= behaviour.healthyAfterMs ? "healthy" : "unknown");

  return {
    change(changes, nowMs) {
      for (const change of changes)
        if (change.kind === "put") put(change, nowMs);
        else members.delete(keyOf(change));
    },
    list: (nowMs) =>
      Array.from(members.values(), (member) => ({
        host: member.host,
        port: member.port,
        weight: member.weight,
        draining: member.draining,
        health: healthOf(member, nowMs),
        connections: connectionsOf(member, nowMs),
      })),
    override(address, forced) {
      const member = members.get(keyOf(address));
      if (!member) throw new RangeError(`${address.host}:${address.port} is not a member`);
      members.set(keyOf(address), { ...member, forced: { ...member.forced, ...forced } });
    },
  };
}

function keyOf({ host, port }: MemberAddress): string {
  return `${host} ${port}`;
}
