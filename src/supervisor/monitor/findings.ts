import { promises, type Violation } from "../../core/invariants/violation.js";
import { cause } from "../../core/model/cause.js";
import type { Brake, OperationClass } from "../../core/model/colo.js";
import type { EventDraft } from "../../core/model/event.js";
import { type ColoId, type PlacementKey, placementText } from "../../core/model/ids.js";
import type { PlacementDoc, ViolationMark } from "../../core/model/placement.js";
import type { Clock, Timer } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { Brakes } from "../colo/brakes.js";
import type { EventMaker } from "../events/event-maker.js";
import type { PlacementBook } from "../placements/placement-book.js";
import type { PlacementChange, PlacementState } from "../placements/placement-state.js";
import { createRecent } from "../recent.js";

/** Who sets the monitor's brakes. A person lifts them: ResumeGroup, or ClearBrake for a colo. */
export const monitorPrincipal = "muster:monitor";

/**
 * What becomes of a broken promise: an error in the log, an event in the placement's partition, and
 * a brake. Once for each finding, whatever node or life of it finds it again; counted after that.
 */
export interface Findings {
  report(found: readonly Violation[], where: Where): void;
  stop(): void;
}

export interface Where {
  readonly colo: ColoId;
  /** Undefined: known of no placement; then there is no event, only the rest. */
  readonly key?: PlacementKey | undefined;
}

export interface FindingsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly events: EventMaker;
  readonly open: PlacementBook["open"];
  readonly brakesOf: (colo: ColoId) => Brakes | undefined;
  /** Its conditions are to show it soon. */
  readonly wake: (key: PlacementKey) => void;
  /** Called for every finding, repeats included. */
  readonly counted: (violation: Violation, colo: ColoId) => void;
}

const rememberedMax = 10_000;
/** What could not be written down yet; more are only logged. */
const pendingMax = 1_000;
const retryDelayMs = 5_000;
/** Marks in a placement's document, and how many of one invariant are told within an hour. */
const marksMax = 20;
const toldMax = 5;
const toldWithinMs = 3_600_000;

export function createFindings(deps: FindingsDeps): Findings {
  const { clock, log, signal } = deps;
  const told = createRecent<string, true>(rememberedMax);
  const pending: { readonly found: Violation; readonly where: Where }[] = [];
  let writing = false;
  let timer: Timer | undefined;

  async function write(): Promise<void> {
    if (writing || signal.aborted) return;
    writing = true;
    try {
      for (let next = pending[0]; next !== undefined; next = pending[0]) {
        await settle(next.found, next.where);
        pending.shift();
      }
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ error: String(error) }, "a finding could not be written down; it is tried again");
      timer = clock.after(retryDelayMs, () => void write());
    } finally {
      writing = false;
    }
  }

  async function settle(found: Violation, { colo, key }: Where): Promise<void> {
    // First what stops harm, then what tells of it.
    if (found.coloWide !== undefined) await brake(colo, found, found.coloWide);
    if (!key) return;
    await deps.open(key).change((state) => ({
      change: marked(deps, state, found),
      reply: undefined,
    }));
    deps.wake(key);
  }

  /** Never in place of a brake that holds: a person's reason and expiry are theirs. */
  async function brake(colo: ColoId, found: Violation, operation: OperationClass): Promise<void> {
    const brakes = deps.brakesOf(colo);
    if (!brakes || brakes.inForce().some((one) => one.operation === operation)) return;
    const sinceMs = clock.nowMs();
    const added: Brake = {
      ...{ operation, reason: reasonOf(found), principal: monitorPrincipal, sinceMs },
      source: "monitor",
    };
    await brakes.set([added]);
    log.warn({ colo, operation, reason: added.reason }, "brake set by the monitor");
  }

  return {
    report(found, where) {
      for (const one of found) {
        deps.counted(one, where.colo);
        const place = where.key ? placementText(where.key) : where.colo;
        const text = `${place}|${one.key}`;
        if (told.has(text)) continue;
        told.set(text, true);
        const { invariant, rule, facts } = one;
        const fields = { colo: where.colo, ...where.key, invariant, rule, ...facts };
        log.error(fields, `invariant ${invariant} is broken: ${promises[invariant]}`);
        if (pending.length < pendingMax) pending.push({ found: one, where });
      }
      void write();
    },
    stop: () => timer?.cancel(),
  };
}

function reasonOf({ invariant, rule }: Violation): string {
  return `invariant ${invariant} (${rule}) is broken: ${promises[invariant]}`;
}

/** The finding on record, and the placement's creates and deletes stopped. */
function marked(
  { events, clock }: Pick<FindingsDeps, "events" | "clock">,
  { doc, servers }: PlacementState,
  found: Violation,
): PlacementChange {
  const marks = doc?.violations ?? [];
  if (marks.some(({ key }) => key === found.key)) return {};
  const nowMs = clock.nowMs();
  const { invariant, rule } = found;
  const recent = marks.filter(
    (one) => one.invariant === invariant && nowMs - one.atMs < toldWithinMs,
  );
  const pauses = found.coloWide === undefined && doc !== undefined && doc.paused === undefined;
  if (recent.length >= toldMax && !pauses) return {};
  const broken = cause(rule, "INVARIANT", {
    invariant,
    promise: promises[invariant],
    ...found.facts,
  });
  const server = [...servers.keys()].find((id) => id === found.facts["server"]);
  const principal = monitorPrincipal;
  const violated = events.make("invariant.violated", {
    causes: [broken],
    principal,
    facts: { key: found.key, pauses },
    ...(server === undefined ? {} : { server }),
  });
  if (!doc) return { events: [violated] };
  const mark: ViolationMark = { key: found.key, invariant, atMs: nowMs };
  const next = { ...doc, violations: [...marks, mark].slice(-marksMax) };
  if (!pauses) return { doc: next, events: [violated] };
  return {
    doc: paused(next, found, nowMs),
    events: [violated, pausedEvent(events, violated, found)],
  };
}

function paused(doc: PlacementDoc, found: Violation, sinceMs: number): PlacementDoc {
  const operations: readonly OperationClass[] = ["create", "delete"];
  const mark = { sinceMs, reason: reasonOf(found), principal: monitorPrincipal, operations };
  return { ...doc, paused: mark };
}

function pausedEvent(events: EventMaker, parent: EventDraft, found: Violation): EventDraft {
  return events.make("group.paused", {
    parent: parent.id,
    principal: monitorPrincipal,
    message: `Creates and deletes of the group were paused by the monitor: ${reasonOf(found)}`,
    facts: { invariant: found.invariant },
  });
}

/** Whether this is the monitor's own word: what it writes is not held against it. */
export function isFinding(events: readonly { readonly type: string }[]): boolean {
  return events.length > 0 && events[0]!.type === "invariant.violated";
}
