import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Receipt } from "../../src/gen/muster/v1/receipt_pb.js";
import { assertGapFree, assertLives, followAll, searchAll } from "../e2e/followed.js";
import { createRandom } from "../simulation/virtual-clock.js";
import { byPlacement, seenThrough, setTarget } from "./asks.js";
import {
  assertNeverAbove,
  assertShares,
  type Colo,
  createWeb,
  livingOf,
  openColos,
} from "./bench.js";

const rounds = 16;
const killDelayMsMax = 600;
/** Some kills come while the scale event itself is on its way between the colos. */
const earlyKillDelayMsMax = 40;
/** A server whose making was cut short is told of by the cloud after half a minute. */
const patientMsMax = 180_000;
const max = { iad: 10, ams: 8 };

test("M2.5 M7.1 B3.1 B11.3 daemons of two colos are killed at random while they scale", async (t) => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const random = createRandom(seed);
  const pick = (): Colo => (random() < 0.5 ? "iad" : "ams");
  const colos = await openColos(t);
  const followed = { iad: followAll(t, colos.iad), ams: followAll(t, colos.ams) };
  await createWeb(colos.iad, max);

  let unanswered = 0;
  let last: Receipt | undefined;
  for (let round = 0; round < rounds; round++) {
    const target = Math.floor(random() * (max.iad + max.ams + 1));
    const ask = async (colo: Colo) =>
      (await setTarget(colos[colo], target, `round-${round}`)).receipt;
    const [asked, killed, askedAgain] = [pick(), pick(), pick()];
    const early = round % 2 === 1;
    const asking = ask(asked).catch(() => undefined);
    if (!early) await asking;
    await sleep(random() * (early ? earlyKillDelayMsMax : killDelayMsMax));
    await colos[killed].kill();
    const answer = await asking;
    if (!answer) unanswered++;
    await colos[killed].start();
    // Whoever got no answer asks again, and anybody; it is one event all the same.
    last = await ask(askedAgain);
    assert.ok(last);
    if (answer) assert.deepEqual(last, answer, `round ${round}: ${asked}, then ${askedAgain}`);
    if (round % 4 === 3) await assertShares(colos, sharesOf(last), patientMsMax);
  }
  t.diagnostic(`${unanswered} of ${rounds} kills took the answer along`);
  assert.ok(unanswered > 0, "no answer was lost");

  const all = await seenThrough(colos.iad);
  for (const colo of ["iad", "ams"] as const) {
    const seen = await followed[colo].until(all.length);
    assert.ok(followed[colo].breaks > 0, `the stream from ${colo} did not break`);
    assertGapFree(seen);
    assert.deepEqual(byPlacement(seen), byPlacement(all));
    assert.deepEqual(byPlacement(await searchAll(colos[colo], all.length)), byPlacement(all));
  }
  const decided = all.filter(({ type }) => type === "scale.decided");
  assert.equal(decided.length, rounds, "each was decided once");
  assertLives(all, await livingOf(colos.ams));
  t.diagnostic(`${all.length} events, ${await assertNeverAbove(colos, max)} servers at most`);
});

function sharesOf({ placements }: Receipt) {
  const of = (colo: Colo) => placements.find((one) => one.colo === colo)?.newTarget ?? 0;
  return { iad: of("iad"), ams: of("ams") };
}
