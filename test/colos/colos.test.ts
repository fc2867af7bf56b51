import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { accountName, groupName } from "../../clients/node/index.js";
import { account, eventually } from "../e2e/daemon.js";
import { followAll } from "../e2e/followed.js";
import { ledgerOf, web } from "../e2e/groups.js";
import { assertAgreed, assertNeverAbove, assertOneStory, assertShares } from "./agreed.js";
import { answered, countIn, runs, setTarget, took } from "./asks.js";
import { type Bench, createGroup, nodesOf, openBench } from "./bench.js";

const max = { iad: 6, ams: 6 };

test("M7.1 M7.2 groups over two colos", async (t) => {
  const bench = await openBench(t);
  await t.test(
    "M7.2 B11.1 B11.2 a group over two colos is scaled through any node, and led by one colo",
    (part) => isLedByOne(part, bench),
  );
  await t.test(
    "M7.1 B11.3 a colo's nodes are killed: the other goes on, and they take what was decided",
    (part) => outlivesNodes(part, bench),
  );
});

async function isLedByOne(t: TestContext, bench: Bench): Promise<void> {
  const { front, nodes } = bench;
  const followed = [front, ...nodes].map((one) => followAll(t, one));
  const [ams] = nodesOf(bench, "ams");
  await createGroup(front, "web", max);
  const receipt = await setTarget(ams, { target: 7 });
  assert.equal(receipt.newTarget, 7);
  const parts = receipt.placements.map(({ colo, newTarget }) => [colo, newTarget]);
  assert.deepEqual(parts, [
    ["iad", 4],
    ["ams", 3],
  ]);
  await assertShares(bench, { iad: 4, ams: 3 });
  for (const one of nodes) assert.deepEqual(await setTarget(one, { target: 7 }), receipt);
  await setTarget(front, { target: 12 });
  await assertShares(bench, { iad: 6, ams: 6 });
  await setTarget(ams, { target: 3 });
  await assertShares(bench, { iad: 2, ams: 1 });

  await assertOneSight(bench);
  await assertAgreed(bench);
  const all = await assertOneStory(bench, followed);
  const decided = all.filter(({ type }) => type === "scale.decided");
  assert.deepEqual(
    decided.map(({ placement }) => placement),
    Array(3).fill(`${web}/iad`),
  );
  await assertNeverAbove(bench, { web: max });
  t.diagnostic(`${all.length} events`);
}

async function outlivesNodes(t: TestContext, bench: Bench): Promise<void> {
  const { front, nodes, clouds } = bench;
  const group = "outlives";
  const name = groupName(account, group);
  const [iad, ams] = [nodesOf(bench, "iad"), nodesOf(bench, "ams")];
  const followed = [front, ...nodes].map((one) => followAll(t, one));
  await createGroup(front, group, max);
  await setTarget(front, { target: 4, group });
  await assertShares(bench, { iad: 2, ams: 2 }, { group });

  for (const node of ams) await node.kill();
  const receipt = await answered(front, { target: 10, group });
  assert.equal(receipt.newTarget, 10);
  await runs(clouds.iad, 5, { group });
  assert.equal(await countIn(clouds.ams, group), 2, "nobody is there to make more");
  for (const node of ams) await node.start();
  t.diagnostic(`ams was back in its share after ${await took(runs(clouds.ams, 5, { group }))} ms`);
  await assertShares(bench, { iad: 5, ams: 5 }, { group });

  for (const node of iad) await node.kill();
  assert.deepEqual(
    await answered(front, { target: 10, group }),
    receipt,
    "it knows what iad decided",
  );
  const alone = await answered(front, { target: 4, requestId: "alone", group });
  assert.equal(alone.newTarget, 4, "the next of the list leads");
  await runs(clouds.ams, 2, { group });
  assert.equal(await countIn(clouds.iad, group), 5);
  for (const node of iad) await node.start();
  t.diagnostic(`iad was back in its share after ${await took(runs(clouds.iad, 2, { group }))} ms`);
  await assertShares(bench, { iad: 2, ams: 2 }, { group });
  for (const one of nodes)
    assert.deepEqual(await setTarget(one, { target: 4, requestId: "alone", group }), alone);

  await assertAgreed(bench);
  const all = await assertOneStory(bench, followed);
  const decided = all.filter(({ type }) => type === "scale.decided");
  const leads = decided.filter(({ placement }) => placement.startsWith(`${name}/`));
  assert.deepEqual(leads.map(({ placement }) => placement.slice(name.length + 1)).toSorted(), [
    "ams",
    "iad",
    "iad",
  ]);
  assert.ok(
    followed.slice(1).every(({ breaks }) => breaks > 0),
    "a stream did not break",
  );
  await assertNeverAbove(bench, { [group]: max });
}

/** What any node tells is the same: another colo's part comes by the store, a moment later. */
async function assertOneSight({ nodes }: Bench): Promise<void> {
  const sightOf = async (one: (typeof nodes)[number]) => {
    const { groups, colos } = one.client;
    const { group } = await groups.getGroup({ name: web });
    const listed = await groups.listGroups({ parent: accountName(account) });
    const servers = (await ledgerOf(one)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const names = (await colos.listColos({})).colos.map(({ name }) => name);
    return { group, listed, servers, names };
  };
  const [first] = await eventually(
    "all tell the same",
    () => Promise.all(nodes.map(sightOf)),
    (sights) => new Set(sights.map(say)).size === 1,
    10_000,
  );
  assert.deepEqual(first?.names, ["colos/ams", "colos/iad"]);
}

/** All but how old a copy is, which only those have that tell by one. */
const say = (what: unknown) =>
  JSON.stringify(what, (name, value) => {
    if (name === "copyTime") return undefined;
    return typeof value === "bigint" ? String(value) : value;
  });
