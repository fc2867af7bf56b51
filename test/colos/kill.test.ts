import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Receipt } from "../../src/gen/muster/v1/receipt_pb.js";
import { followAll } from "../e2e/followed.js";
import { createRandom } from "../simulation/virtual-clock.js";
import {
  assertAgreed,
  assertLinearizable,
  assertNeverAbove,
  assertOneStory,
  assertShares,
  sharesOf,
} from "./agreed.js";
import { answered, setTarget } from "./asks.js";
import { createGroup, openBench } from "./bench.js";

const rounds = 12;
const killDelayMsMax = 600;
/** Some kills come while the scale event itself is on its way between the colos. */
const earlyKillDelayMsMax = 40;
/** A server whose making was cut short is told of by the cloud after half a minute. */
const patientMsMax = 180_000;
const max = { iad: 10, ams: 8 };

test("M2.5 M7.1 B3.1 B11.3 nodes of two colos are killed at random while they scale", async (t) => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const random = createRandom(seed);
  const bench = await openBench(t);
  const { front, nodes } = bench;
  const pick = () => nodes[Math.floor(random() * nodes.length)]!;
  const followed = [front, ...nodes].map((one) => followAll(t, one));
  await createGroup(front, "web", max);

  let unanswered = 0;
  const receipts: Receipt[] = [];
  for (let round = 0; round < rounds; round++) {
    const target = Math.floor(random() * (max.iad + max.ams + 1));
    const ask = { target, requestId: `round-${round}` };
    // Every other time it is the one who was asked, with the answer on its way.
    const early = round % 2 === 1;
    const [asked, other, askedAgain] = [pick(), pick(), pick()];
    const killed = early ? asked : other;
    const asking = setTarget(asked, ask).catch(() => undefined);
    if (!early) await asking;
    await sleep(random() * (early ? earlyKillDelayMsMax : killDelayMsMax));
    await killed.kill();
    const answer = await asking;
    if (!answer) unanswered++;
    await killed.start();
    // Whoever got no answer asks again, and anybody; it is one event all the same.
    const receipt = await answered(askedAgain, ask);
    receipts.push(receipt);
    if (answer) assert.deepEqual(receipt, answer, `round ${round}`);
    if (round % 4 === 3) await assertShares(bench, sharesOf(receipt), { msMax: patientMsMax });
  }
  t.diagnostic(`${unanswered} of ${rounds} kills took the answer along`);
  assert.ok(unanswered > 0, "no answer was lost");

  await assertAgreed(bench);
  const all = await assertOneStory(bench, followed, receipts);
  const decided = all.filter(({ type }) => type === "scale.decided");
  assert.equal(decided.length, rounds, "each was decided once");
  const most = await assertNeverAbove(bench, { web: max });
  const history = await assertLinearizable(bench);
  t.diagnostic(`${all.length} events, ${most["web"]} servers at most; ${JSON.stringify(history)}`);
});
