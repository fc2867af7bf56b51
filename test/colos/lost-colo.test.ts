import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { untilReady } from "../cassandra/bed/ready.js";
import { nodes, nodesIn } from "../cassandra/bed.js";
import { type Daemon, defer, eventually } from "../e2e/daemon.js";
import { assertGapFree, assertLives, followAll, searchAll } from "../e2e/followed.js";
import { web } from "../e2e/groups.js";
import { byPlacement, runs, seenThrough, setTarget, took } from "./asks.js";
import {
  assertNeverAbove,
  assertShares,
  type Colo,
  type Colos,
  createWeb,
  livingOf,
  openColos,
} from "./bench.js";

for (const [lost, left] of [
  ["ams", "iad"],
  ["iad", "ams"],
] as const)
  test(`M7.1 M7.3 B11.5 ${lost} is lost, its Cassandra too: ${left} scales on, also started anew`, async (t) => {
    const colos = await openColos(t);
    const { [lost]: far, [left]: near } = colos;
    const followed = followAll(t, far);
    await createWeb(near, { iad: 6, ams: 6 });
    await setTarget(near, 4);
    await assertShares(colos, { iad: 2, ams: 2 });

    await far.kill();
    await die(t, lost);
    const asked = setTarget(near, 10);
    t.diagnostic(`decided ${await took(asked)} ms after the loss`);
    assert.equal((await asked).receipt?.newTarget, 10);
    t.diagnostic(`done ${await took(runs(near, 5))} ms after the decision`);
    t.diagnostic(`an edit was refused after ${await took(assertNoEdit(near))} ms`);
    await near.kill();
    t.diagnostic(`ready ${Math.round(await near.start())} ms after its own end`);
    assert.deepEqual((await setTarget(near, 10)).receipt, (await asked).receipt);
    const again = setTarget(near, 12);
    t.diagnostic(`decided after ${await took(again)} ms, by one that was started anew`);
    await runs(near, 6);

    await live(lost);
    await far.start();
    t.diagnostic(`${lost} has its share ${await took(runs(far, 6))} ms after its start`);
    await assertShares(colos, { iad: 6, ams: 6 });
    await near.client.groups.updateGroup(edit);
    const all = await seenThrough(near);
    const seen = await followed.until(all.length);
    assertGapFree(seen);
    assert.deepEqual(byPlacement(seen), byPlacement(all));
    for (const one of [near, far])
      assert.deepEqual(byPlacement(await searchAll(one, all.length)), byPlacement(all));
    assertLives(all, await livingOf(far));
    await assertNeverAbove(colos, { iad: 6, ams: 6 });
  });

test("M7.1 B11.3 the lead falls silent, its Cassandra too: the other decides, until it wakes", async (t) => {
  const colos = await openColos(t);
  const { iad, ams } = colos;
  const followed = followAll(t, ams);
  await createWeb(iad, { iad: 6, ams: 6 });
  await setTarget(ams, 4);
  await assertShares(colos, { iad: 2, ams: 2 });

  const wake = await silence(t, colos, "iad");
  const answers: string[] = [];
  const asked = eventually(
    "ams decides alone",
    async () => {
      try {
        return (await setTarget(ams, 10, "silent")).receipt;
      } catch (error) {
        answers.push(ConnectError.from(error).message);
        return undefined;
      }
    },
    (receipt) => receipt !== undefined,
  );
  t.diagnostic(
    `decided after ${await took(asked)} ms, after ${answers.join("; ") || "no refusal"}`,
  );
  assert.equal((await asked)?.newTarget, 10);
  await runs(ams, 5);
  assert.equal((await iad.running()).length, 2);
  await wake();
  t.diagnostic(`iad has its share ${await took(runs(iad, 5))} ms after it woke`);
  await assertShares(colos, { iad: 5, ams: 5 });
  const all = await seenThrough(ams);
  const seen = await followed.until(all.length);
  assertGapFree(seen);
  assert.deepEqual(byPlacement(seen), byPlacement(all));
  assertLives(all, await livingOf(iad));
  await assertNeverAbove(colos, { iad: 6, ams: 6 });
});

const edit = {
  group: { name: web, displayName: "Web, edited" },
  updateMask: { paths: ["display_name"] },
};

/** What colos have to agree on waits, and says so (B11.5). */
async function assertNoEdit({ client }: Daemon): Promise<void> {
  await assert.rejects(
    client.groups.updateGroup(edit),
    (error) => error instanceof ConnectError && error.code === Code.Unavailable,
  );
}

async function die(t: TestContext, colo: Colo): Promise<void> {
  defer(t, () => live(colo));
  for (const node of nodesIn(colo)) await node.kill();
}

async function live(colo: Colo): Promise<void> {
  for (const node of nodesIn(colo)) await node.launch();
  await untilReady(nodes, nodes.length);
}

/** Its processes are there and do nothing: connections stand, and nobody answers. */
async function silence(t: TestContext, colos: Colos, colo: Colo): Promise<() => Promise<void>> {
  const { pid } = colos[colo];
  const wake = async () => {
    for (const node of nodesIn(colo)) await node.resume();
    process.kill(pid, "SIGCONT");
    await untilReady(nodes, nodes.length);
  };
  defer(t, wake);
  for (const node of nodesIn(colo)) await node.pause();
  process.kill(pid, "SIGSTOP");
  return wake;
}
