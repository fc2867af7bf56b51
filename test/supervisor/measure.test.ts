import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, PolicyId } from "../../src/core/model/ids.js";
import type { PolicyAction } from "../../src/core/model/policy.js";
import type { Metrics } from "../../src/core/ports/metrics.js";
import {
  createGroup,
  createPolicy,
  groupSpec,
  placed,
  policySpec,
  setTarget,
  targetOf,
  upId,
  web,
} from "./asks.js";
import { createMemoryMeter } from "./memory-meter.js";
import { createWorld, type World } from "./world.js";

const query = 'avg(rate(cpu{group="web"}[1m]))';

/** A Prometheus whose answers follow from the group's size, as those of a real load do. */
function createLoad() {
  const load = { total: 4, fails: false, isEmpty: false, asked: 0, hangs: false };
  let sizeOf: () => Promise<number> = async () => 1;
  const metrics: Metrics = {
    async measure(text) {
      assert.equal(text, query);
      load.asked++;
      if (load.hangs) return new Promise<never>(() => {});
      if (load.fails) throw new Error("no answer in time");
      return load.isEmpty ? undefined : load.total / Math.max(1, await sizeOf());
    },
  };
  return {
    load,
    metrics,
    follow(of: () => Promise<number>) {
      sizeOf = of;
    },
  };
}

const tracking = (): PolicyAction => ({
  kind: "tracking",
  ...{ metric: "cpu", target: 0.5, query },
  ...{ tolerancePartsPerMillion: 100_000, stabilisationMs: 0 },
});

async function createBench() {
  const { load, metrics, follow } = createLoad();
  const meter = createMemoryMeter();
  const world = await createWorld({ node: { metrics, meter } });
  await createGroup(world, groupSpec({ placements: [placed("iad", { min: 1, max: 50 })] }));
  const inService = async () => {
    const { placements } = await world.node().groups.get(web, world.caller);
    return placements[0]?.inService ?? 0;
  };
  follow(inService);
  const settled = (servers: number) =>
    world.until(`at ${servers}`, async () => (await inService()) === servers, 1_200_000);
  return { world, load, meter, settled };
}

async function reports(world: World): Promise<string[]> {
  const events = await world.events();
  return events
    .filter(({ type, facts }) => type === "scale.decided" && facts["ask"] === "alert")
    .map(({ facts }) => String(facts["state"]));
}

test("B2.1 a policy with a query follows what Prometheus measures, out and in", async () => {
  const { world, load, settled } = await createBench();
  await settled(1);
  await createPolicy(world, policySpec({ action: tracking() }));
  await settled(8);
  load.total = 1.5;
  await settled(3);
  load.total = 4;
  await settled(8);
});

test("B3.4 without data nothing is scaled in; that they are missing is told once", async () => {
  const { world, load, meter, settled } = await createBench();
  await createPolicy(world, policySpec({ action: tracking() }));
  await settled(8);
  load.total = 1.5;
  load.fails = true;
  const before = await reports(world);
  await world.clock.advance(300_000);
  assert.ok(meter.value("muster_queries_total", { outcome: "failed" }) > 5, "the fault fired");
  load.fails = false;
  load.isEmpty = true;
  await world.clock.advance(300_000);
  assert.ok(meter.value("muster_queries_total", { outcome: "empty" }) > 5, "the fault fired");
  assert.equal(await targetOf(world), 8);
  const since = (await reports(world)).slice(before.length);
  assert.deepEqual(since, ["unknown"]);
  load.isEmpty = false;
  await settled(3);
});

test("B3.4 a query that hangs ends, is missing data, and keeps nobody else waiting", async () => {
  const { world, load, meter } = await createBench();
  load.hangs = true;
  await createPolicy(world, policySpec({ action: tracking() }));
  await world.clock.advance(20_000);
  assert.deepEqual([load.asked, await reports(world)], [1, ["unknown"]]);
  assert.match(world.warnings.join("\n"), /a query has no data .*no answer within 10000 ms/);
  await setTarget(world, 5);
  assert.equal(await targetOf(world), 5);
  await world.clock.advance(100_000);
  assert.ok(load.asked >= 4 && load.asked <= 5, `asked ${load.asked} times in two minutes`);
  assert.equal(meter.value("muster_queries_total", { outcome: "failed" }), load.asked);
  load.hangs = false;
  await world.until("measured", async () => (await reports(world)).includes("ok"), 60_000);
});

