import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isFault } from "../../src/core/errors/fault.js";
import type { Clock } from "../../src/core/ports/clock.js";
import type { PartitionId, Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import { patientCall, placement } from "../contract/store-samples.js";
import { createRunningClock } from "../drivers/running-clock.js";
import { account, defer, openDaemon } from "../e2e/daemon.js";
import { converged, createWeb, slowColo, web } from "../e2e/groups.js";
import { behind, hasty, unfenced } from "../linearizability/broken-stores.js";
import { buildChecker, type Checker, type Verdict } from "../linearizability/check-history.js";
import { historyOf, recordedMain } from "../linearizability/record-daemon.js";
import { recordStore } from "../linearizability/record-store.js";
import { changeTarget, startRivals } from "../linearizability/rivals.js";
import { configOf, firstNode, type Home, makeHome, whileFrozen } from "./bed.js";
import { type Link, openLink } from "./link.js";

const call = patientCall();
const partition = placement("web");
const requestTimeoutMs = 1_500;
const lostMsMax = 20_000;
/** Until what was on the link has ended, so that it can be mended. */
const cutMs = 300;
/** The driver looks up for 3 s what became of a commit. */
const longCutMs = 4_500;
/** What was held back arrives when its sender has been told what became of it. */
const lateMs = 1_000;
const frozenMs = 2_500;
const longFrozenMs = 7_000;
const killsMax = 8;
const asksAtOnce = 20;
const killDelayMs = 70;

let home: Home;
let checker: Checker;
before(async () => {
  [home, checker] = await Promise.all([makeHome(), buildChecker()]);
});
after(() => Promise.all([home.remove(), checker.remove()]));

interface Scene {
  readonly lines: string[];
  /** A node's store, directly or over a link, spoilt if asked, with all of it written down. */
  open(over?: { by?: Link; clock?: Clock; spoil?: Spoil }): Promise<Store>;
  openLink(): Promise<Link>;
  /** What the checker says of what was written down. */
  verdict(): Promise<Verdict>;
}

type Spoil = (store: Store) => Store;
const sound: Spoil = (store) => store;

function sceneOf(t: TestContext): Scene {
  const lines: string[] = [];
  defer(t, () => home.empty());
  return {
    lines,
    async open({ by, clock = createSystemClock(), spoil = sound } = {}) {
      const contactPoints = by ? [by.address] : home.contactPoints;
      const colo = firstNode.dataCenter;
      const options = { ...home, contactPoints, colo, clock, requestTimeoutMs };
      const store = await createCassandraStore(options);
      defer(t, () => store.close());
      return recordStore(spoil(store), (line) => lines.push(line));
    },
    async openLink() {
      const link = await openLink();
      defer(t, () => link.close());
      return link;
    },
    verdict: () => checker.check(lines),
  };
}

test("M7.3 targets changed by three nodes at once, through cuts and freezes, follow one order", async (t) => {
  const scene = sceneOf(t);
  const links = [await scene.openLink(), await scene.openLink()] as const;
  const rivals = [
    { name: "node-1", store: await scene.open() },
    { name: "node-2", store: await scene.open({ by: links[0] }) },
    { name: "node-3", store: await scene.open({ by: links[1] }) },
  ];
  const running = startRivals(rivals, partition);
  await sleep(1_000);
  await lose(links[0], "node-2:", "before", cutMs);
  await lose(links[1], "node-3:", "after", cutMs);
  await lose(links[0], "node-2:", "late", cutMs);
  await Promise.all([
    lose(links[0], "node-2:", "after", longCutMs),
    lose(links[1], "node-3:", "late", longCutMs),
  ]);
  for (const ms of [frozenMs, longFrozenMs]) {
    await whileFrozen(() => sleep(ms));
    await sleep(1_000);
  }
  await running.end();
  await rivals[0]!.store.load(partition, "all", call);

  const found = await scene.verdict();
  t.diagnostic(JSON.stringify({ ...found, ...countAnswers(scene.lines) }));
  assert.equal(found.verdict, "Ok", found.stuck);
  const { committed = 0, changed = 0, unknown = 0 } = countAnswers(scene.lines);
  assert.ok(committed > 100 && changed > 0, "nobody had a rival");
  assert.ok(unknown > 0, "every commit's end was found out");
});

async function lose(
  link: Link,
  text: string,
  when: "before" | "after" | "late",
  forMs: number,
): Promise<void> {
  const before = link.lost;
  link.lose(text, when);
  for (const startMs = Date.now(); link.lost === before; await sleep(5))
    assert.ok(Date.now() - startMs < lostMsMax, "nothing was lost");
  await sleep(forMs);
  link.heal();
  await sleep(lateMs);
  link.deliver();
}

function countAnswers(lines: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const line of lines) {
    const { result } = JSON.parse(line) as { readonly result?: string };
    if (result !== undefined) counts[result] = (counts[result] ?? 0) + 1;
  }
  return counts;
}

