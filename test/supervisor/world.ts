import { setMaxListeners } from "node:events";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { ColoId, GroupKey, NodeId } from "../../src/core/model/ids.js";
import type { Journal } from "../../src/core/ports/journal.js";
import type { Log } from "../../src/core/ports/log.js";
import type { Store } from "../../src/core/ports/store.js";
import {
  createSimulatedCloud,
  type SimulatedCloud,
} from "../../src/drivers/cloud-simulated/index.js";
import { createMemoryJournal } from "../../src/drivers/journal-memory/index.js";
import {
  createMemoryStore,
  createStoreFaults,
  type StoreFaults,
} from "../../src/drivers/store-memory/index.js";
import type { GroupSpec, Supervisor } from "../../src/supervisor/api.js";
import { defaultQueueLimits } from "../../src/supervisor/colo/colo-queue.js";
import { defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import { defaultRetention } from "../../src/supervisor/events/journaler.js";
import { createSupervisor } from "../../src/supervisor/supervisor.js";
import {
  createRandom,
  createSeededIds,
  createVirtualClock,
  type VirtualClock,
} from "../simulation/virtual-clock.js";

/** A whole Muster on a virtual clock: real supervisor, Cassandra-like store, simulated clouds. */
export interface World {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly storeFaults: StoreFaults;
  readonly journal: Journal;
  readonly clouds: ReadonlyMap<string, SimulatedCloud>;
  readonly caller: { readonly principal: string; readonly signal: AbortSignal };
  readonly warnings: readonly string[];
  /** The node now at work. */
  node(): Supervisor;
  /** Ends the node between two awaits, without any good-bye, and starts its successor. */
  crash(): Promise<void>;
  /** Awaits a promise while the clock moves on. */
  run<Value>(work: Promise<Value>): Promise<Value>;
  until(what: string, holds: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>;
  events(): Promise<readonly MusterEvent[]>;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly colos?: readonly string[];
  readonly cloud?: Omit<Parameters<typeof createSimulatedCloud>[0], "clock" | "random">;
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const clock = createVirtualClock();
  const ids = createSeededIds(options.seed ?? 1);
  const random = createRandom((options.seed ?? 1) + 1);
  const storeFaults = createStoreFaults();
  const store = createMemoryStore({ clock, random, faults: storeFaults });
  const journal = createMemoryJournal();
  const colos = options.colos ?? ["iad"];
  const warnings: string[] = [];
  const say = (fields: unknown, message: string) => {
    warnings.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = { debug: () => {}, info: () => {}, warn: say, error: say };
  const clouds = new Map(
    colos.map((colo) => [colo, createSimulatedCloud({ ...options.cloud, clock, random })]),
  );
  /** The wire between a node and the rest: cut when the node dies. */
  const boot = async () => {
    let alive = true;
    const supervisor = createSupervisor({
      installation: "test",
      node: "node-1" as NodeId,
      store: severable(store, () => alive),
      journal: severable(journal, () => alive),
      clock: severable(clock, () => alive),
      ids,
      log,
      colos: colos.map((colo) => ({
        id: colo as ColoId,
        cloud: severable(clouds.get(colo)!.openDriver(), () => alive),
        cloudName: "simulated",
        pollMs: 1_000,
        queue: defaultQueueLimits,
      })),
      leaseTimes: defaultLeaseTimes,
      retention: defaultRetention,
    });
    await world.run(supervisor.start());
    return {
      supervisor,
      kill: () => {
        alive = false;
      },
    };
  };
  let node: Awaited<ReturnType<typeof boot>>;

  const world: World = {
    clock,
    store,
    storeFaults,
    journal,
    clouds,
    warnings,
    caller: { principal: "tester", signal: patient() },
    node: () => node.supervisor,
    async crash() {
      node.kill();
      node = await boot();
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
  node = await boot();
  return world;
}

function patient(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return signal;
}

/** The same object, but every call of a dead node waits for ever. */
function severable<Port extends object>(port: Port, isAlive: () => boolean): Port {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (!isAlive()) {
          if (name === "nowMs" || name === "monotonicMs") return value.apply(target, args);
          if (name === "after") return { cancel: () => {} };
          return new Promise(() => {});
        }
        const answer: unknown = value.apply(target, args);
        if (!(answer instanceof Promise)) return answer;
        return answer.then(
          (one: unknown) => (isAlive() ? one : new Promise(() => {})),
          (error: unknown) => (isAlive() ? Promise.reject(error) : new Promise(() => {})),
        );
      };
    },
  });
}

export function groupSpec(change: Partial<GroupSpec> = {}): GroupSpec {
  return {
    displayName: "web",
    labels: {},
    placements: [{ colo: "iad" as ColoId, min: 0, max: 50, weight: 1, attachments: [] }],
    launch: { image: "debian", flavor: "small", userData: "", metadata: {}, parameters: {} },
    cooldownMs: 0,
    warmUpMs: 0,
    buildTimeoutMs: 3_600_000,
    stoppedGraceMs: 600_000,
    stoppedServers: "replace",
    scaleInOrder: "oldestFirst",
    surge: 0,
    ...change,
  };
}

export const web = { account: "acme", group: "web" } as unknown as GroupKey;

export async function createGroup(world: World, spec: GroupSpec = groupSpec()): Promise<void> {
  await world.run(
    world.node().groups.create(
      {
        account: web.account,
        group: web.group,
        spec,
        validateOnly: false,
        allowUnverified: false,
      },
      world.caller,
    ),
  );
}

export function askTarget(world: World, target: number, requestId?: string) {
  return world.node().scaling.submit(
    {
      key: web,
      source: "manual",
      ask: { kind: "target", target },
      ...(requestId === undefined ? {} : { requestId }),
    },
    world.caller,
  );
}

export function setTarget(world: World, target: number, requestId?: string) {
  return world.run(askTarget(world, target, requestId));
}

export async function inService(world: World): Promise<number> {
  const view = await world.run(world.node().groups.get(web, world.caller));
  return view.placements.reduce((sum, one) => sum + one.inService, 0);
}
