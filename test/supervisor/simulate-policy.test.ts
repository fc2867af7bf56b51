import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { create, fromJson, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { isFault } from "../../src/core/errors/fault.js";
import {
  SimulatePolicyRequestSchema,
  SimulatePolicyResponseSchema,
} from "../../src/gen/muster/v1/policy_service_pb.js";
import { readSimulation } from "../../src/server/from-wire/simulation.js";
import { writeSimulation } from "../../src/server/to-wire/simulation.js";
import {
  alert,
  createGroup,
  createPolicy,
  groupSpec,
  placed,
  setTarget,
  upId,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

const seconds = (count: number) => count * 1_000;
const parent = "accounts/acme/groups/web";
type Request = Extract<
  MessageInitShape<typeof SimulatePolicyRequestSchema>,
  { readonly $typeName?: never }
>;

/** As a caller of the API sees it, without the doors. */
async function simulate(
  world: World,
  request: MessageInitShape<typeof SimulatePolicyRequestSchema>,
) {
  const read = readSimulation(create(SimulatePolicyRequestSchema, { parent, ...request }));
  const command = await world.run(read);
  const done = await world.run(world.node().policies.simulate(command, world.caller));
  return create(SimulatePolicyResponseSchema, writeSimulation(done));
}

const recorded = { case: "recorded", value: {} } as const;
const instant = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1_000)), nanos: 0 });

/** Half an hour in which an alert stands for six minutes. */
async function worldWithHistory(): Promise<World> {
  const world = await createWorld({ cloud: { buildMs: { fromMs: 40_000, toMs: 40_000 } } });
  await createGroup(world, groupSpec({ placements: [placed("iad", { min: 2, max: 30 })] }));
  await createPolicy(world);
  await setTarget(world, 3);
  await world.clock.advance(seconds(300));
  await alert(world, "critical");
  await world.clock.advance(seconds(345));
  await alert(world, "ok");
  await world.clock.advance(seconds(1_155));
  return world;
}

test("B2.9 a recorded half hour, simulated unchanged, comes to what it came to; nothing is done", async () => {
  const world = await worldWithHistory();
  const endMs = world.clock.nowMs();
  const range = { startTime: instant(endMs - seconds(1_805)), endTime: instant(endMs) };
  const { events, revision } = await traces(world);
  const told = await simulate(world, { ...range, events: recorded });
  assert.ok(told.bootTimeLaunches >= 10, `${told.bootTimeLaunches} launches were measured`);
  const bootS = Number(told.bootTime?.seconds);
  assert.ok(bootS >= 40 && bootS <= 50, `they took ${bootS} s`);
  const targets = (points: typeof told.capacity) =>
    points.map(({ desired }) => desired).filter((one, at, all) => one !== all[at - 1]);
  assert.deepEqual(targets(told.capacity).slice(-4), targets(told.recorded).slice(-4));
  assert.equal(told.capacity.at(-1)?.desired, told.recorded.at(-1)?.desired);
  // Turns that look for servers do so every few seconds: what waits for servers waits as long.
  const times = (points: typeof told.capacity, of: number) =>
    Number(points.find(({ desired }) => desired === of)?.time?.seconds);
  const last = told.recorded.at(-1)!.desired;
  const apartS = Math.abs(times(told.capacity, last) - times(told.recorded, last));
  assert.ok(apartS <= 30, `${apartS} s apart`);
  assert.deepEqual(await traces(world), { events, revision }, "not a trace of it");
});

async function traces(world: World) {
  const partition = { scope: "placement", key: "acme/web/iad" } as const;
  const { revision } = await world.run(world.store.load(partition, ["doc"], world.caller));
  return { revision, events: (await world.events()).length };
}

test("B2.9 a draft stands in for the policy of its name, limits for the group's, at a price", async () => {
  const world = await worldWithHistory();
  const endMs = world.clock.nowMs();
  const range = { startTime: instant(endMs - seconds(1_790)), endTime: instant(endMs) };
  const policy = { displayName: "One", action: { case: "change", value: 1 } as const };
  const told = await simulate(world, {
    ...{ ...range, events: recorded, policies: [{ policyId: "up", policy }] },
    assumptions: { prices: [{ flavor: "small", perHour: "1" }], startTarget: 3 },
    limits: [{ colo: "iad", min: 0, max: 5 }],
  });
  const desired = told.capacity.map((one) => one.desired);
  assert.deepEqual([...new Set(desired)], [3, 4, 5]);
  assert.ok(told.outcomes.some(({ code }) => code === "CLAMPED_TO_MAX"));
  const [usage] = told.usage;
  assert.ok(Math.abs(Number(usage?.cost) - (usage?.serverHours ?? 0)) <= 0.0001);
  const { policies } = world.node();
  const stored = await world.run(policies.get(web, upId, world.caller));
  assert.deepEqual(stored.action, { kind: "change", change: 2 }, "the group's own is as it was");
});

