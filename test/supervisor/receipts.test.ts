import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import {
  alert,
  askTarget,
  createGroup,
  createPolicy,
  policySpec,
  runPolicy,
  setTarget,
  submit,
  targetOf,
} from "./asks.js";
import { createWorld } from "./world.js";

const reused = (error: unknown) => isFault(error, "REQUEST_ID_REUSED");

test("B3.1 the same request_id is one event: the same receipt, and nothing moves twice", async () => {
  const world = await createWorld();
  await createGroup(world);
  const change = () => world.run(submit(world, { kind: "change", change: 3 }, { requestId: "r1" }));
  const first = await change();
  assert.deepEqual([first.outcome, first.oldTarget, first.newTarget], ["applied", 0, 3]);
  assert.deepEqual(await change(), first);
  assert.equal(await targetOf(world), 3);
  const decided = (await world.events()).filter((one) => one.type === "scale.decided");
  assert.equal(decided.length, 1);
  assert.deepEqual(decided[0]?.receipt, first);
});

test("B3.1 the same request_id with another body is an error and does nothing", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 3, "r1");
  await assert.rejects(setTarget(world, 4, "r1"), reused);
  const force = { reason: "launch", durationMs: 60_000 };
  const forced = submit(world, { kind: "target", target: 3 }, { requestId: "r1", force });
  await assert.rejects(world.run(forced), reused);
  assert.equal(await targetOf(world), 3);
});

test("B3.1 a hundred concurrent repeats are one event", async () => {
  const world = await createWorld();
  await createGroup(world);
  const ask = () => submit(world, { kind: "change", change: 1 }, { requestId: "r1" });
  const receipts = await world.run(Promise.all(Array.from({ length: 100 }, ask)));
  for (const receipt of receipts) assert.deepEqual(receipt, receipts[0]);
  assert.equal(await targetOf(world), 1);
  const mixed = Array.from({ length: 100 }, (_, index) =>
    submit(world, { kind: "change", change: 1 }, { requestId: `m${index % 10}` }),
  );
  const mixedReceipts = await world.run(Promise.all(mixed));
  assert.equal(new Set(mixedReceipts.map((one) => one.eventId)).size, 10);
  assert.equal(await targetOf(world), 11);
});

test("B3.1 M2.5 receipts survive a crash, whether the answer was heard or not", async () => {
  let unheard = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const world = await createWorld({ seed });
    await createGroup(world);
    const change = () => submit(world, { kind: "change", change: 2 }, { requestId: "r1" });
    let heard: unknown;
    change().then(
      (receipt) => {
        heard = receipt;
      },
      () => {},
    );
    await world.clock.advance(seed);
    await world.crash();
    if (heard === undefined) unheard++;
    const again = await world.run(change());
    if (heard !== undefined) assert.deepEqual(again, heard);
    assert.equal(again.newTarget, 2, `seed ${seed}`);
    assert.equal(await targetOf(world), 2, `seed ${seed}`);
    const other = submit(world, { kind: "change", change: 9 }, { requestId: "r1" });
    await assert.rejects(world.run(other), reused);
  }
  assert.ok(unheard > 1 && unheard < 12, `${unheard} of 12 answers were lost`);
});

test("B3.1 a request_id is forgotten after 24 hours", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 3, "r1");
  await world.sleep(24 * 3_600_000 + 1);
  assert.equal((await setTarget(world, 4, "r1")).newTarget, 4);
});

test("B2.9 a refusal is a receipt as well, and its repeat is the same refusal", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world, policySpec({ cooldownMs: 60_000 }));
  assert.equal((await runPolicy(world)).outcome, "applied");
  const refused = await runPolicy(world, "r2");
  assert.equal(refused.outcome, "refused");
  await world.clock.advance(120_000);
  assert.deepEqual(await runPolicy(world, "r2"), refused);
  assert.equal((await runPolicy(world, "r3")).outcome, "applied");
});

test("B2.9 M2.1 what was acknowledged is never lost, whatever the store's answers do", async () => {
  const world = await createWorld({ seed: 3 });
  await createGroup(world);
  Object.assign(world.storeFaults.chance, { lostAfterCommit: 0.3, lostBeforeCommit: 0.2 });
  let told = 0;
  for (let ask = 0; ask < 40; ask++) {
    const change = () => submit(world, { kind: "change", change: 1 }, { requestId: `r${ask}` });
    const receipt = await world.run(
      change()
        .catch(() => change())
        .catch(() => undefined),
    );
    if (receipt) told++;
  }
  const { fired } = world.storeFaults;
  assert.ok(fired.lostAfterCommit > 5 && fired.lostBeforeCommit > 5);
  world.heal();
  assert.ok(told > 30);
  assert.equal(await targetOf(world), told);
  await world.crash();
  assert.equal(await targetOf(world), told);
});

test("B3.1 debounce: what repeats within the window merges into the first, across a crash", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world, policySpec({ debounceMs: 10_000 }));
  const first = await alert(world, "critical", "a");
  assert.equal(first.outcome, "applied");
  await alert(world, "ok", "a");
  const merged = await alert(world, "critical", "b");
  assert.equal(merged.outcome, "merged");
  assert.equal(merged.causes[0]?.facts["mergedInto"], first.eventId);
  await alert(world, "ok", "b");
  await world.crash();
  assert.equal((await alert(world, "critical", "c")).outcome, "merged");
  await alert(world, "ok", "c");
  await world.clock.advance(60_000);
  assert.equal((await alert(world, "critical", "d")).outcome, "applied");
  assert.equal(await targetOf(world), 4);
});

test("M2.4 a burst of asks is few commits, each with its own receipt", async () => {
  const world = await createWorld();
  await createGroup(world);
  const before = await revisionOf(world);
  const asks = Array.from({ length: 200 }, (_, index) => askTarget(world, index % 7, `r${index}`));
  const receipts = await world.run(Promise.all(asks));
  assert.equal(new Set(receipts.map((one) => one.eventId)).size, 200);
  assert.ok((await revisionOf(world)) - before < 20);
});

async function revisionOf(world: Awaited<ReturnType<typeof createWorld>>): Promise<number> {
  const partition = { scope: "placement", key: "acme/web/iad" } as const;
  return (await world.run(world.store.load(partition, ["doc"], world.caller))).revision;
}
