import type { Cause } from "../model/cause.js";
import type { EventType } from "../model/event.js";
import type { CloudServerId, ServerId } from "../model/ids.js";
import type { Step } from "../model/observation.js";
import { type Observation, stepKey } from "../model/observation.js";
import type { OrphanRow } from "../model/orphan.js";
import type { LossWindow, QuarantineMark, UnprovenMark } from "../model/placement.js";
import type { Plan, PlannedEvent } from "../model/plan.js";
import type { RebuildMark } from "../model/rebuild.js";
import type { ServerRow } from "../model/server.js";
import { leave } from "./lifecycle.js";

/** What a plan finds out of the whole; absent: it is as it was. */
interface Told {
  /** Servers with our tags that no row knows, and of how many that may be what was asked for. */
  readonly unknown: number;
  readonly withheld: number;
  readonly unproven?: readonly UnprovenMark[];
  readonly quarantine?: QuarantineMark;
  readonly rebuild?: RebuildMark;
  /** The launch revision that has proven to serve (B8.5). */
  readonly proven?: number;
}

/** The paper that one plan is worked out on. Lives no longer than the call that made it. */
export interface Sheet {
  readonly seen: Observation;
  /** All live rows as they stand so far. */
  rows(): readonly ServerRow[];
  row(id: ServerId): ServerRow;
  put(row: ServerRow): void;
  event(type: EventType, server: ServerId | undefined, ...causes: readonly Cause[]): void;
  step(step: Step): void;
  lookUp(cloudId: CloudServerId): void;
  /** Says what the plan waits for. */
  wait(cause: Cause): void;
  wakeAt(atMs: number): void;
  failed(reason: string, cause: Cause): void;
  /** The cloud had no room for what the row was asked for as (B4.7). */
  noRoom(row: ServerRow, reason: string): void;
  succeeded(row: ServerRow): void;
  /** What was seen is not to be trusted: nothing is created or removed on its account. */
  hold(): void;
  /** Replacement waits for a person's acknowledgement, and says why (B9.2, B9.7). */
  askPerson(cause: Cause): void;
  isAcknowledged(): boolean;
  setSuspicion(suspicion: Plan["suspicion"]): void;
  setLosses(losses: LossWindow): void;
  putOrphan(row: OrphanRow): void;
  forgetOrphan(cloudId: CloudServerId): void;
  /** How many servers carry our tags that no row knows. */
  countUnknown(count: number): void;
  /** Which servers look-ups say nothing of, and of how many that may be what was asked for. */
  setUnproven(marks: readonly UnprovenMark[] | undefined, withheld: number): void;
  setQuarantine(mark: QuarantineMark): void;
  setRebuild(mark: RebuildMark): void;
  /** The launch revision that has proven to serve (B8.5). */
  setProven(revision: number): void;
  readonly out: {
    readonly changed: ReadonlySet<ServerId>;
    readonly events: readonly PlannedEvent[];
    readonly steps: readonly Step[];
    readonly lookUps: readonly CloudServerId[];
    readonly waits: readonly Cause[];
    readonly failure: { readonly reason: string; readonly cause: Cause } | undefined;
    readonly full: readonly { readonly row: ServerRow; readonly reason: string }[];
    /** The rows whose builds succeeded. */
    readonly built: readonly ServerRow[];
    readonly held: boolean;
    readonly holds: readonly Cause[];
    readonly suspicion: Plan["suspicion"];
    readonly losses: LossWindow | undefined;
    readonly orphans: readonly OrphanRow[];
    readonly orphansGone: readonly CloudServerId[];
    readonly wakeAtMs: number | undefined;
  } & Told;
}

export function createSheet(seen: Observation): Sheet {
  // Made by the first change: most plans change nothing, and there may be thousands of rows.
  let byId: Map<ServerId, ServerRow> | undefined;
  const rows = () => {
    byId ??= new Map(seen.rows.map((row) => [row.id, row]));
    return byId;
  };
  let list: readonly ServerRow[] | undefined;
  const changed = new Set<ServerId>();
  const events: PlannedEvent[] = [];
  const steps: Step[] = [];
  const lookUps: CloudServerId[] = [];
  const waits: Cause[] = [];
  let failure: { reason: string; cause: Cause } | undefined;
  const full: { row: ServerRow; reason: string }[] = [];
  const built: ServerRow[] = [];
  let held = false;
  const holds: Cause[] = [];
  let suspicion: Plan["suspicion"] = { known: 0, suspected: 0 };
  let losses: LossWindow | undefined;
  const orphans: OrphanRow[] = [];
  const orphansGone: CloudServerId[] = [];
  const told: Told = { unknown: 0, withheld: 0 };
  let wakeAtMs: number | undefined;
  return {
    seen,
    rows: () => {
      list ??= byId ? [...byId.values()] : seen.rows;
      return list;
    },
    row: (id) => rows().get(id)!,
    put(row) {
      if (rows().get(row.id) === row) return;
      rows().set(row.id, row);
      list = undefined;
      changed.add(row.id);
    },
    event(type, server, ...causes) {
      events.push({ type, causes, ...(server === undefined ? {} : { server }) });
    },
    step(step) {
      if (!seen.underWay.has(stepKey(step))) steps.push(step);
    },
    lookUp: (cloudId) => void lookUps.push(cloudId),
    wait: (cause) => void waits.push(cause),
    wakeAt: (atMs) => {
      wakeAtMs = Math.min(wakeAtMs ?? Number.POSITIVE_INFINITY, atMs);
    },
    failed: (reason, cause) => {
      failure ??= { reason, cause };
    },
    noRoom: (row, reason) => void full.push({ row, reason }),
    succeeded: (row) => void built.push(row),
    hold: () => {
      held = true;
    },
    askPerson(why) {
      holds.push(why);
      waits.push(why);
    },
    isAcknowledged: () => seen.nowMs < (seen.doc.acknowledged?.untilMs ?? 0),
    setSuspicion: (next) => {
      suspicion = next;
    },
    setLosses: (next) => {
      losses = next;
    },
    putOrphan: (row) => void orphans.push(row),
    forgetOrphan: (cloudId) => void orphansGone.push(cloudId),
    countUnknown: (unknown) => void Object.assign(told, { unknown }),
    setUnproven: (unproven, withheld) => void Object.assign(told, { unproven, withheld }),
    setQuarantine: (quarantine) => void Object.assign(told, { quarantine }),
    setRebuild: (rebuild) => void Object.assign(told, { rebuild }),
    setProven: (proven) => void Object.assign(told, { proven }),
    get out() {
      const found = { failure, full, built, held, holds, suspicion, losses, orphans, orphansGone };
      return { changed, events, steps, lookUps, waits, wakeAtMs, ...told, ...found };
    },
  };
}

/**
 * A brake tells when it is lifted, but not when it was only that the switch could not be read. What
 * is stopped has work to do: it stays marked for it, so that a brake's lifting finds it.
 */
const brakedLookMs = 5_000;

export function waitForBrake(sheet: Sheet, brake: Cause): void {
  sheet.wait(brake);
  sheet.wakeAt(sheet.seen.nowMs + brakedLookMs);
}

/** Has a server leave: what is in load balancers is drained first. */
export function sendAway(sheet: Sheet, row: ServerRow, why: Cause): void {
  const inUse = row.memberships.length > 0 && row.state !== "building";
  sheet.put(leave(row, inUse ? "drain" : "delete", why, sheet.seen.nowMs));
  sheet.event(inUse ? "server.draining" : "server.deleting", row.id, why);
}
