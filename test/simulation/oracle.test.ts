import assert from "node:assert/strict";
import { test } from "node:test";
import type { CloudServerId } from "../../src/core/model/ids.js";
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
