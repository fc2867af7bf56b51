import type { MusterEvent } from "../../src/core/model/event.js";
import type { LoadBalancerId } from "../../src/core/model/ids.js";
import type { Journal } from "../../src/core/ports/journal.js";
import type { Store } from "../../src/core/ports/store.js";
import type {
  createSimulatedCloud,
  SimulatedCloud,
} from "../../src/drivers/cloud-simulated/index.js";
import type {
  createSimulatedLoadBalancers,
  SimulatedLoadBalancers,
} from "../../src/drivers/lb-simulated/simulated-load-balancers.js";
import type { StoreFaults } from "../../src/drivers/store-memory/index.js";
import type { Supervisor } from "../../src/supervisor/api.js";
import type { ColoQueueLimits } from "../../src/supervisor/colo/colo-queue.js";
import {
  type Cluster,
  createCluster,
  type Node,
  type NodeSetup,
  patient,
} from "../simulation/cluster.js";
import {
  createRandom,
  createSeededIds,
  createVirtualClock,
  type VirtualClock,
} from "../simulation/virtual-clock.js";
import type { Wires } from "./ports.js";

export type { Node } from "../simulation/cluster.js";

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
  /** All that the nodes share; what an oracle listens to. */
  readonly cluster: Cluster;
  readonly caller: { readonly principal: string; readonly signal: AbortSignal };
  readonly warnings: string[];
  /** In [0, 1), fixed by the seed. */
  random(): number;
  /** The node now at work. */
  node(): Supervisor;
  nodeWires(): Wires;
  /** To the store alone: frozen, the node is cut off from it and from nothing else. */
  nodeStoreWires(): Wires;
  /** Ends the node between two awaits, without any good-bye, and starts its successor. */
  crash(): Promise<void>;
  /** So long no node is up: cheap, however long. */
  sleep(ms: number): Promise<void>;
  /** Another node over the same store, clouds and load balancers, beside `node()`. */
  join(name: string, colos?: readonly string[]): Promise<Node>;
  /** Ends all faults of store, clouds and load balancers. */
  heal(): void;
  /** Awaits a promise while the clock moves on. */
  run<Value>(work: Promise<Value>): Promise<Value>;
  until(what: string, holds: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>;
  events(): Promise<readonly MusterEvent[]>;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly colos?: readonly string[];
  /** Stores, feeds and journals of their own for each colo. */
  readonly apart?: { readonly lagMs: number };
  readonly cloud?: Omit<Parameters<typeof createSimulatedCloud>[0], "clock" | "random">;
  readonly balancers?: Partial<Parameters<typeof createSimulatedLoadBalancers>[0]>;
  readonly queue?: Partial<ColoQueueLimits>;
  readonly admission?: "off";
  readonly needsCredentials?: boolean;
  /** What every node is given beside. */
  readonly node?: Pick<NodeSetup, "meter" | "switchFile" | "colos" | "sender" | "metrics">;
}

export const lb = "lb-1" as LoadBalancerId;

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const seed = options.seed ?? 1;
  const clock = createVirtualClock();
  const random = createRandom(seed + 1);
  const colos = options.colos ?? ["iad"];
  const { cloud = {}, balancers = {}, queue = {}, admission, needsCredentials = false } = options;
  const colo = { cloud, balancers, queue, needsCredentials, ...(admission && { admission }) };
  const cluster = createCluster({
    clock,
    random,
    ids: createSeededIds(seed),
    balancerIds: createSeededIds(seed + 2),
    colos: colos.map((id) => ({ id, ...colo })),
    ...(options.apart && { apart: options.apart }),
  });
  const { store, storeFaults, journal, clouds, warnings, heal } = cluster;

  const boot = async (name: string, served?: readonly string[]): Promise<Node> => {
    const fresh = cluster.create(name, { ...options.node, ...(served && { colos: served }) });
    await world.run(fresh.supervisor.start());
    return fresh;
  };
  let node: Node;

  const world: World = {
    ...{ clock, store, storeFaults, journal, clouds, warnings, random, heal, cluster },
    cloud: clouds.get(colos[0]!)!,
    balancers: cluster.balancers.get(colos[0]!)!,
    caller: { principal: "tester", signal: patient() },
    node: () => node.supervisor,
    nodeWires: () => node.wires,
    nodeStoreWires: () => node.storeWires,
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
      const feeds = [...new Set(cluster.stores.values())].map((one) =>
        world.run(one.readFeed("", 10_000, world.caller)),
      );
      return (await Promise.all(feeds)).flat().map((entry) => entry.event);
    },
  };
  node = await boot("node-1");
  return world;
}
