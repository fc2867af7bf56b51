import { isFault } from "../core/errors/fault.js";
import type { ColoId } from "../core/model/ids.js";
import type { Meter, Reading } from "../core/ports/meter.js";
import type { Store } from "../core/ports/store.js";
import { callClasses } from "./colo/admission.js";
import type { Colo } from "./colo/colo.js";
import type { PlacementBook } from "./placements/placement-book.js";

const apis = ["cloud", "loadBalancer"] as const;
const phases = ["closed", "open", "probing", "ramping"] as const;

/** What the brakes and the admission of every colo stand at, read when Prometheus asks. */
export function meterColos(meter: Meter, colos: ReadonlyMap<ColoId, Colo>): void {
  const gauge = (
    name: string,
    help: string,
    labels: readonly string[],
    read: (colo: Colo) => readonly Reading[],
  ) =>
    meter.gauge({ name, help, labels: ["colo", ...labels] }, () =>
      [...colos.values()].flatMap((colo) =>
        read(colo).map((one) => ({ ...one, labels: { colo: colo.id, ...one.labels } })),
      ),
    );
  const ofApi = (read: (colo: Colo, api: (typeof apis)[number]) => number | undefined) => {
    return (colo: Colo) =>
      apis.flatMap((api) => {
        const value = read(colo, api);
        return value === undefined ? [] : [{ labels: { api }, value }];
      });
  };
  const view = (colo: Colo, api: (typeof apis)[number]) => colo.admissions[api].view();

  gauge(
    "muster_admission_allowed_calls",
    "Calls that this node may have in flight.",
    ["api"],
    ofApi((colo, api) => view(colo, api).inFlightMax),
  );
  gauge(
    "muster_admission_allowed_calls_per_second",
    "Calls that this node may begin in a second; absent while nothing but calls in flight bounds it.",
    ["api"],
    ofApi((colo, api) => view(colo, api).perSecondMax),
  );
  gauge(
    "muster_admission_in_flight_calls",
    "Calls in flight.",
    ["api"],
    ofApi((colo, api) => view(colo, api).inFlight),
  );
  gauge(
    "muster_admission_unanswered_calls",
    "Calls given up unanswered, and taken to be at work outside still.",
    ["api"],
    ofApi((colo, api) => view(colo, api).unanswered),
  );
  gauge(
    "muster_admission_phase",
    "1 for the phase that the admission is in.",
    ["api", "phase"],
    (colo) =>
      apis.flatMap((api) => {
        const now = view(colo, api).phase;
        return phases.map((phase) => ({
          labels: { api, phase },
          value: phase === now ? 1 : 0,
        }));
      }),
  );
  gauge(
    "muster_admission_waiting_calls",
    "Calls and steps that wait for the allowance or a slot, by class.",
    ["api", "class"],
    (colo) =>
      apis.flatMap((api) => {
        const { waiting } = view(colo, api);
        const queued = colo.queue.waitingOf(api).byClass;
        return callClasses.map((one) => ({
          labels: { api, class: one },
          value: waiting[one] + queued[one],
        }));
      }),
  );
  gauge(
    "muster_placements_waiting_to_create",
    "Placements that want more servers than may be asked for now.",
    [],
    (colo) => [{ labels: {}, value: colo.queue.waitingOf("cloud").placements }],
  );
  gauge("muster_brakes", "1 for every brake in force.", ["operation", "source"], (colo) =>
    colo.brakes
      .inForce()
      .map(({ operation, source = "operator" }) => ({ labels: { operation, source }, value: 1 })),
  );
  gauge("muster_kill_switch_age_seconds", "Since the kill switch was last read.", [], (colo) => {
    const ageS = colo.brakes.ageMs() / 1_000;
    return Number.isFinite(ageS) ? [{ labels: {}, value: ageS }] : [];
  });
  gauge("muster_lease_share", "This node's share of the colo's leases.", [], (colo) => [
    { labels: {}, value: colo.leases.share() },
  ]);
  gauge("muster_steps_running", "Steps that run.", [], (colo) => [
    { labels: {}, value: colo.queue.running },
  ]);
}

