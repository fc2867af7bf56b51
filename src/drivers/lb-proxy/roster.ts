import type { Member } from "../../core/model/server.js";
import { candidatesOf } from "./candidates.js";
import type { Checker } from "./checker.js";
import { type Health, nextHealth, type Thresholds, unchecked } from "./health.js";
import { memberKey } from "./member-changes.js";
import type { StoredMember } from "./member-file.js";
import { takeTurn } from "./rotation.js";
import type { Tunnel } from "./tunnel.js";

/** A member with what this process knows of it beyond the stored. */
export interface LiveMember {
  readonly host: string;
  readonly port: number;
  weight: number;
  draining: boolean;
  health: Health;
  readonly restored: boolean;
  /** Smooth round robin's account (`takeTurn`). */
  credit: number;
  readonly tunnels: Set<Tunnel>;
}

export interface Checks {
  readonly checker: Checker;
  readonly thresholds: Thresholds;
}

/** Who is there, how they are, and whose turn it is. */
export interface Roster {
  /** Brings the roster to the stored members. Connections of those that went are broken off. */
  update(stored: readonly StoredMember[], restored: boolean): void;
  /** The next member for a new connection, none of `tried`. */
  next(tried: ReadonlySet<LiveMember>): LiveMember | undefined;
  has(member: LiveMember): boolean;
  list(unknownIs: Member["health"]): readonly Member[];
  live(): Iterable<LiveMember>;
}

/** `checks` undefined: members are not checked. */
export function createRoster(checks: Checks | undefined): Roster {
  const members = new Map<string, LiveMember>();
  const unwatch = new Map<LiveMember, () => void>();

  const add = (key: string, stored: StoredMember, restored: boolean) => {
    const member = {
      ...stored,
      health: unchecked,
      restored,
      credit: 0,
      tunnels: new Set<Tunnel>(),
    };
    members.set(key, member);
    if (!checks) return;
    const report = (passed: boolean) => {
      member.health = nextHealth(member.health, passed, checks.thresholds);
    };
    unwatch.set(member, checks.checker.watch(stored, report));
  };

  const remove = (key: string, member: LiveMember) => {
    members.delete(key);
    unwatch.get(member)?.();
    unwatch.delete(member);
    for (const tunnel of member.tunnels) tunnel.destroy();
  };

  return {
    update(stored, restored) {
      const wanted = new Map(stored.map((member) => [memberKey(member), member]));
      for (const [key, member] of members) if (!wanted.has(key)) remove(key, member);
      for (const [key, want] of wanted) {
        const member = members.get(key);
        if (!member) add(key, want, restored);
        else Object.assign(member, { weight: want.weight, draining: want.draining });
      }
    },
    next(tried) {
      const candidates = candidatesOf(members.values(), checks !== undefined);
      return takeTurn(candidates.filter((member) => !tried.has(member)));
    },
    has: (member) => members.get(memberKey(member)) === member,
    list: (unknownIs) =>
      Array.from(members.values(), ({ host, port, weight, draining, health, tunnels }) => ({
        host,
        port,
        weight,
        draining,
        health: health.state === "unknown" ? unknownIs : health.state,
        connections: tunnels.size,
      })),
    live: () => members.values(),
  };
}
