import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { waitWords } from "../../clients/cli/standing.js";
import { idOf } from "../../clients/node/index.js";
import type { PlacementKey, ServerId } from "../../src/core/model/ids.js";
import { createRandom } from "../simulation/virtual-clock.js";
import { account, type Daemon, startDaemon } from "./daemon.js";
import { deadLedger } from "./dead-ledger.js";
import { assertGapFree, assertLives, followAll, readFromStart, searchAll } from "./followed.js";
import { assertExactly, converged, createWeb, ledgerOf, slowColo, web } from "./groups.js";

const kills = 50;
const serversMax = 30;
const targets = [10, serversMax, 0, serversMax];
/** A move of all thirty takes about as long: later kills would find nothing on its way. */
const killDelayMsMax = 500;
/** Some kills come while the scale event itself is written, before or after its answer. */
const earlyKillDelayMsMax = 12;
/**
 * A kill between a server's record and its process leaves one that never starts. The cloud takes
 * half a minute to say so, and the group backs off as long: most rounds leave that to later ones.
 */
const patienceMs = 10_000;
const patientMsMax = 180_000;
const colo = "local";
const placement = { account, group: "web", colo } as PlacementKey;

test("M2.5 M6.1 killed 50 times while scaling, it finishes each time, and nothing is lost or doubled", async (t) => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const random = createRandom(seed);
  const daemon = await startDaemon(t, {
    [colo]: slowColo({ answerDelayMs: 100, createDeadlineMs: 1_500 }),
  });
  const converging: (number | "later")[] = [];
  const followed = followAll(t, daemon);
  await createWeb(daemon, { colo, max: serversMax });

  let midway = 0;
  let unanswered = 0;
  for (let round = 0; round < kills; round++) {
    const target = targets[round % targets.length]!;
    const asking = ask(daemon, target, round).catch(() => undefined);
    const early = round % 5 === 4;
    if (!early) await asking;
    await sleep(random() * (early ? earlyKillDelayMsMax : killDelayMsMax));
    await daemon.kill();
    const answer = await asking;
    if (!answer) unanswered++;
    midway += (await isMidway(daemon, target)) ? 1 : 0;
    if (round % 3 === 2) await followed.resubscribe();

    await daemon.start();
    // Whoever got no answer asks again; it is one event all the same (B3.1).
    const again = await ask(daemon, target, round);
    if (answer) assert.deepEqual(again.receipt, answer.receipt);
    const patient = round % 10 === 9;
    if (round % 7 === 5 && !patient) continue; // The next kill comes while it still recovers.
    const tookMs = await finishes(daemon, target, patient ? patientMsMax : patienceMs);
    converging.push(tookMs ?? "later");
    if (tookMs === undefined) {
      const { group } = await daemon.client.groups.getGroup({ name: web });
      t.diagnostic(`round ${round} is left to later ones: ${group && waitWords(group)}`);
      continue;
    }
    await assertExactly(daemon, colo, target);
  }
  const finished = converging.filter((one) => one !== "later").length;
  assert.ok(finished >= kills / 2, `only ${finished} rounds were seen to finish`);
  t.diagnostic(`converged after ${converging.join(", ")} ms`);
  t.diagnostic(`${midway} of ${kills} kills came midway, ${unanswered} took the answer along`);
  assert.ok(unanswered > 0, "no answer was lost");
  assert.ok(midway >= kills / 4, `only ${midway} kills came while servers were on their way`);

  const all = await readFromStart(daemon);
  const seen = await followed.until(all.length);
  assert.ok(followed.breaks >= kills / 2, `the stream broke only ${followed.breaks} times`);
  assert.deepEqual(seen, all, "who reconnected saw what one sees who reads it all at once");
  assert.deepEqual(await searchAll(daemon, all.length), all, "the journal holds the same");
  assertGapFree(all);
  const living = (await ledgerOf(daemon)).filter(({ cloudId }) => cloudId !== "");
  const alive = new Set(living.map(({ name }) => idOf(name)));
  assert.equal(alive.size, serversMax);
  assertLives(all, alive);
  t.diagnostic(`${all.length} events, ${followed.breaks} breaks of the stream`);
});

function ask({ client }: Daemon, target: number, round: number) {
  return client.scaling.setTarget({ name: web, target, requestId: `round-${round}` });
}

/** Resolves to how long it took; undefined when it did not finish in time. */
async function finishes(
  daemon: Daemon,
  target: number,
  msMax: number,
): Promise<number | undefined> {
  const startedMs = performance.now();
  try {
    await converged(daemon, target, { msMax });
    return Math.round(performance.now() - startedMs);
  } catch (error) {
    if (msMax < patientMsMax && error instanceof assert.AssertionError) return undefined;
    throw error;
  }
}

/** What a crash left, as cloud and ledger have it: looked at while nobody can change it. */
async function isMidway(daemon: Daemon, target: number): Promise<boolean> {
  const records = await daemon.records(colo);
  const intentions = new Set(records.map((one) => one.intention));
  assert.equal(intentions.size, records.length, "an intention was carried out twice");
  const staying = records.filter((one) => !one.isDeleting);
  const rows = await deadLedger(daemon, placement);
  const unknown = staying.filter(({ intention }) => !rows.has(intention as ServerId));
  assert.deepEqual(unknown, [], "nobody knows of them");
  assert.ok(staying.length <= serversMax, `${staying.length} servers are too many`);
  return records.length !== target || staying.length !== target;
}