/** The conditions that hold of the placements that this node works on. */
export function meterPlacements(
  meter: Meter,
  book: PlacementBook,
  colos: ReadonlyMap<ColoId, Colo>,
): void {
  const name = "muster_placements";
  const help = "Placements in this node's memory of which a condition holds; `all` counts them.";
  meter.gauge({ name, help, labels: ["colo", "condition"] }, () => {
    const counts = new Map<string, number>();
    const count = (colo: ColoId, condition: string) => {
      const text = `${colo} ${condition}`;
      counts.set(text, (counts.get(text) ?? 0) + 1);
    };
    for (const actor of book.known()) {
      const doc = actor.peek()?.doc;
      if (!doc || !colos.get(actor.key.colo)?.leases.holds(actor.key)) continue;
      count(actor.key.colo, "all");
      for (const one of doc.conditions) if (one.holds) count(actor.key.colo, one.type);
    }
    return [...counts].map(([text, value]) => {
      const [colo = "", condition = ""] = text.split(" ");
      return { labels: { colo, condition }, value };
    });
  });
}

/** Servers that belong to no ledger, by why (B9.6): on record, or as the last sweep counted them. */
export function meterOrphans(
  meter: Meter,
  book: PlacementBook,
  colos: ReadonlyMap<ColoId, Colo>,
  sweeper: { readonly strays: () => ReadonlyMap<ColoId, number> },
): void {
  const name = "muster_orphans";
  const help = "Servers with our tags that belong to no ledger, of what this node works on.";
  meter.gauge({ name, help, labels: ["colo", "reason"] }, () => {
    const found = new Map<string, Reading>();
    const count = (colo: ColoId, reason: string, more: number) => {
      const value = (found.get(`${colo} ${reason}`)?.value ?? 0) + more;
      found.set(`${colo} ${reason}`, { labels: { colo, reason }, value });
    };
    for (const [colo, strays] of sweeper.strays()) count(colo, "noSuchGroup", strays);
    for (const actor of book.known()) {
      const state = actor.peek();
      if (!state?.doc || !colos.get(actor.key.colo)?.leases.holds(actor.key)) continue;
      for (const { why } of state.orphans.values()) count(actor.key.colo, why, 1);
    }
    return [...found.values()];
  });
}

const commitBucketsS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** The store, its commits counted by how they ended. */
export function meteredStore(
  store: Store,
  meter: Meter,
  clock: { readonly monotonicMs: () => number },
): Store {
  const commits = meter.counter({
    name: "muster_commits_total",
    help: "Conditional commits, by what was written and how it ended.",
    labels: ["scope", "outcome"],
  });
  const seconds = meter.histogram({
    name: "muster_commit_seconds",
    help: "How long commits took.",
    labels: ["scope"],
    buckets: commitBucketsS,
  });
  const commit: Store["commit"] = async (one, call) => {
    const { scope } = one.partition;
    const startedMs = clock.monotonicMs();
    try {
      const done = await store.commit(one, call);
      commits.add({ scope, outcome: "done" });
      return done;
    } catch (error) {
      const outcome = isFault(error, "PLACEMENT_CHANGED")
        ? "conflict"
        : isFault(error, "COMMIT_UNKNOWN")
          ? "unknown"
          : "failed";
      commits.add({ scope, outcome });
      throw error;
    } finally {
      seconds.observe({ scope }, (clock.monotonicMs() - startedMs) / 1_000);
    }
  };
  return {
    commit,
    load: (...call) => store.load(...call),
    read: (...call) => store.read(...call),
    wasCommitted: (...call) => store.wasCommitted(...call),
    readFeed: (...call) => store.readFeed(...call),
    feedHead: (...call) => store.feedHead(...call),
    trimFeed: (...call) => store.trimFeed(...call),
    otherFeeds: (...call) => store.otherFeeds(...call),
    putHints: (...call) => store.putHints(...call),
    deleteHints: (...call) => store.deleteHints(...call),
    listHints: (...call) => store.listHints(...call),
    listNames: (...call) => store.listNames(...call),
    ...(store.backUp && { backUp: store.backUp }),
    close: () => store.close(),
  };
}
