import type { EventDraft, MusterEvent } from "../../core/model/event.js";
import type {
  CloudServerId,
  ColoId,
  PlacementKey,
  ScheduleId,
  ServerId,
} from "../../core/model/ids.js";
import { placementText } from "../../core/model/ids.js";
import type { OrphanRow } from "../../core/model/orphan.js";
import type { PauseOrder } from "../../core/model/pause.js";
import type { PlacementDoc, TargetDecision } from "../../core/model/placement.js";
import type { AlertMark } from "../../core/model/policy.js";
import type { RebuildOrder } from "../../core/model/rebuild.js";
import type { Receipt } from "../../core/model/scale-event.js";
import type { ScheduleMark } from "../../core/model/schedule.js";
import type { ServerRow } from "../../core/model/server.js";
import type { Loaded, PartitionId, Row, RowKey } from "../../core/ports/store.js";

/** A placement's partition as it stands: what one node decides on. Never changed, only replaced. */
export interface PlacementState {
  readonly key: PlacementKey;
  readonly revision: number;
  readonly lastSequence: number;
  /** Undefined: the group has no placement here (not yet, or not any more). */
  readonly doc: PlacementDoc | undefined;
  readonly servers: ReadonlyMap<ServerId, ServerRow>;
  readonly alerts: ReadonlyMap<string, AlertMark>;
  /** Targets decided here that other placements have yet to learn (B11.2), by colo. */
  readonly deliveries: ReadonlyMap<string, Delivery>;
  /**
   * What colos that could not be reached have yet to hear of the group's pauses (B11.3), by
   * `colo/order id`; by colo alone in rows of older versions.
   */
  readonly orders: ReadonlyMap<string, PauseOrder>;
  /** The same of its rebuild (B8.5). */
  readonly rebuildOrders: ReadonlyMap<string, RebuildOrder>;
  /** Servers with this placement's tags that belong to no row (B9.6). */
  readonly orphans: ReadonlyMap<CloudServerId, OrphanRow>;
  /** What was done of the group's schedules last, by those that led (B7.2). */
  readonly schedules: ReadonlyMap<ScheduleId, ScheduleMark>;
}

/** A target for another placement. Idempotent: a decision older than its last one is ignored. */
export interface Delivery {
  readonly colo: string;
  /** Sortable: later decisions have greater ids. */
  readonly decisionId: string;
  readonly target: number;
  readonly forced?: PlacementDoc["forced"];
  readonly eventId: string;
  readonly source?: TargetDecision["source"];
}

/** The stored answer to an idempotency key, with what it was the answer to (B3.1). */
export interface StoredReceipt {
  readonly key: string;
  readonly fingerprint: string;
  readonly receipt: Receipt;
  readonly expiresAtMs: number;
}

/** What one decision changes. Rows in state `gone` leave the ledger. */
export interface PlacementChange {
  readonly doc?: PlacementDoc | "remove";
  readonly servers?: readonly ServerRow[];
  readonly alerts?: readonly AlertMark[];
  readonly alertsGone?: readonly AlertMark[];
  readonly deliveries?: readonly Delivery[];
  readonly deliveriesGone?: readonly string[];
  readonly orders?: readonly (readonly [name: string, order: PauseOrder])[];
  readonly ordersGone?: readonly string[];
  readonly rebuildOrders?: readonly (readonly [colo: string, order: RebuildOrder])[];
  readonly rebuildOrdersGone?: readonly string[];
  readonly orphans?: readonly OrphanRow[];
  readonly orphansGone?: readonly CloudServerId[];
  readonly schedules?: readonly ScheduleMark[];
  readonly schedulesGone?: readonly ScheduleId[];
  readonly receipt?: StoredReceipt;
  readonly events?: readonly EventDraft[];
}

export function placementPartition(key: PlacementKey): PartitionId {
  return { scope: "placement", key: placementText(key) };
}

export function stateOf(key: PlacementKey, loaded: Loaded): PlacementState {
  const of = <Value>(kind: string) =>
    loaded.rows
      .filter((row) => row.kind === kind)
      .map((row): [string, Value] => [row.key, JSON.parse(row.value) as Value]);
  return {
    key,
    revision: loaded.revision,
    lastSequence: loaded.lastSequence,
    doc: of<PlacementDoc>("doc")[0]?.[1],
    servers: new Map(of<ServerRow>("server") as [ServerId, ServerRow][]),
    alerts: new Map(of<AlertMark>("alert")),
    deliveries: new Map(of<Delivery>("delivery")),
    orders: new Map(of<PauseOrder>("order")),
    rebuildOrders: new Map(of<RebuildOrder>("rebuildOrder")),
    orphans: new Map(of<OrphanRow>("orphan") as [CloudServerId, OrphanRow][]),
    schedules: new Map(of<ScheduleMark>("schedule") as [ScheduleId, ScheduleMark][]),
  };
}

