import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, CloudServerId } from "../../src/core/model/ids.js";
import {
  converges,
  createGroup,
  groupSpec,
  placed,
  rowsOf,
  setTarget,
  web,
} from "../supervisor/asks.js";
import { createWorld, lb } from "../supervisor/world.js";
import { watch } from "./oracle/oracle.js";

const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 1_000 }];

async function served() {
  const world = await createWorld();
  const oracle = watch(world);
  await createGroup(world, groupSpec({ placements: [placed("iad", { attachments })] }));
  await setTarget(world, 3);
  await converges(world, 3);
  return { world, oracle };
}

test("M6.1 a life without faults breaks no promise and comes to rest", async () => {
  const { world, oracle } = await served();
  await setTarget(world, 1);
  assert.notDeepEqual(oracle.unsettled(), []);
  await converges(world, 1);
  assert.deepEqual(oracle.unsettled(), []);
  oracle.assertKept();
});

test("M6.1 I2 a delete that nobody committed is found as it begins and as it is done", async () => {
  const { world, oracle } = await served();
  const [row] = await rowsOf(world);
  const driver = world.cloud.openDriver();
  const ref = { account: web.account, id: row!.cloudId! };
  await world.run(driver.deleteServer(ref, world.caller));
  assert.deepEqual(
    oracle.findings.map(({ id }) => id),
    ["I2"],
  );
});

test("M6.1 I11 a customer's server that is deleted is found, whatever tags it carries", async () => {
  const { world, oracle } = await served();
  const account = web.account as string;
  const id = world.cloud.addForeign({ account, name: "customer's" }) as CloudServerId;
  await world.run(world.cloud.openDriver().deleteServer({ account, id }, world.caller));
  assert.equal(oracle.findings[0]?.id, "I11");
});

test("M6.1 I5 an intention that becomes two servers is found", async () => {
  const { world, oracle } = await served();
  const { ownership } = world.cloud.servers()[0]!;
  const request = {
    ...{ account: web.account, name: "again", ownership: ownership! },
    launch: groupSpec().launch,
  };
  await world.run(world.cloud.openDriver().createServer(request, world.caller));
  assert.equal(oracle.findings[0]?.id, "I5");
  assert.match(oracle.unsettled().join(), /in no row and no report/);
});

test("M6.1 I6 an answer that is not on record exactly once is found", async () => {
  const { world, oracle } = await served();
  const receipt = await setTarget(world, 4);
  oracle.answered(receipt);
  oracle.assertKept();
  oracle.answered({ ...receipt, newTarget: 5 });
  oracle.answered({ ...receipt, eventId: "never-decided" as typeof receipt.eventId });
  assert.deepEqual(
    oracle.findings.map(({ id, facts }) => [id, facts["times"]]),
    [
      ["I6", 1],
      ["I6", 0],
    ],
  );
});

test("M6.1 I10 a wait that is overdue and shows nowhere is found", async () => {
  const { world, oracle } = await served();
  const [row] = await rowsOf(world);
  const partition = { scope: "placement", key: "acme/web/iad" } as const;
  const load = () => world.run(world.store.load(partition, "all", world.caller));
  world.nodeWires().cut();
  const { rows, revision } = await load();
  const puts = rows
    .filter(({ kind, key }) => kind === "server" && key === row!.id)
    .map(({ value, ...rest }) => ({
      ...rest,
      value: JSON.stringify({
        ...(JSON.parse(value) as object),
        ...{ state: "deleting", deletingSinceMs: world.clock.nowMs() },
      }),
    }));
  const commit = { partition, expectedRevision: revision, puts, deletes: [], events: [] };
  await world.run(world.store.commit({ ...commit, commitId: "by hand", hints: [] }, world.caller));
  for (let minute = 0; minute < 90 && oracle.findings.length === 0; minute++) {
    await world.clock.advance(60_000);
    world.cluster.taps.tell.called({
      ...{ node: "node-1", colo: "iad", api: "cloud", kind: "look", operation: "listServers" },
    });
  }
  assert.equal(oracle.findings[0]?.id, "I10");
  assert.equal(oracle.findings[0]?.facts["state"], "deleting");
});

test("M6.1 I9 a node that goes on asking a sick cloud is found, and one that probes is not", async () => {
  for (const admission of ["off", undefined] as const) {
    const world = await createWorld({ ...(admission && { admission }) });
    const oracle = watch(world);
    for (let tenant = 0; tenant < 6; tenant++)
      await createGroup(world, groupSpec(), { ...web, account: `tenant-${tenant}` as AccountId });
    world.cloud.inject({ kind: "refuse", on: ["list"], with: "temporary" });
    await world.clock.advance(8 * 60_000);
    const found = oracle.findings.map(({ id }) => id);
    assert.deepEqual(found, admission === "off" ? ["I9"] : []);
  }
});
