import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { untilReady } from "../cassandra/bed/ready.js";
import { nodes as cassandras, nodesIn } from "../cassandra/bed.js";
import { defer } from "../e2e/daemon.js";
import { followAll } from "../e2e/followed.js";
import { assertAgreed, assertNeverAbove, assertOneStory, assertShares } from "./agreed.js";
import { answered, runs, setTarget, took } from "./asks.js";
import { type Bench, type Colo, createGroup, nodesOf, openBench } from "./bench.js";

const max = { iad: 6, ams: 6 };

test("M7.1 B11.3 the lead falls silent, its Cassandra too: the other decides, until it wakes", async (t) => {
  const bench = await openBench(t);
  const { front, nodes, clouds } = bench;
  const [ams] = nodesOf(bench, "ams");
  const followed = nodes.map((one) => followAll(t, one));
  await createGroup(front, "web", max);
  await setTarget(ams, { target: 4 });
  await assertShares(bench, { iad: 2, ams: 2 });

  const wake = await silence(t, bench, "iad");
  const refusals: string[] = [];
  const asked = answered(ams, { target: 10, requestId: "silent" }, refusals);
  const decidedMs = await took(asked);
  t.diagnostic(`decided after ${decidedMs} ms, after ${refusals.join("; ") || "no refusal"}`);
  assert.equal((await asked).newTarget, 10);
  await runs(clouds.ams, 5);
  assert.equal((await clouds.iad.running()).length, 2);
  await wake();
  t.diagnostic(`iad has its share ${await took(runs(clouds.iad, 5))} ms after it woke`);
  await assertShares(bench, { iad: 5, ams: 5 });
  await assertAgreed(bench);
  await assertOneStory(bench, followed);
  await assertNeverAbove(bench, { web: max });
});

/** Its processes are there and do nothing: connections stand, and nobody answers. */
async function silence(t: TestContext, bench: Bench, colo: Colo): Promise<() => Promise<void>> {
  const pids = nodesOf(bench, colo).map(({ pid }) => pid);
  const wake = async () => {
    for (const node of nodesIn(colo)) await node.resume();
    for (const pid of pids) process.kill(pid, "SIGCONT");
    await untilReady(cassandras, cassandras.length);
  };
  defer(t, wake);
  for (const node of nodesIn(colo)) await node.pause();
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  return wake;
}
