import type { Cause } from "./cause.js";
import type { AccountId, ColoId, EventId, GroupId, ServerId } from "./ids.js";
import type { Receipt } from "./scale-event.js";

/**
 * Everything that happened, as subscribers and the history see it. Kept per placement, gap-free.
 */
export interface MusterEvent {
  readonly id: EventId;
  readonly type: EventType;
  readonly atMs: number;
  readonly account: AccountId;
  readonly group: GroupId;
  readonly colo: ColoId;
  /** Counts 1, 2, 3, … within the placement, without a gap. */
  readonly sequence: number;
  /** For people. Programs read `type` and `facts`. */
  readonly message: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /** Why, with rules and numbers. Absent where nothing had to be weighed. */
  readonly causes?: readonly Cause[];
  readonly server?: ServerId;
  /** The event that led to this one; follow it up to the scale event (B4.9). */
  readonly parent?: EventId;
  readonly principal?: string;
  readonly receipt?: Receipt;
}

/** An event before the commit gives it its sequence and its placement. */
export type EventDraft = Omit<MusterEvent, "account" | "group" | "colo" | "sequence">;

export type EventType =
  | "group.created"
  | "group.updated"
  | "group.deleting"
  | "group.deleted"
  | "group.paused"
  | "group.resumed"
  | "group.quarantined"
  | "group.ledger_confirmed"
  | "ledger.rebuilt"
  | "group.condition"
  | "group.held"
  | "group.acknowledged"
  | "scale.decided"
  | "alert.reported"
  | "target.changed"
  | "schedule.missed"
  | "window.opened"
  | "window.closed"
  | "share.carried"
  | "rebuild.started"
  | "rebuild.batch"
  | "rebuild.waiting"
  | "rebuild.continued"
  | "rebuild.stopped"
  | "rebuild.cancelled"
  | "rebuild.completed"
  | "rebuild.rolling_back"
  | "rebuild.rolled_back"
  | "server.intended"
  | "server.withdrawn"
  | "server.building"
  | "server.active"
  | "server.in_service"
  | "server.unconfirmed"
  | "server.abandoned"
  | "server.failed"
  | "server.console"
  | "server.draining"
  | "server.returned"
  | "server.deleting"
  | "server.gone"
  | "server.lost"
  | "server.orphan"
  | "server.protected"
  | "server.standing_by"
  | "server.recalled"
  | "server.reported"
  | "server.tags_wrong"
  | "server.tagged"
  | "server.released"
  | "server.releasing"
  | "server.adopted"
  | "server.orphan_deleted"
  | "member.added"
  | "member.removed"
  | "brake.set"
  | "brake.cleared"
  | "invariant.violated"
  | "permission.denied";
