import assert from "node:assert/strict";
import { afterEach } from "node:test";
import type { GroupKey } from "../../../src/core/model/ids.js";
import type { Condition } from "../../../src/core/model/placement.js";
import {
  converges,
  createGroup,
  groupSpec,
  placed,
  setTarget,
  view,
  web,
} from "../../supervisor/asks.js";
import { createWorld, lb, type World, type WorldOptions } from "../../supervisor/world.js";
import { type Oracle, watch } from "../oracle/oracle.js";

/** What the stories share: other systems' worst days, told again to a real supervisor. */

export const seconds = (count: number) => count * 1_000;
export const minutes = (count: number) => count * 60_000;

/** A cloud at its usual pace, with promises that the stories' faults keep or break on purpose. */
const usual: NonNullable<WorldOptions["cloud"]> = {
  latencyMs: { fromMs: 5, toMs: 40 },
  listingLagMs: 2_000,
  createDeadlineMs: 5_000,
};

/** Whatever a story is about, no promise of docs/invariants.md is broken in it. */
const oracles: Oracle[] = [];

afterEach(() => {
  for (const oracle of oracles.splice(0)) oracle.assertKept();
});

export async function watchedWorld(options: WorldOptions = {}): Promise<World> {
  const world = await createWorld({ ...options, cloud: { ...usual, ...options.cloud } });
  oracles.push(watch(world));
  return world;
}

/** A group with so many servers in service, and listings that have caught up with them. */
export async function storyAt(servers: number, options: WorldOptions = {}): Promise<World> {
  const world = await watchedWorld(options);
  await createGroup(world, groupSpec({ placements: [placed("iad", { max: 2_000 })] }));
  if (servers > 0) await settleAt(world, servers);
  return world;
}

/** The same behind a load balancer. */
export async function balancedStoryAt(servers: number, drainTimeoutMs = 0): Promise<World> {
  const world = await watchedWorld();
  const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs }];
  const placements = [placed("iad", { max: 2_000, attachments })];
  await createGroup(world, groupSpec({ placements }));
  await settleAt(world, servers);
  return world;
}

async function settleAt(world: World, servers: number): Promise<void> {
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(seconds(20));
}

/** Somebody asks the group to look at itself, again and again. */
export async function keepAsking(world: World, times: number, everyMs: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    await world.run(world.node().groups.converge(web, world.caller));
    await world.clock.advance(everyMs);
  }
}

export async function conditionOf(
  world: World,
  type: Condition["type"],
  key: GroupKey = web,
): Promise<Condition | undefined> {
  return (await view(world, key)).placements[0]?.conditions.find((one) => one.type === type);
}

/** The changes that a node asks clouds and load balancers for, from here on. */
export function changesBy(world: World, node: string): () => number {
  let count = 0;
  world.cluster.taps.listen({
    called: (call) => {
      if (call.node === node && call.kind !== "look") count++;
    },
  });
  return () => count;
}

/** Counts what a cloud did from here on: the harm, if there is any. */
export function witness(world: World) {
  const { calls, effects } = world.cloud;
  const callsBefore = calls.length;
  const effectsBefore = effects.length;
  const done = (kind: "created" | "deleted") =>
    effects.slice(effectsBefore).filter((one) => one.kind === kind);
  const made = (operation: "create" | "delete") =>
    calls.slice(callsBefore).filter((one) => one.operation === operation);
  return {
    created: () => done("created").length,
    deleted: () => done("deleted"),
    creates: () => made("create").length,
    deletes: () => made("delete").length,
    /** Nothing was asked of the cloud, let alone done. */
    assertUntouched: () => assert.equal(calls.length, callsBefore, "the cloud was left alone"),
  };
}
