import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isFault } from "../../src/core/errors/fault.js";
import type { Clock } from "../../src/core/ports/clock.js";
import type { Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import {
  commitOf,
  countTo,
  eventOf,
  patientCall,
  placement,
  readWholeFeed,
  row,
  sequencesByPlacement,
} from "../contract/store-samples.js";
import { createRunningClock } from "../drivers/running-clock.js";
import { firstNode, type Home, makeHome, whileFrozen } from "./bed.js";
import { type Link, openLink } from "./link.js";

const call = patientCall();
const web = placement("web");
const minuteMs = 60_000;

interface Scene {
  readonly home: Home;
  readonly link: Link;
  /** A store that reaches Cassandra by itself, or through the link. */
  open(over?: { by?: Link; clock?: Clock; requestTimeoutMs?: number }): Promise<Store>;
}

function scene(title: string, body: (scene: Scene) => Promise<void>): void {
  test(title, async () => {
    const home = await makeHome();
    const link = await openLink();
    const opened: Store[] = [];
    try {
      await body({
        home,
        link,
        async open({ by, clock = createSystemClock(), ...over } = {}) {
          const contactPoints = by ? [by.address] : home.contactPoints;
          const colo = firstNode.dataCenter;
          const store = await createCassandraStore({
            ...home,
            ...over,
            contactPoints,
            colo,
            clock,
          });
          opened.push(store);
          return store;
        },
      });
    } finally {
      await Promise.all(opened.map((store) => store.close()));
      await link.close();
      await home.remove();
    }
  });
}

function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => assert.fail("it was to fail"),
    (error: unknown) => error,
  );
}

scene("M7.3 an answer that is lost is looked up before anything is told", async (scene) => {
  const { link } = scene;
  const store = await scene.open({ by: link });
  const commit = commitOf(web, 0, { puts: [row("a")], events: [eventOf(web, 1)] });
  await store.commit(commitOf(placement("db"), 0), call);
  link.lose(commit.commitId, "after");
  const committing = store.commit(commit, call);
  await healed(link, 1);
  assert.deepEqual(await committing, { revision: 1 });
  assert.equal((await readWholeFeed(store, "", 5)).length, 1);

  const unheard = commitOf(web, 1, { puts: [row("b")] });
  link.lose(unheard.commitId, "before");
  const failing = failureOf(store.commit(unheard, call));
  await healed(link, 2);
  const error = await failing;
  assert.ok(isFault(error, "STORE_UNAVAILABLE"), String(error));
  assert.equal(await store.wasCommitted(web, unheard.commitId, call), false);
  await store.commit({ ...unheard, commitId: "again" }, call);
});

scene(
  "M7.3 what was found not to be committed stays so, though it arrives later",
  async (scene) => {
    const { link } = scene;
    const clock = createRunningClock();
    const [healthy, cutOff] = [await scene.open(), await scene.open({ by: link, clock })];
    const commit = commitOf(web, 0, { puts: [row("a")], events: [eventOf(web, 1)] });
    await cutOff.commit(commitOf(placement("db"), 0), call);
    link.lose(commit.commitId, "late");
    const error = await failureOf(cutOff.commit(commit, call));
    assert.ok(isFault(error, "COMMIT_UNKNOWN"), String(error));
    assert.equal(link.lost, 1);

    assert.equal(await healthy.wasCommitted(web, commit.commitId, call), false);
    link.deliver();
    await sleep(2_000); // The node has it, and may do with it what it can.
    assert.equal((await healthy.load(web, "all", call)).revision, 0);
    assert.equal(await healthy.wasCommitted(web, commit.commitId, call), false);
    // Others, who know nothing of all this, go on from there.
    const third = await scene.open();
    await third.commit(commitOf(web, 0, { puts: [row("b")], events: [eventOf(web, 1)] }), call);
    assert.deepEqual((await healthy.load(web, "all", call)).rows, [row("b")]);
  },
);

scene(
  "M7.3 frozen servers: nothing is told that is not so, and all goes on after",
  async (scene) => {
    const requestTimeoutMs = 1_500;
    const store = await scene.open({ requestTimeoutMs });
    const groups = countTo(10).map((n) => placement(`group-${n}`));
    for (const group of groups) await store.commit(commitOf(group, 0, { puts: [row("a")] }), call);
    const commits = groups.map((group) =>
      commitOf(group, 1, { puts: [row("b")], events: [eventOf(group, 1)] }),
    );
    await whileFrozen(async () => {
      const startMs = Date.now();
      const hung = commits.map((commit) => failureOf(store.commit(commit, call)));
      for (const error of await Promise.all([...hung, failureOf(store.load(web, "all", call))])) {
        const isTold = isFault(error, "COMMIT_UNKNOWN") || isFault(error, "STORE_UNAVAILABLE");
        assert.ok(isTold, String(error));
      }
      assert.ok(Date.now() - startMs >= requestTimeoutMs, "it answered: it was not frozen");
    });
    const after = await scene.open();
    for (const commit of commits) {
      const stands = await after.wasCommitted(commit.partition, commit.commitId, call);
      const { revision, rows } = await after.load(commit.partition, "all", call);
      assert.equal(revision, stands ? 2 : 1);
      assert.equal(rows.length, stands ? 2 : 1);
      if (!stands) await after.commit({ ...commit, commitId: `${commit.commitId}-again` }, call);
    }
    const sequences = sequencesByPlacement(await readWholeFeed(after, "", 50));
    assert.deepEqual(
      [...sequences.values()],
      groups.map(() => [1]),
    );
  },
);

/** Commits the placement's first event, and dies before the event is in the feed. */
async function dieUnpublished({ link, open }: Scene, clock: Clock): Promise<void> {
  const dying = await open({ by: link, clock });
  await dying.commit(commitOf(placement("db"), 0), call);
  const event = eventOf(web, 1, { message: "its writer died" });
  link.lose("its writer died", "before", 2); // First in the commit, then on its way to the feed.
  await dying.commit(commitOf(web, 0, { events: [event] }), call);
  for (const startMs = Date.now(); link.lost === 0; await sleep(20))
    assert.ok(Date.now() - startMs < 10_000, "nothing went to the feed");
}

scene(
  "M2.5 events of a process that died before they were in the feed are found",
  async (scene) => {
    const clock = createRunningClock();
    const store = await scene.open({ clock });
    await dieUnpublished(scene, clock);
    assert.deepEqual(await store.readFeed("", 5, call), []);
    clock.advance(5 * minuteMs);
    const startMs = Date.now();
    let entries = await store.readFeed("", 5, call);
    for (; entries.length === 0; entries = await store.readFeed("", 5, call)) {
      assert.ok(Date.now() - startMs < 20_000, "nobody found it");
      await sleep(50);
    }
    assert.deepEqual(
      entries.map(({ event }) => event.message),
      ["its writer died"],
    );
  },
);

scene("M2.5 its successor's events come behind those that it left", async (scene) => {
  const clock = createRunningClock();
  const store = await scene.open({ clock });
  await dieUnpublished(scene, clock);
  await store.commit(commitOf(web, 1, { events: [eventOf(web, 2)] }), call);
  const sequences = sequencesByPlacement(await readWholeFeed(store, "", 5));
  assert.deepEqual([...sequences.values()], [[1, 2]]);
});

/** Waits until the link has lost so many, and their connections are gone. */
async function healed(link: Link, lost: number): Promise<void> {
  for (const startMs = Date.now(); link.lost < lost; await sleep(5))
    assert.ok(Date.now() - startMs < 10_000, "nothing was lost");
  await sleep(120);
  link.heal();
}
