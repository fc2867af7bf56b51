import { setMaxListeners } from "node:events";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { ColoId, LoadBalancerId, NodeId } from "../../src/core/model/ids.js";
import type { Journal } from "../../src/core/ports/journal.js";
import type { Log } from "../../src/core/ports/log.js";
import type { Store } from "../../src/core/ports/store.js";
import {
  createSimulatedCloud,
  type SimulatedCloud,
} from "../../src/drivers/cloud-simulated/index.js";
import { createMemoryJournal } from "../../src/drivers/journal-memory/index.js";
import {
  createSimulatedLoadBalancers,
  type SimulatedLoadBalancers,
} from "../../src/drivers/lb-simulated/simulated-load-balancers.js";
import {
  createMemoryStore,
  createStoreFaults,
  healStoreFaults,
  type StoreFaults,
} from "../../src/drivers/store-memory/index.js";
import type { Supervisor } from "../../src/supervisor/api.js";
import { type ColoQueueLimits, defaultQueueLimits } from "../../src/supervisor/colo/colo-queue.js";
import { defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import { defaultRetention } from "../../src/supervisor/events/journaler.js";
import { createSupervisor } from "../../src/supervisor/supervisor.js";
import {
  createRandom,
  createSeededIds,
  createVirtualClock,
  type VirtualClock,
} from "../simulation/virtual-clock.js";
import { createWires, type Wires } from "./ports.js";

/** A whole Muster on a virtual clock: real supervisors, Cassandra-like store, simulated clouds. */
export interface World {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly storeFaults: StoreFaults;
  readonly journal: Journal;
  readonly clouds: ReadonlyMap<string, SimulatedCloud>;
  /** The first colo's. */
  readonly cloud: SimulatedCloud;
  /** The first colo's; the others have their own. */
  readonly balancers: SimulatedLoadBalancers;
  readonly caller: { readonly principal: string; readonly signal: AbortSignal };
  readonly warnings: string[];
  /** In [0, 1), fixed by the seed. */
  random(): number;
  /** The node now at work. */
  node(): Supervisor;
  nodeWires(): Wires;
  /** Ends the node between two awaits, without any good-bye, and starts its successor. */
  crash(): Promise<void>;
  /** So long no node is up: cheap, however long. */
  sleep(ms: number): Promise<void>;
  /** Another node over the same store, clouds and load balancers, beside `node()`. */
  join(name: string): Promise<Node>;
  /** Ends all faults of store, clouds and load balancers. */
  heal(): void;
  /** Awaits a promise while the clock moves on. */
  run<Value>(work: Promise<Value>): Promise<Value>;
  until(what: string, holds: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>;
  events(): Promise<readonly MusterEvent[]>;
}

export interface Node {
  readonly supervisor: Supervisor;
  readonly wires: Wires;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly colos?: readonly string[];
  readonly cloud?: Omit<Parameters<typeof createSimulatedCloud>[0], "clock" | "random">;
  readonly balancers?: Partial<Parameters<typeof createSimulatedLoadBalancers>[0]>;
  readonly queue?: Partial<ColoQueueLimits>;
}

export const lb = "lb-1" as LoadBalancerId;

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const seed = options.seed ?? 1;
  const clock = createVirtualClock();
  const ids = createSeededIds(seed);
  const random = createRandom(seed + 1);
  const storeFaults = createStoreFaults();
  const store = createMemoryStore({ clock, random, faults: storeFaults });
  const journal = createMemoryJournal();
  const colos = options.colos ?? ["iad"];
  const warnings: string[] = [];
  const log = createTestLog(warnings);
  const clouds = new Map(
    colos.map((colo) => [colo, createSimulatedCloud({ ...options.cloud, clock, random })]),
  );
  const chance = createSeededIds(seed + 2);
  const balancers = new Map(
    colos.map((colo) => [
      colo,
      createSimulatedLoadBalancers({
        ...{ clock, ids: chance, loadBalancers: [lb] },
        ...options.balancers,
      }),
    ]),
  );

  const boot = async (name: string): Promise<Node> => {
    const wires = createWires();
    const supervisor = createSupervisor({
      installation: "test",
      node: name as NodeId,
      store: wires.through(store),
      journal: wires.through(journal),
      clock: wires.through(clock),
      ids,
      log,
      colos: colos.map((colo) => ({
        id: colo as ColoId,
        cloud: wires.through(clouds.get(colo)!.openDriver()),
        cloudName: "simulated",
        loadBalancer: wires.through(balancers.get(colo)!.openDriver()),
        loadBalancerName: "simulated",
        pollMs: 1_000,
        queue: { ...defaultQueueLimits, ...options.queue },
      })),
      leaseTimes: defaultLeaseTimes,
      retention: defaultRetention,
    });
    await world.run(supervisor.start());
    return { supervisor, wires };
  };
  let node: Node;

  const world: World = {
    ...{ clock, store, storeFaults, journal, clouds, warnings, random },
    cloud: clouds.get(colos[0]!)!,
    balancers: balancers.get(colos[0]!)!,
    caller: { principal: "tester", signal: patient() },
    node: () => node.supervisor,
    nodeWires: () => node.wires,
    join: boot,
    async crash() {
      node.wires.cut();
      node = await boot("node-1");
    },
    async sleep(ms) {
      node.wires.cut();
      await clock.advance(ms);
      node = await boot("node-1");
    },
    heal() {
      healStoreFaults(storeFaults);
      for (const one of clouds.values()) one.heal();
      for (const one of balancers.values()) one.heal();
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
    async until(what, holds, withinMs = 600_000) {
      const deadlineMs = clock.nowMs() + withinMs;
      while (!(await world.run(Promise.resolve(holds())))) {
        if (clock.nowMs() > deadlineMs)
          throw new Error(`not ${what} within ${withinMs} ms; ${warnings.slice(-5).join("; ")}`);
        await clock.advance(50);
      }
    },
    async events() {
      const entries = await world.run(store.readFeed("", 10_000, world.caller));
      return entries.map((entry) => entry.event);
    },
  };
  node = await boot("node-1");
  return world;
}

function createTestLog(warnings: string[]): Log {
  const say = (fields: unknown, message: string) => {
    warnings.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { debug: () => {}, info: () => {}, warn: say, error: say };
}

function patient(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return signal;
}