test("B1.2 what cannot be simulated names its field and its rule", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world);
  const at = instant(world.clock.nowMs());
  const supplied = (policy: string, change: Request = {}): Request => {
    const event = { time: at, ask: { case: "policy" as const, value: policy } };
    return { ...change, events: { case: "supplied", value: { events: [event] } } };
  };
  const draft = {
    policyId: "more",
    policy: { displayName: "More", action: { case: "change", value: 1 } as const },
  };
  const later = (days: number) => instant(world.clock.nowMs() + days * seconds(86_400));
  const cases: readonly (readonly [Request, readonly string[]])[] = [
    [{ events: recorded }, ["start_time", "end_time"]],
    [{ events: recorded, startTime: at, endTime: at }, ["end_time"]],
    [{ events: recorded, startTime: at, endTime: later(32) }, ["end_time"]],
    [supplied("gone"), ["supplied.events[0].policy"]],
    [supplied("up", { startTime: later(1), endTime: later(2) }), ["supplied.events[0].time"]],
    [supplied("up", { policies: [draft, draft] }), ["policies[1].policy_id"]],
    [supplied("up", { limits: [{ colo: "mars" }] }), ["limits[0].colo"]],
    [
      supplied("up", { assumptions: { prices: [{ flavor: "huge", perHour: "1" }] } }),
      ["assumptions.prices[0].flavor"],
    ],
  ];
  for (const [request, fields] of cases)
    await assert.rejects(simulate(world, request), (error) => {
      assert.ok(isFault(error, "FIELD_INVALID"), String(error));
      const named = error.violations.map(({ field }) => field);
      assert.deepEqual(named, fields);
      return true;
    });
  const fine = await simulate(world, supplied("more", { policies: [draft] }));
  assert.equal(fine.capacity.at(-1)?.desired, 1, "a draft's events are no stranger's");
});

test("B4.11 a node runs two simulations at once, and more are told to come back", async () => {
  const world = await worldWithHistory();
  const endMs = world.clock.nowMs();
  const command = await readSimulation(
    create(SimulatePolicyRequestSchema, {
      ...{ parent, events: recorded },
      ...{ startTime: instant(endMs - 31 * seconds(86_400)), endTime: instant(endMs) },
    }),
  );
  const ask = () => world.node().policies.simulate(command, world.caller);
  // What follows is asked of a node that knows the group, so that all begin at once.
  assert.ok((await world.run(ask())).simulation.capacity.length > 1);
  const done = await world.run(Promise.allSettled([ask(), ask(), ask()]));
  const failed = done.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  assert.equal(failed.length, 1);
  assert.ok(isFault(failed[0], "OVERLOADED"));
  assert.ok((await world.run(ask())).simulation.capacity.length > 1, "then there is room again");
});

test("B2.9 the worked example of docs/policies.md comes to what it says", async () => {
  const text = await readFile("docs/policies.md", "utf8");
  const section = text.slice(text.indexOf("## Trying a policy"));
  const blocks = [...section.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, , body]) => body!);
  const [draft, day, shown] = blocks;
  const { id, ...policy } = JSON.parse(draft!) as JsonObject;
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { min: 2, max: 20 })] }));
  const request = fromJson(SimulatePolicyRequestSchema, {
    ...{ parent, policies: [{ policyId: id!, policy }], supplied: JSON.parse(day!) },
    assumptions: { bootTime: "120s", prices: [{ flavor: "small", perHour: "0.12" }] },
  });
  const told = await simulate(world, request);
  const { decisions, usage, outcomes } = told;
  const lines = decisions
    .filter(({ receipt }) => receipt!.oldTarget !== receipt!.newTarget)
    .map(({ receipt }) => {
      const at = new Date(Number(receipt!.time!.seconds) * 1_000).toISOString().slice(0, 19);
      return `${at}Z  ${receipt!.oldTarget} → ${receipt!.newTarget}`;
    });
  assert.ok(lines.length >= 3);
  for (const line of lines) assert.ok(shown!.includes(line), `${line} is in the documents`);
  for (const { count, code } of outcomes)
    assert.ok(new RegExp(`^${count} × .*${code}$`, "m").test(shown!), `${count} × ${code}`);
  const [{ serverHours, cost } = { serverHours: 0, cost: "" }] = usage;
  assert.ok(shown!.includes(`small: ${serverHours.toFixed(1)} server-hours, cost ${cost}`));
});
