import type { InvariantId } from "../../src/core/invariants/violation.js";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { ServerRow } from "../../src/core/model/server.js";
import type { LogFields } from "../../src/core/ports/log.js";
import { silentMeter } from "../../src/core/ports/meter.js";
import type { Store } from "../../src/core/ports/store.js";
import {
  createSimulatedCloud,
  type SimulatedCloud,
} from "../../src/drivers/cloud-simulated/index.js";
import {
  createMemoryStore,
  createStoreFaults,
  type StoreFaults,
} from "../../src/drivers/store-memory/index.js";
import { createAdmission } from "../../src/supervisor/colo/admission.js";
import { type Brakes, createBrakes } from "../../src/supervisor/colo/brakes.js";
import type { Drivers } from "../../src/supervisor/colo/outside.js";
import { createEventMaker } from "../../src/supervisor/events/event-maker.js";
import { createMonitor, type Monitor } from "../../src/supervisor/monitor/monitor.js";
import type { PlacementActor } from "../../src/supervisor/placements/placement-actor.js";
import { createPlacementBook } from "../../src/supervisor/placements/placement-book.js";
import type { PlacementChange } from "../../src/supervisor/placements/placement-state.js";
import { attemptId, docOf, groupOf, key, rowOf } from "../core/plan/fixtures.js";
import { patient } from "../simulation/cluster.js";
import {
  createRandom,
  createSeededIds,
  createVirtualClock,
  type VirtualClock,
} from "../simulation/virtual-clock.js";

/** The monitor over a real store and real commits, without the planner: for misdeeds by hand. */
export interface MonitorBench {
  readonly clock: VirtualClock;
  readonly monitor: Monitor;
  readonly actor: PlacementActor;
  readonly brakes: Brakes;
  readonly cloud: SimulatedCloud;
  /** The cloud as the monitor hands it on. */
  readonly watched: Drivers["cloud"];
  readonly store: Store;
  readonly storeFaults: StoreFaults;
  readonly errors: string[];
  /** Commits a change as a worker would, right or wrong. */
  commit(change: PlacementChange): Promise<void>;
  run<Value>(work: Promise<Value>): Promise<Value>;
  events(): Promise<readonly MusterEvent[]>;
  /** The invariants that events tell of, in order. */
  told(): Promise<readonly string[]>;
  broken(): readonly InvariantId[];
}

const ids: readonly InvariantId[] = [
  ...(["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11"] as const),
];

/** @param earlier what another life, or another node, goes on with. */
export async function createMonitorBench(earlier?: MonitorBench): Promise<MonitorBench> {
  const clock = earlier?.clock ?? createVirtualClock();
  const storeFaults = earlier?.storeFaults ?? createStoreFaults();
  const store =
    earlier?.store ?? createMemoryStore({ clock, random: createRandom(1), faults: storeFaults });
  const seeded = createSeededIds(earlier ? 2 : 1);
  const signal = patient();
  const errors: string[] = [];
  const error = (fields: LogFields, message: string) =>
    void errors.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error };
  const brakes = createBrakes({
    ...{ colo: key.colo, store, clock, ids: seeded, log, signal },
    changed: () => {},
    storeCameBack: () => {},
    file: { inForce: () => [], ageMs: () => 0 },
  });
  const placements = createPlacementBook({
    ...{ store, clock, ids: seeded, signal },
    holds: () => true,
    committed: (commit) => monitor.committed(commit),
  });
  const monitor: Monitor = createMonitor({
    ...{ installation: "test", attemptId, clock, log, signal, placements, meter: silentMeter },
    events: createEventMaker({ clock, ids: seeded }),
    groups: { peek: () => groupOf() },
    holds: () => true,
    wake: () => {},
    brakesOf: () => brakes,
    listingLagMs: () => 5_000,
  });
  const cloud =
    earlier?.cloud ?? createSimulatedCloud({ clock, random: createRandom(2), listingLagMs: 5_000 });
  const admission = createAdmission({
    ...{ api: "cloud", colo: key.colo, limits: { inFlightMax: 4 }, share: () => 1 },
    ...{ clock, ids: seeded, log, signal },
  } as const);
  const { cloud: watched } = monitor.watch({
    drivers: { cloud: cloud.openDriver() },
    ...{ colo: key.colo, brakes, admissions: { cloud: admission, loadBalancer: admission } },
  });
  const actor = placements.open(key);

  const bench: MonitorBench = {
    ...{ clock, monitor, actor, brakes, cloud, watched, store, storeFaults, errors },
    async commit(change) {
      await bench.run(actor.change(() => ({ change, reply: undefined })));
      await clock.advance(100);
    },
    async run(work) {
      let settled = false;
      const mark = () => {
        settled = true;
      };
      work.then(mark, mark);
      while (!settled) await clock.advance(1);
      return work;
    },
    async events() {
      const entries = await bench.run(store.readFeed("", 10_000, { signal }));
      return entries.map((entry) => entry.event);
    },
    async told() {
      const found = (await bench.events()).filter(({ type }) => type === "invariant.violated");
      return found.map(({ facts }) => String(facts["invariant"]));
    },
    broken: () => ids.filter((one) => monitor.broken(one) > 0),
  };
  await bench.run(brakes.start());
  if (!earlier) await bench.commit({ doc: docOf({ target: 3 }) });
  return bench;
}

/** A row of this very life, with all the time in the world for its call. */
export function intention(id: string): ServerRow {
  const callDeadlineMs = Date.UTC(2030, 0, 1);
  return rowOf(id, "intended", { attempt: { id: attemptId, callDeadlineMs } });
}
