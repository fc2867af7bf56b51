import { checkCommit } from "../../core/invariants/check-commit.js";
import { checkNext } from "../../core/invariants/check-record.js";
import { type InvariantId, type Violation, violation } from "../../core/invariants/violation.js";
import {
  type AccountId,
  type ColoId,
  type PlacementKey,
  placementText,
} from "../../core/model/ids.js";
import type { Receipt, ScaleEvent } from "../../core/model/scale-event.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { Meter } from "../../core/ports/meter.js";
import type { FeedEntry } from "../../core/ports/store.js";
import type { Brakes } from "../colo/brakes.js";
import type { Drivers } from "../colo/outside.js";
import type { AccountListing } from "../converge/watch.js";
import type { EventMaker } from "../events/event-maker.js";
import type { GroupBook } from "../group-book.js";
import type { CommittedBatch, CommittedChange } from "../placements/placement-actor.js";
import type { PlacementBook } from "../placements/placement-book.js";
import { createRecent } from "../recent.js";
import { createFindings, isFinding, type Where } from "./findings.js";
import { createStrangers } from "./strangers.js";
import { createWaits } from "./waits.js";
import { type WatchedColo, watchDrivers } from "./watched-drivers.js";

/**
 * Watches, in production and all the time, that the promises are kept (docs/invariants.md), where
 * truth passes by: commits, calls, listings, the feed, answers. It looks at what changes, so that
 * what is quiet costs nothing. What it finds is said, counted and braked.
 */
export interface Monitor {
  /** After each commit that took effect (I1, I3–I7, I11). */
  committed(commit: CommittedBatch): void;
  /** The drivers as the rest of the colo is to have them (I1, I2, I5, I8, I9). */
  watch(of: WatchedColo): Drivers;
  /** After each complete listing (I1, I5). */
  listed(colo: ColoId, account: AccountId, listing: AccountListing): void;
  /** Entries of the feed, each once and in its order (I7). */
  fed(page: readonly FeedEntry[]): void;
  /** The reader of the feed goes on elsewhere. */
  feedMoved(): void;
  /** A scale event was answered (I6). */
  answered(key: PlacementKey, event: ScaleEvent, receipt: Receipt): void;
  /** How often it looked, and what it found, repeats included. */
  checks(kind: CheckKind): number;
  broken(invariant: InvariantId): number;
  start(): void;
  stop(): void;
}

/** What it looked at, by kind: a quiet turn adds to none of them. */
export type CheckKind = "commit" | "call" | "listing" | "feed";

export interface MonitorDeps {
  readonly installation: string;
  readonly attemptId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly signal: AbortSignal;
  readonly events: EventMaker;
  readonly placements: PlacementBook;
  readonly groups: Pick<GroupBook, "peek">;
  readonly holds: (key: PlacementKey) => boolean;
  readonly wake: (key: PlacementKey) => void;
  readonly brakesOf: (colo: ColoId) => Brakes | undefined;
  readonly listingLagMs: (colo: ColoId) => number;
}

/** Decided events whose answer may still be on its way, and placements whose last event is known. */
const decidedMax = 50_000;
const sequencesMax = 50_000;

export function createMonitor(deps: MonitorDeps): Monitor {
  const { attemptId, placements } = deps;
  const decided = createRecent<string, true>(decidedMax);
  const sequences = createRecent<string, number>(sequencesMax);
  const checks = new Map<CheckKind, number>();
  const broken = new Map<InvariantId, number>();
  const count = <Key>(of: Map<Key, number>, key: Key) => of.set(key, (of.get(key) ?? 0) + 1);
  const violations = deps.meter.counter({
    name: "muster_invariant_violations_total",
    help: "Broken promises that the monitor found, repeats included (docs/invariants.md).",
    labels: ["colo", "invariant"],
  });
  const looks = {
    name: "muster_invariant_checks",
    help: "What the monitor looked at: commits, calls, listings, pages of the feed.",
    labels: ["kind"],
  };
  deps.meter.gauge(looks, () => [...checks].map(([kind, value]) => ({ labels: { kind }, value })));
  const findings = createFindings({
    ...deps,
    open: placements.open,
    counted({ invariant }, colo) {
      count(broken, invariant);
      violations.add({ colo, invariant });
    },
  });
  const report = (found: readonly Violation[], where: Where) => findings.report(found, where);
  const strangers = createStrangers({ ...deps, report, checked: () => count(checks, "listing") });
  const waits = createWaits({
    ...deps,
    report,
    groupOf: deps.groups.peek,
    listingLagMs: ({ colo }) => deps.listingLagMs(colo),
  });

  function checkChange({ before, after, change, events }: CommittedChange): readonly Violation[] {
    if (isFinding(events)) return [];
    count(checks, "commit");
    return [
      ...checkCommit({
        before,
        after,
        touched: (change.servers ?? []).map(({ id }) => id),
        events,
        receipts: change.receipt ? [change.receipt] : [],
        surge: deps.groups.peek(after.key)?.surge ?? Number.POSITIVE_INFINITY,
        attemptId,
      }),
      ...events.flatMap(({ id, type }) => {
        if (type !== "scale.decided") return [];
        const again = decided.has(id);
        decided.set(id, true);
        return again ? [violation("I6", "B2.9", `${id}/again`, { event: id })] : [];
      }),
    ];
  }

  return {
    committed({ state, changes }) {
      const found = changes.flatMap(checkChange);
      if (found.length > 0) report(found, { colo: state.key.colo, key: state.key });
    },
    watch: (of) =>
      watchDrivers({
        ...{ ...deps, ...of, report },
        peek: placements.peek,
        checked: () => count(checks, "call"),
        denied: (account, cloudId) => strangers.denied(of.colo, account, cloudId),
      }),
    listed: strangers.listed,
    fed(page) {
      for (const { event } of page) {
        const { account, group, colo, sequence } = event;
        const key: PlacementKey = { account, group, colo };
        const text = placementText(key);
        const last = sequences.get(text);
        sequences.set(text, sequence);
        const gap = last === undefined ? undefined : checkNext(last, event);
        if (gap) report([gap], { colo, key });
      }
      if (page.length > 0) count(checks, "feed");
    },
    feedMoved: () => sequences.clear(),
    answered(key, event, receipt) {
      // A repeat gets the first one's receipt (B3.1); every other answer was just committed.
      const repeated = event.idempotencyKey !== undefined && receipt.eventId !== event.id;
      if (repeated || decided.has(receipt.eventId)) return;
      const facts = { event: event.id, receipt: receipt.eventId };
      report([violation("I6", "B2.9", `${event.id}/unrecorded`, facts)], { colo: key.colo, key });
    },
    checks: (kind) => checks.get(kind) ?? 0,
    broken: (invariant) => broken.get(invariant) ?? 0,
    start: waits.start,
    stop() {
      waits.stop();
      findings.stop();
    },
  };
}
