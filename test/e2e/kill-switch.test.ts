import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { coloName } from "../../clients/node/index.js";
import { OperationClass } from "../../src/gen/muster/v1/colo_service_pb.js";
import { type Daemon, eventually, startDaemon } from "./daemon.js";
import { assertExactly, converged, createWeb, slowColo, web } from "./groups.js";

const colo = "local";
const name = coloName(colo);
const target = 30;
/** B9.1: so long after the switch no node starts a create any more. */
const brakeMsMax = 1_000;
/** Long enough for many more, were they not stopped: what waits is planned anew at every poll. */
const watchMs = 3_000;
/** Creates take so long, four at a time: the whole move takes four seconds. */
const times = { answerDelayMs: 500, createDeadlineMs: 5_000, concurrency: 4 };

test("B9.1 M6.3 the kill switch stops a move within a second, holds over kill -9, and lets it go on", async (t) => {
  const daemon = await startDaemon(t, { [colo]: slowColo(times) });
  await createWeb(daemon, { colo, max: target });
  await daemon.client.scaling.setTarget({ name: web, target });
  const births = async () => (await daemon.records(colo)).length;
  await eventually("some servers are made", births, (count) => count >= 6);

  const operations = [OperationClass.CREATE];
  await daemon.client.colos.setBrake({ name, operations, reason: "storage is full" });
  const brakedAtMs = Date.now();
  await sleep(watchMs);
  const stopped = await daemon.records(colo);
  assert.ok(stopped.length < target, "all were made before the switch was thrown");
  const lateMs = Math.max(...stopped.map((one) => one.createdAtMs)) - brakedAtMs;
  assert.ok(lateMs <= brakeMsMax, `a create started ${lateMs} ms after the switch`);
  t.diagnostic(`${stopped.length} of ${target} servers; the last ${lateMs} ms after the switch`);
  await assertBraked(daemon);
  assert.equal((await daemon.running()).length, stopped.length);

  await daemon.kill();
  await daemon.start();
  await assertBraked(daemon);
  await sleep(watchMs);
  assert.equal(await births(), stopped.length, "a create after the restart");
  await assertBraked(daemon);
  await assertExactly(daemon, colo, stopped.length);

  await daemon.client.colos.clearBrake({ name, operations });
  await converged(daemon, target);
  await assertExactly(daemon, colo, target);
});

/** In force as the colo says, and the group says that it waits for it. */
async function assertBraked({ client }: Daemon): Promise<void> {
  const { colo: seen } = await client.colos.getColo({ name });
  assert.deepEqual(
    seen?.brakes.map(({ operation, reason }) => ({ operation, reason })),
    [{ operation: OperationClass.CREATE, reason: "storage is full" }],
  );
  const condition = async () => {
    const { group } = await client.groups.getGroup({ name: web });
    const [placement] = group?.status?.placements ?? [];
    return placement?.conditions.find(({ type }) => type === "braked")?.holds;
  };
  await eventually("the group says that it is braked", condition, (holds) => holds === true);
}
