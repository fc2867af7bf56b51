import assert from "node:assert/strict";
import { test } from "node:test";
import { accountName } from "../../clients/node/index.js";
import { account, type Daemon, eventually } from "../e2e/daemon.js";
import { assertGapFree, assertLives, followAll, searchAll } from "../e2e/followed.js";
import { ledgerOf, web } from "../e2e/groups.js";
import { byPlacement, runs, seenThrough, setTarget, took } from "./asks.js";
import { assertNeverAbove, assertShares, createWeb, livingOf, openColos } from "./bench.js";

test("M7.2 B11.1 B11.2 a group over two colos is scaled through either, and led by one", async (t) => {
  const colos = await openColos(t);
  const { iad, ams } = colos;
  const followed = followAll(t, ams);
  await createWeb(iad, { iad: 6, ams: 6 });
  const { receipt } = await setTarget(ams, 7);
  assert.equal(receipt?.newTarget, 7);
  const parts = receipt.placements.map(({ colo, newTarget }) => [colo, newTarget]);
  assert.deepEqual(parts, [
    ["iad", 4],
    ["ams", 3],
  ]);
  await assertShares(colos, { iad: 4, ams: 3 });
  for (const one of [iad, ams]) assert.deepEqual((await setTarget(one, 7)).receipt, receipt);
  await setTarget(iad, 12);
  await assertShares(colos, { iad: 6, ams: 6 });
  await setTarget(ams, 3);
  await assertShares(colos, { iad: 2, ams: 1 });

  await assertOneSight(iad, ams);
  const all = await seenThrough(iad);
  const decided = all.filter(({ type }) => type === "scale.decided");
  assert.deepEqual(
    decided.map(({ placement }) => placement),
    Array(3).fill(`${web}/iad`),
  );
  assertGapFree(await followed.until(all.length));
  assert.deepEqual(byPlacement(await followed.until(all.length)), byPlacement(all));
  assert.deepEqual(byPlacement(await seenThrough(ams)), byPlacement(all));
  for (const one of [iad, ams])
    assert.deepEqual(byPlacement(await searchAll(one, all.length)), byPlacement(all));
  assertLives(all, await livingOf(iad));
  await assertNeverAbove(colos, { iad: 6, ams: 6 });
  t.diagnostic(`${all.length} events`);
});

test("M7.1 B11.3 a colo's daemon is killed: the other goes on, and it takes what was decided", async (t) => {
  const colos = await openColos(t);
  const { iad, ams } = colos;
  const followed = followAll(t, ams);
  await createWeb(iad, { iad: 6, ams: 6 });
  await setTarget(iad, 4);
  await assertShares(colos, { iad: 2, ams: 2 });

  await ams.kill();
  const { receipt } = await setTarget(iad, 10);
  assert.equal(receipt?.newTarget, 10);
  await runs(iad, 5);
  assert.equal((await ams.running()).length, 2, "nobody is there to make more");
  await ams.start();
  t.diagnostic(`ams was back in its share after ${await took(runs(ams, 5))} ms`);
  await assertShares(colos, { iad: 5, ams: 5 });

  await iad.kill();
  assert.deepEqual((await setTarget(ams, 10)).receipt, receipt, "it knows what iad decided");
  const alone = await setTarget(ams, 4, "alone");
  assert.equal(alone.receipt?.newTarget, 4, "the next of the list leads");
  await runs(ams, 2);
  assert.equal((await iad.running()).length, 5);
  await iad.start();
  t.diagnostic(`iad was back in its share after ${await took(runs(iad, 2))} ms`);
  await assertShares(colos, { iad: 2, ams: 2 });
  for (const one of [iad, ams])
    assert.deepEqual((await setTarget(one, 4, "alone")).receipt, alone.receipt);

  const all = await seenThrough(iad);
  const decided = all.filter(({ type }) => type === "scale.decided");
  const leads = decided.map(({ placement }) => placement.slice(web.length + 1));
  assert.deepEqual(leads.toSorted(), ["ams", "iad", "iad"]);
  const seen = await followed.until(all.length);
  assert.ok(followed.breaks > 0, "the stream did not break");
  assert.deepEqual(byPlacement(seen), byPlacement(all));
  assert.deepEqual(byPlacement(await searchAll(ams, all.length)), byPlacement(all));
  assertLives(all, await livingOf(ams));
  await assertNeverAbove(colos, { iad: 6, ams: 6 });
});

test("B11.3 colos that cannot reach each other scale their own, never above max, and agree again", async (t) => {
  const colos = await openColos(t);
  const { iad, ams, ways } = colos;
  const followed = followAll(t, ams);
  const max = { iad: 6, ams: 5 };
  await createWeb(iad, max);
  await setTarget(iad, 4);
  await assertShares(colos, { iad: 2, ams: 2 });

  for (const way of [ways.iad, ways.ams]) way.cut();
  await setTarget(iad, 100);
  await runs(iad, 6);
  assert.equal((await ams.running()).length, 2, "ams was told, though it is cut off");
  await setTarget(ams, 101);
  await runs(ams, 5);
  await setTarget(ams, 5);
  await runs(ams, 2, 60_000);
  assert.equal((await iad.running()).length, 6, "iad was told, though it is cut off");
  for (const way of [ways.iad, ways.ams]) {
    assert.ok(way.dropped > 0, "nothing was dropped");
    way.mend();
  }
  await assertShares(colos, { iad: 3, ams: 2 });
  t.diagnostic(`${await assertNeverAbove(colos, max)} servers at most`);

  const all = await seenThrough(iad);
  assert.deepEqual(byPlacement(await followed.until(all.length)), byPlacement(all));
  assertLives(all, await livingOf(iad));
});

/** What either node tells is the same: the other's part comes by the store, a moment later. */
async function assertOneSight(iad: Daemon, ams: Daemon): Promise<void> {
  const sightOf = async (one: Daemon) => {
    const { groups, colos } = one.client;
    const { group } = await groups.getGroup({ name: web });
    const listed = await groups.listGroups({ parent: accountName(account) });
    const servers = (await ledgerOf(one)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const names = (await colos.listColos({})).colos.map(({ name }) => name);
    return { group, listed, servers, names };
  };
  const both = await eventually(
    "both tell the same",
    async () => [await sightOf(iad), await sightOf(ams)] as const,
    ([one, other]) => say(one) === say(other),
    10_000,
  );
  assert.deepEqual(both[0].names, ["colos/ams", "colos/iad"]);
}

/** All but how old a copy is, which only those have that tell by one. */
const say = (what: unknown) =>
  JSON.stringify(what, (name, value) => {
    if (name === "copyTime") return undefined;
    return typeof value === "bigint" ? String(value) : value;
  });
