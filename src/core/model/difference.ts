import type { Cause } from "./cause.js";
import type { AccountId, CloudServerId, GroupId, LoadBalancerId, ServerId } from "./ids.js";

/** Where ledger, cloud and load balancers tell different stories of a colo, and what follows. */
export interface Difference {
  readonly account: AccountId;
  /** Undefined: it is about all of the account's groups here. */
  readonly group?: GroupId;
  readonly kind: DifferenceKind;
  readonly server?: ServerId;
  readonly cloudId?: CloudServerId;
  readonly loadBalancer?: LoadBalancerId;
  /** The member's, `host:port`. */
  readonly address?: string;
  readonly cause: Cause;
  readonly action: DifferenceAction;
  /** When what is waited for is over, at the latest. */
  readonly untilMs?: number;
  /** The brake or pause that keeps the action from being done now. */
  readonly stoppedBy?: Cause;
  readonly sinceMs?: number;
}

export type DifferenceKind =
  /** The cloud lacks a server of the ledger. */
  | "missingInCloud"
  /** The ledger lacks a server that carries our tags (B9.6). */
  | "notInLedger"
  /** A server's tags name a group, or a placement of it, that is not there. */
  | "noSuchGroup"
  /** A server carries the tags of another one. */
  | "twoServers"
  | "tagsLost"
  /** The tags name another installation, account, group or colo. */
  | "tagsForeign"
  /** The ledger does not know what became of a create call (B4.5). */
  | "intentionOpen"
  /** It builds or launches for longer than the group's build timeout. */
  | "buildOverdue"
  /** A reboot, a resize or the like does not end (B4.2). */
  | "waitOverdue"
  | "deleteOverdue"
  /** The cloud says of a server that counts that it is of no use. */
  | "ill"
  /** Somebody suspended, rescued or stopped it, and it counts as it is. */
  | "leftAlone"
  | "statusUnheardOf"
  | "memberMissing"
  | "memberLeftOver"
  /** Another weight, or draining where it should not be, or the other way round. */
  | "memberWrong"
  | "loadBalancerGone"
  /** Nothing can be said. */
  | "notSeen"
  | "quarantined"
  | "held";

export type DifferenceAction =
  /** Asked for directly before anything is concluded. */
  | "lookUp"
  /** The found server becomes the intention's. */
  | "bind"
  /** The ledger gives it up, and the target brings another one. */
  | "replace"
  | "delete"
  | "attach"
  | "detach"
  /** Tags or member are written again as the ledger has them. */
  | "putRight"
  /** The ledger follows what the cloud says. */
  | "note"
  | "waitUntil"
  /** Nothing is done until a person decides. */
  | "forPerson"
  | "nothing";

/** What was held against each other, for who wants to know what an audit's silence is worth. */
export interface AuditCounts {
  readonly accounts: number;
  /** Placements: groups in this colo. */
  readonly groups: number;
  readonly ledgerServers: number;
  /** With our tags. */
  readonly cloudServers: number;
  /** Of load balancers that these groups are attached to: ours and others'. */
  readonly members: number;
  readonly differences: number;
  /** Those of them that say that something could not be seen. */
  readonly notSeen: number;
}
