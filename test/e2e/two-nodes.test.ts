import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AccountId, ColoId, GroupId, NodeId } from "../../src/core/model/ids.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import type { Store } from "../../src/core/ports/store.js";
import { createSystemClock, createSystemIds } from "../../src/drivers/clock-system/index.js";
import processCloud from "../../src/drivers/cloud-process/index.js";
import { createSqliteJournal } from "../../src/drivers/journal-sqlite/index.js";
import { createKeyRing, createSecretBox } from "../../src/drivers/secrets-aes/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { defaultQueueLimits } from "../../src/supervisor/colo/colo-queue.js";
import { defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import { createCredentialBook } from "../../src/supervisor/credentials/credential-book.js";
import { defaultRetention } from "../../src/supervisor/events/journaler.js";
import { createSupervisor } from "../../src/supervisor/supervisor.js";
import { patient } from "../simulation/cluster.js";
import { shareLeases } from "../simulation/drill/share-leases.js";
import { groupSpec, placed } from "../supervisor/asks.js";
import { assertNothingRemains, defer, eventually } from "./daemon.js";
import { sleeper } from "./groups.js";
import { cloudRecords, killMarked } from "./processes.js";

/** Two nodes over one store, on the real clock, both creating real processes. */

const iad = "iad" as ColoId;
const names = ["node-1", "node-2"];
const groups = 8;
const target = 8;
/** B9.1: so long after the switch, or without the store, no node starts a create any more. */
const boundMs = 1_000;
/** From a call's start to the cloud's own record of it, on a busy machine. */
const callMs = 2_000;
const answerDelayMs = 400;
const watchMs = 4_000;
const caller = { principal: "operator", signal: patient() };
const silent = { debug() {}, info() {}, warn() {}, error() {} };

type TestContext = Parameters<typeof defer>[0];

async function openPair(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "muster-pair-"));
  defer(t, async () => {
    await killMarked(folder);
    await assertNothingRemains(folder);
  });
  const clock = createSystemClock();
  const ids = createSystemIds();
  const host = { clock, ids, log: silent, installation: "pair", colo: iad };
  const dataDir = join(folder, "drivers", iad, "cloud");
  const portRange = { from: 19_500, to: 19_900 };
  const cloud = await processCloud.open({ portRange }, { ...host, dataDir } as never);
  defer(t, () => cloud.close());
  const store = await createSqliteStore({ path: join(folder, "state.db"), clock });
  const journal = await createSqliteJournal({ path: join(folder, "events.db") });
  await shareLeases(store, iad, names);
  const box = createSecretBox(createKeyRing([]));
  const credentials = createCredentialBook({ ...host, store, box });
  const creates: { readonly node: string; readonly atMs: number }[] = [];
  const nodes = names.map((node) =>
    createSupervisor({
      ...{ installation: "pair", node: node as NodeId, store, journal, clock, ids, log: silent },
      colos: [
        {
          ...{ id: iad, cloud: slowed(cloud, () => creates.push({ node, atMs: Date.now() })) },
          ...{ cloudName: "process", pollMs: 200 },
          queue: { ...defaultQueueLimits, concurrency: 5 },
        },
      ],
      ...{ leaseTimes: defaultLeaseTimes, retention: defaultRetention, credentials },
    }),
  );
  for (const node of nodes) await node.start();
  const stop = async () => {
    for (const node of nodes) await node.stop(2_000);
    await journal.close();
    await store.close();
  };
  defer(t, stop);
  const records = () => cloudRecords(folder, iad);
  return { folder, store, nodes, creates, records };
}

/** Answers as slowly as a real cloud, and tells when a create leaves. */
function slowed(cloud: CloudDriver, leaves: () => void): CloudDriver {
  return {
    ...cloud,
    async createServer(request, call) {
      leaves();
      const server = await cloud.createServer(request, call);
      await sleep(answerDelayMs, undefined, { signal: call.signal });
      return server;
    },
  };
}

type Pair = Awaited<ReturnType<typeof openPair>>;

/** Until both nodes create, and far more are wanted. */
async function underLoad({ nodes, creates, records }: Pair): Promise<void> {
  const parameters = { command: sleeper };
  const launch = { image: "none", flavor: "small", userData: "", metadata: {}, parameters };
  const spec = groupSpec({ launch, placements: [placed(iad, { max: target })] });
  const checks = { validateOnly: false, allowUnverified: false };
  for (let index = 0; index < groups; index++) {
    const key = { account: `a${index}` as AccountId, group: "web" as GroupId };
    await nodes[0]!.groups.create({ ...key, spec, target, ...checks }, caller);
  }
  const busy = () => names.filter((name) => creates.filter((one) => one.node === name).length > 4);
  await eventually(
    "both create",
    async () => busy(),
    (seen) => seen.length === names.length,
  );
  assert.ok((await records()).length < (groups * target) / 2, "most is still wanted");
}

async function assertNoneAfter(pair: Pair, sinceMs: number): Promise<number> {
  await sleep(watchMs);
  const made = (await pair.records()).map((one) => one.createdAtMs - sinceMs);
  const left = pair.creates.map((one) => one.atMs - sinceMs);
  assert.ok(Math.max(...left) <= boundMs, `a create left ${Math.max(...left)} ms later`);
  const madeMs = Math.max(...made);
  assert.ok(madeMs <= boundMs + callMs, `a server was made ${madeMs} ms later`);
  assert.ok(made.length < groups * target, "all were made before");
  return Math.max(...left);
}

test("B9.1 M6.3 two real nodes under load: the switch thrown at one stops both in a second", async (t) => {
  const pair = await openPair(t);
  await underLoad(pair);
  const [first, second] = pair.nodes.map((one) => one.colos);
  const request = { colo: iad, operations: ["create" as const], reason: "storage is full" };
  const thrownAtMs = Date.now();
  await second!.setBrake(request, caller);
  t.diagnostic(`the last create left ${await assertNoneAfter(pair, thrownAtMs)} ms later`);
  const stopped = pair.creates.length;
  await first!.clearBrake({ colo: iad, operations: [] }, caller);
  const all = groups * target;
  await eventually("they go on", pair.records, (seen) => seen.length === all, 120_000);
  const again = new Set(pair.creates.slice(stopped).map((one) => one.node));
  assert.equal(again.size, names.length, "both go on");
  const intentions = new Set((await pair.records()).map((one) => one.intention));
  assert.equal(intentions.size, all, "nothing twice");
});

test("B9.1 M6.3 two real nodes under load, the store stopped: creates stop within the bound", async (t) => {
  const pair = await openPair(t);
  await underLoad(pair);
  const stoppedAtMs = Date.now();
  await (pair.store as Store).close();
  t.diagnostic(`the last create left ${await assertNoneAfter(pair, stoppedAtMs)} ms later`);
});
