import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../src/core/ports/store.js";
import type { NodeSetup } from "../simulation/cluster.js";
import { createGroup, createPolicy } from "./asks.js";
import { createWorld } from "./world.js";

/** Calls of nodes that are made from now on, by method. */
function countCalls(store: Store): Map<string, number> {
  const calls = new Map<string, number>();
  const counted = Object.entries(store).map(([name, method]) => [
    name,
    (...args: unknown[]) => {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return method.apply(store, args);
    },
  ]);
  Object.assign(store, Object.fromEntries(counted));
  return calls;
}

/** What a node asks of the store in ten minutes in which nothing happens. */
async function callsAtRest(node: Pick<NodeSetup, "sender" | "metrics">) {
  const world = await createWorld({ node });
  await createGroup(world);
  await createPolicy(world);
  const calls = countCalls(world.store);
  await world.crash();
  await world.clock.advance(300_000);
  calls.clear();
  await world.clock.advance(600_000);
  return Object.fromEntries(calls);
}

test("B7.5 B2.1 where there are no notifiers and no queries, they cost not one call of the store", async () => {
  const sender: NodeSetup["sender"] = { refusalOf: () => undefined, send: async () => 204 };
  const metrics: NodeSetup["metrics"] = { measure: async () => 1 };
  const bare = await callsAtRest({});
  assert.ok(bare["listHints"]! > 0, "calls are counted");
  assert.deepEqual(await callsAtRest({ sender, metrics }), bare);
});