test("B3.4 missing data are told again before they are forgotten, so that no other policy scales in", async () => {
  const { world, load, settled } = await createBench();
  await createPolicy(world, policySpec({ action: tracking() }));
  const spec = policySpec({ action: { kind: "change", change: -2 }, debounceMs: 0 });
  const less = "less" as PolicyId;
  await world.run(world.node().policies.create({ key: web, policy: less, spec }, world.caller));
  await settled(8);
  load.isEmpty = true;
  await world.clock.advance(3 * 3_600_000);
  const ask = { kind: "alert", policy: less, key: "idle", state: "critical" } as const;
  const asked = world.node().scaling.submit({ key: web, source: "alert", ask }, world.caller);
  const { outcome, causes } = await world.run(asked);
  assert.deepEqual([outcome, causes.map(({ code }) => code)], ["held", ["OTHER_SILENT"]]);
  const told = (await reports(world)).filter((state) => state === "unknown").length;
  assert.ok(told >= 17 && told <= 19, `told ${told} times in three hours`);
});

test("B2.1 M2.5 one node asks, and another goes on where it died", async () => {
  const { world, load } = await createBench();
  await createPolicy(world, policySpec({ action: tracking() }));
  await world.join("node-2");
  await world.clock.advance(60_000);
  load.asked = 0;
  await world.clock.advance(300_000);
  assert.ok(load.asked >= 9 && load.asked <= 11, `asked ${load.asked} times in five minutes`);
  world.nodeWires().cut();
  await world.clock.advance(30_000);
  load.asked = 0;
  await world.clock.advance(60_000);
  assert.ok(load.asked >= 2, "the other one asks");
});

test("B2.1 few queries are asked at once, and accounts take turns", async () => {
  const { world, load } = await createBench();
  load.hangs = true;
  const spec = policySpec({ action: tracking() });
  for (let count = 0; count < 40; count++) {
    const policy = `p${count}` as PolicyId;
    await world.run(world.node().policies.create({ key: web, policy, spec }, world.caller));
  }
  await world.clock.advance(9_000);
  assert.equal(load.asked, 8);
  const other = { account: "other" as AccountId, group: web.group };
  await createGroup(world, groupSpec(), other);
  await world.run(world.node().policies.create({ key: other, policy: upId, spec }, world.caller));
  await world.clock.advance(25_000);
  assert.ok(load.asked < 40, "the first account's still wait");
  const its = (await world.events()).filter(({ account }) => account === "other");
  assert.ok(
    its.some(({ facts }) => facts["state"] === "unknown"),
    "the other one's had its turn",
  );
});

test("B2.1 queries end with their policy, and need a Prometheus", async () => {
  const { world, load } = await createBench();
  await createPolicy(world, policySpec({ action: tracking() }));
  await world.clock.advance(60_000);
  assert.ok(load.asked > 0);
  await world.run(world.node().policies.delete({ key: web, policy: upId }, world.caller));
  await world.clock.advance(10_000);
  const { asked } = load;
  await world.clock.advance(120_000);
  assert.equal(load.asked, asked);
  const live = { ...policySpec().alert, timeToLiveMs: 59_000 };
  await assert.rejects(createPolicy(world, policySpec({ action: tracking(), alert: live })), {
    message: /^alert_rule\.time_to_live: must be at least 60 s/,
  });
  const without = await createWorld();
  await createGroup(without);
  await assert.rejects(createPolicy(without, policySpec({ action: tracking() })), {
    message: /^target_tracking\.query: needs a `prometheus`/,
  });
});
