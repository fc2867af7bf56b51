import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isFault } from "../../src/core/errors/fault.js";
import type { PartitionId, Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import { commitOf, countTo, patientCall, placement, row } from "../contract/store-samples.js";
import { defer } from "../e2e/daemon.js";
import type { BedNode } from "./bed/node.js";
import { untilReady } from "./bed/ready.js";
import { addressOf, firstNode, type Home, makeHome, nodes, nodesIn, ownNodes } from "./bed.js";

const call = patientCall();
const clock = createSystemClock();
const [farNode] = nodes.filter((node) => node.dataCenter !== firstNode.dataCenter);
/** Two of three are a quorum, so that one may die; and another colo, which is not asked. */
const skip =
  ownNodes.length >= 3 && farNode !== undefined
    ? false
    : "needs MUSTER_CASSANDRA_NODES=iad=3,ams=1";
const settleMsMax = 60_000;

test("M7.3 a node dies under commits: what was acknowledged stands, and they go on", {
  skip,
}, async (t) => {
  const home = await homeOf(t);
  const store = await openIn(t, home, firstNode.dataCenter);
  const [, second, third] = ownNodes as readonly [BedNode, BedNode, BedNode];
  const writers = countTo(8).map((n) => startWriter(store, placement(`group-${n}`)));
  const each = (more: number) => timed(t, `${more} commits each`, eachCommits(writers, more));
  await each(5);
  await dead(t, second);
  await each(10);
  await timed(t, "the second is back", back(second));
  await each(5);
  // Whoever missed some of it is needed for a quorum now.
  await dead(t, third);
  await each(10);
  await timed(t, "the third is back", back(third));
  const counts = await Promise.all(writers.map((writer) => writer.end()));
  const other = await openIn(t, home, firstNode.dataCenter);
  for (const { partition, acknowledged } of counts) {
    const { revision, rows } = await other.load(partition, "all", call);
    const keys = rows.map(({ key }) => key);
    assert.deepEqual(keys, [...acknowledged].sort());
    assert.equal(revision, acknowledged.length);
  }
});

test("M7.1 M7.3 placements need most of their colo alone; groups, most of all colos'", {
  skip,
}, async (t) => {
  const home = await homeOf(t);
  const near = await openIn(t, home, firstNode.dataCenter);
  assert.ok(farNode);
  const group: PartitionId = { scope: "group", key: "acme/web" };
  const web = placement("web");
  await near.commit(commitOf(group, 0, { puts: [row("config")] }), call);
  await near.commit(commitOf(web, 0, { puts: [row("a")] }), call);
  const far = await openIn(t, home, farNode.dataCenter);
  assert.deepEqual((await far.load(group, "all", call)).rows, [row("config")]);
  const hint = { index: "due/iad", key: "acme/web/iad", value: "{}" };
  await near.putHints([hint], call);
  await eventually(async () => {
    const page = { index: hint.index, afterKey: "", hintsMax: 5 };
    return (await far.listHints(page, call)).length === 1;
  });

  // Three copies of four are a quorum of all: one more has to be away than the other colo's.
  await dead(t, farNode);
  const [, , third] = ownNodes as readonly [BedNode, BedNode, BedNode];
  await dead(t, third);
  const started = await openIn(t, home, firstNode.dataCenter);
  await started.commit(commitOf(web, 1, { puts: [row("b")] }), call);
  const error = await near.commit(commitOf(group, 1, { puts: [row("config", 2)] }), call).then(
    () => assert.fail("there was a quorum of all colos"),
    (reason: unknown) => reason,
  );
  const isTold = isFault(error, "STORE_UNAVAILABLE") || isFault(error, "COMMIT_UNKNOWN");
  assert.ok(isTold, String(error));
  await timed(t, "two are back", back(third, farNode));
  assert.equal((await near.load(group, "all", call)).rows.length, 1);
  await eventually(async () => {
    const { revision } = await near.load(group, "all", call);
    const next = commitOf(group, revision, { puts: [row("config", 3)] });
    return near.commit(next, call).then(
      () => true,
      () => false,
    );
  });
  assert.deepEqual((await near.load(group, "all", call)).rows, [row("config", 3)]);
});

interface Writer {
  readonly acknowledged: number;
  end(): Promise<{ readonly partition: PartitionId; readonly acknowledged: readonly string[] }>;
}

/** One commit after the other, each with a row of its own; one that fails is done again. */
function startWriter(store: Store, partition: PartitionId): Writer {
  const acknowledged: string[] = [];
  let isEnding = false;
  const work = async () => {
    while (!isEnding) {
      const key = String(acknowledged.length + 1).padStart(6, "0");
      const commit = commitOf(partition, acknowledged.length, { puts: [row(key)] });
      const error = await store.commit(commit, call).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined || (await tookEffect(store, partition, commit.commitId, error)))
        acknowledged.push(key);
    }
  };
  const done = work();
  done.catch(() => {}); // Told by `end`.
  return {
    get acknowledged() {
      return acknowledged.length;
    },
    async end() {
      isEnding = true;
      await done;
      return { partition, acknowledged };
    },
  };
}

async function tookEffect(store: Store, partition: PartitionId, id: string, error: unknown) {
  if (isFault(error, "STORE_UNAVAILABLE")) return false;
  if (!isFault(error, "COMMIT_UNKNOWN")) throw error; // Its own revision: nobody else writes here.
  let stands: boolean | undefined;
  await eventually(async () => {
    stands = await store.wasCommitted(partition, id, call).catch(() => undefined);
    return stands !== undefined;
  });
  return stands === true;
}

async function eachCommits(writers: readonly Writer[], more: number): Promise<void> {
  const from = writers.map((writer) => writer.acknowledged);
  await eventually(async () =>
    writers.every((writer, index) => writer.acknowledged >= (from[index] ?? 0) + more),
  );
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (const startMs = Date.now(); !(await holds()); await sleep(50))
    assert.ok(Date.now() - startMs < settleMsMax, "not in time");
}

async function timed(t: TestContext, what: string, work: Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  await work;
  t.diagnostic(`${what}: ${Math.round(performance.now() - startedMs)} ms`);
}

async function homeOf(t: TestContext): Promise<Home> {
  const making = makeHome();
  await timed(t, "tables", making);
  const home = await making;
  defer(t, () => home.remove());
  return home;
}

async function openIn(t: TestContext, home: Home, dataCenter: string): Promise<Store> {
  const contactPoints = nodesIn(dataCenter).map(addressOf);
  const here = { ...home, contactPoints, dataCenter, colo: dataCenter };
  const store = await createCassandraStore({ ...here, clock });
  defer(t, () => store.close());
  return store;
}

async function dead(t: TestContext, node: BedNode): Promise<void> {
  await node.kill();
  defer(t, () => node.launch());
}

async function back(...gone: readonly BedNode[]): Promise<void> {
  for (const node of gone) await node.launch();
  await untilReady(nodes, nodes.length);
}