export function orderName(colo: ColoId, { id }: PauseOrder): string {
  return `${colo}/${id}`;
}

export function coloOfOrder(name: string): ColoId {
  return name.split("/")[0] as ColoId;
}

/** Row kinds that a node holds in memory. Receipts are read one by one. */
export const stateKinds = [
  "doc",
  "server",
  "alert",
  "delivery",
  "order",
  "rebuildOrder",
  "orphan",
  "schedule",
] as const;

/** The state after the change, not yet committed. */
export function applyChange(state: PlacementState, change: PlacementChange): PlacementState {
  return {
    ...state,
    lastSequence: state.lastSequence + (change.events?.length ?? 0),
    doc: change.doc === "remove" ? undefined : (change.doc ?? state.doc),
    servers: withRows(
      state.servers,
      change.servers?.filter((row) => row.state !== "gone").map((row) => [row.id, row]),
      change.servers?.filter((row) => row.state === "gone").map((row) => row.id),
    ),
    alerts: withRows(
      state.alerts,
      change.alerts?.map((one) => [alertKey(one), one]),
      change.alertsGone?.map(alertKey),
    ),
    deliveries: withRows(
      state.deliveries,
      change.deliveries?.map((one) => [one.colo, one]),
      change.deliveriesGone,
    ),
    orders: withRows(state.orders, change.orders, change.ordersGone),
    rebuildOrders: withRows(state.rebuildOrders, change.rebuildOrders, change.rebuildOrdersGone),
    orphans: withRows(
      state.orphans,
      change.orphans?.map((one) => [one.cloudId, one]),
      change.orphansGone,
    ),
    schedules: withRows(
      state.schedules,
      change.schedules?.map((one) => [one.schedule, one]),
      change.schedulesGone,
    ),
  };
}

export function alertKey(mark: AlertMark): string {
  return `${mark.policy}/${mark.key}`;
}

function withRows<Key, Value>(
  before: ReadonlyMap<Key, Value>,
  puts: readonly (readonly [Key, Value])[] = [],
  gone: readonly Key[] = [],
): ReadonlyMap<Key, Value> {
  if (puts.length === 0 && gone.length === 0) return before;
  const after = new Map(before);
  for (const [key, value] of puts) after.set(key, value);
  for (const key of gone) after.delete(key);
  return after;
}

/** What turns the one state into the other, as rows: one write a row, however many changes. */
export function rowsBetween(
  before: PlacementState,
  after: PlacementState,
): { readonly puts: Row[]; readonly deletes: RowKey[] } {
  const puts: Row[] = [];
  const deletes: RowKey[] = [];
  if (after.doc !== before.doc) {
    if (after.doc) puts.push({ kind: "doc", key: "self", value: JSON.stringify(after.doc) });
    else deletes.push({ kind: "doc", key: "self" });
  }
  const diff = (kind: string, old: ReadonlyMap<string, unknown>, now: typeof old) => {
    if (old === now) return;
    for (const [key, value] of now)
      if (old.get(key) !== value) puts.push({ kind, key, value: JSON.stringify(value) });
    for (const key of old.keys()) if (!now.has(key)) deletes.push({ kind, key });
  };
  diff("server", before.servers, after.servers);
  diff("alert", before.alerts, after.alerts);
  diff("delivery", before.deliveries, after.deliveries);
  diff("order", before.orders, after.orders);
  diff("rebuildOrder", before.rebuildOrders, after.rebuildOrders);
  diff("orphan", before.orphans, after.orphans);
  diff("schedule", before.schedules, after.schedules);
  return { puts, deletes };
}

export function receiptRow(stored: StoredReceipt): Row {
  const { key, expiresAtMs } = stored;
  return { kind: "receipt", key, value: JSON.stringify(stored), expiresAtMs };
}

export function numbered(
  key: PlacementKey,
  lastSequence: number,
  drafts: readonly EventDraft[],
): MusterEvent[] {
  return drafts.map((draft, index) => ({ ...draft, ...key, sequence: lastSequence + index + 1 }));
}