test("M7.3 M2.5 what a daemon that is killed asks of Cassandra, and is answered, follows one order", async (t) => {
  const scene = sceneOf(t);
  const { dataCenter: colo } = firstNode;
  const slow = slowColo({ answerDelayMs: 100, createDeadlineMs: 1_500 });
  const more = { installation: "prod", store: configOf(home) };
  const daemon = await openDaemon({ [colo]: slow }, { main: recordedMain, more });
  defer(t, () => daemon.end());
  await createWeb(daemon, { colo, max: 20 });
  const other = await scene.open();
  const placed: PartitionId = { scope: "placement", key: `${account}/web/${colo}` };
  let lines: readonly string[] = [];
  for (let kills = 1; kills <= killsMax && !isCutOff(lines); kills++) {
    const { setTarget } = daemon.client.scaling;
    const asked = Array.from({ length: asksAtOnce }, (_, index) =>
      setTarget({ name: web, target: kills + (index % 10) }).catch(() => undefined),
    );
    await sleep(kills * killDelayMs);
    const reading = other.load(placed, ["doc"], call);
    await daemon.kill();
    await Promise.all([reading, ...asked]);
    await daemon.start();
    lines = [...(await historyOf(daemon)), ...scene.lines];
  }
  assert.ok(isCutOff(lines), "no kill came amid a call");
  const found = await checker.check(lines);
  // Nothing is under way when it ends.
  await daemon.client.scaling.setTarget({ name: web, target: 1 });
  await converged(daemon, 1);
  t.diagnostic(JSON.stringify({ ...found, ...countAnswers(lines) }));
  assert.equal(found.verdict, "Ok", found.stuck);
});

/** Whether a commit of a life before the last has no answer. */
function isCutOff(lines: readonly string[]): boolean {
  const all = lines.map((line) => JSON.parse(line) as { readonly op: string; kind?: string });
  const calls = all.filter(({ kind }) => kind === "commit");
  const ended = new Set(all.filter(({ kind }) => kind === undefined).map(({ op }) => op));
  return calls.some(({ op }) => !ended.has(op));
}

/** Little stories that a store of each kind tells, and a sound one as well. */
const stories: Readonly<Record<string, (scene: Scene, spoil: Spoil) => Promise<void>>> = {
  async behind(scene, spoil) {
    const [writer, reader] = [await scene.open(), await scene.open({ spoil })];
    await reader.load(partition, "all", call);
    await writer.commit(changeTarget(partition, 0, { commitId: "first" }), call);
    await reader.load(partition, "all", call);
  },
  async hasty(scene, spoil) {
    const link = await scene.openLink();
    const [cutOff, healthy] = [await scene.open({ by: link, spoil }), await scene.open()];
    link.lose("first", "before");
    const committing = cutOff.commit(changeTarget(partition, 0, { commitId: "first" }), call);
    await Promise.allSettled([committing, healed(link)]);
    await healthy.load(partition, "all", call);
  },
  async unfenced(scene, spoil) {
    const link = await scene.openLink();
    // It gives up looking at once.
    const cutOff = await scene.open({ by: link, clock: createRunningClock() });
    const healthy = await scene.open({ spoil });
    link.lose("first", "late");
    await assert.rejects(
      cutOff.commit(changeTarget(partition, 0, { commitId: "first" }), call),
      (error) => isFault(error, "COMMIT_UNKNOWN"),
    );
    assert.equal(await healthy.wasCommitted(partition, "first", call), false);
    link.deliver();
    await sleep(2_000); // The node has it, and may do with it what it can.
    await healthy.load(partition, "all", call);
  },
};

async function healed(link: Link): Promise<void> {
  for (const startMs = Date.now(); link.lost === 0; await sleep(5))
    assert.ok(Date.now() - startMs < lostMsMax, "nothing was lost");
  await sleep(cutMs);
  link.heal();
}

for (const [name, spoil] of Object.entries({ behind, hasty, unfenced }))
  test(`M7.3 a store that is ${name} is found out, and a sound one is not`, async (t) => {
    for (const [kind, verdict] of [
      [sound, "Ok"],
      [spoil, "Illegal"],
    ] as const) {
      const scene = sceneOf(t);
      await home.empty();
      await stories[name]!(scene, kind);
      const found = await scene.verdict();
      assert.equal(found.verdict, verdict, JSON.stringify(found));
    }
  });
