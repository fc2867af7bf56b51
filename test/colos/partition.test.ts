import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
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
import { answered, countIn, runs, took } from "./asks.js";
import { ways } from "./bed/networks.js";
import { type Colo, colos, createGroup, type Node, nodesOf, openBench } from "./bench.js";

const max = { web: { iad: 6, ams: 5 }, east: { iad: 4 }, west: { ams: 4 } };
const beforeMs = 4_000;
/** A lead that does not answer is given up after some ten seconds. */
const silenceMs = 15_000;
const cutMs = 40_000;
const askEveryMs = 400;

test("M7.1 M7.3 B11.3 cut off from each other while both scale, colos scale on, and agree again", async (t) => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const bench = await openBench(t);
  const { front, nodes, clouds } = bench;
  const followed = [front, ...nodes].map((one) => followAll(t, one));
  for (const [group, limits] of Object.entries(max)) await createGroup(front, group, limits);
  await answered(front, { target: 4 });
  await assertShares(bench, { iad: 2, ams: 2 });

  const own = { iad: "east", ams: "west" } as const;
  const callers = colos.map((colo, index) =>
    startCaller({ nodes: nodesOf(bench, colo), groups: ["web", own[colo]], seed: seed + index }),
  );
  await sleep(beforeMs);
  const droppedBefore = await ways.dropped();
  const cutAtMs = Date.now();
  await ways.cut();
  await sleep(cutMs);
  const asked = await Promise.all(callers.map((caller) => caller.stop()));
  const madeOnce = await createsSince(cutAtMs + silenceMs);
  for (const colo of colos) assert.ok(madeOnce[colo] > 0, `${colo} did not scale on`);

  const [[iad], [ams]] = [nodesOf(bench, "iad"), nodesOf(bench, "ams")];
  await answered(iad, { target: 100, requestId: "iad-alone" });
  await runs(clouds.iad, max.web.iad);
  await answered(ams, { target: 101, requestId: "ams-alone" });
  await runs(clouds.ams, max.web.ams);
  await answered(ams, { target: 5, requestId: "ams-less" });
  await runs(clouds.ams, 2);
  assert.equal(await countIn(clouds.iad, "web"), max.web.iad, "iad was told, though it is cut off");
  const dropped = (await ways.dropped()) - droppedBefore;
  assert.ok(dropped > 0, "nothing was dropped");
  const lastedMs = Date.now() - cutAtMs;
  await ways.mend();

  const healedAtMs = Date.now();
  for (const group of Object.keys(max)) {
    const receipt = await answered(front, { target: 3, requestId: "healed", group });
    await assertShares(bench, sharesOf(receipt), { group, msMax: 120_000 });
  }
  await assertAgreed(bench);
  const agreedMs = Date.now() - healedAtMs;
  const all = await assertOneStory(bench, followed);
  const most = await assertNeverAbove(bench, max);
  const history = await assertLinearizable(bench);
  t.diagnostic(`cut for ${lastedMs} ms, ${dropped} packets lost; asked: ${JSON.stringify(asked)};
    agreed again after ${agreedMs} ms; creates while cut: ${JSON.stringify(madeOnce)};
    ${all.length} events; servers at most: ${JSON.stringify(most)}; ${JSON.stringify(history)}`);

  async function createsSince(sinceMs: number): Promise<Readonly<Record<Colo, number>>> {
    const count = async (colo: Colo) =>
      (await clouds[colo].calls()).filter((call) => call.kind === "create" && call.atMs > sinceMs)
        .length;
    return { iad: await count("iad"), ams: await count("ams") };
  }
});

interface Caller {
  /** Once its last ask is answered. */
  stop(): Promise<{ readonly asks: number; readonly slowestMs: number }>;
}

/** Asks its own colo's nodes for ever other targets. */
function startCaller(of: {
  readonly nodes: readonly Node[];
  readonly groups: readonly string[];
  readonly seed: number;
}): Caller {
  const random = createRandom(of.seed);
  const pick = <One>(some: readonly One[]) => some[Math.floor(random() * some.length)]!;
  let isStopped = false;
  let asks = 0;
  let slowestMs = 0;
  const work = async () => {
    for (; !isStopped; asks++) {
      const requestId = `${of.seed}-${asks}`;
      const target = Math.floor(random() * 12);
      const ask = { target, requestId, group: pick(of.groups) };
      slowestMs = Math.max(slowestMs, await took(answered(pick(of.nodes), ask)));
      await sleep(askEveryMs);
    }
    return { asks, slowestMs };
  };
  const done = work();
  done.catch(() => {}); // Told by `stop`.
  return {
    stop() {
      isStopped = true;
      return done;
    },
  };
}
