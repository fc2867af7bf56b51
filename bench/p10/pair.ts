import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSimulatedCloud } from "../../src/drivers/cloud-simulated/index.js";
import { defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import type { Home } from "../../test/cassandra/bed.js";
import { createRandom } from "../../test/simulation/virtual-clock.js";
import { openStoreAt } from "../lib/cassandra-bed.js";
import { type Child, startChild } from "../lib/child.js";
import { benchCaller, benchColo, benchGroup } from "../lib/muster.js";
import { shareCloud } from "../lib/shared-cloud.js";
import type { NodeStart } from "./node-child.js";

/** Two nodes of one colo: one holds all leases, the other one stands by. */
export interface Pair {
  /** Kills the holder amid work; times are from the kill until the other one has done it. */
  takeOver(): Promise<TakeOver>;
  close(): Promise<void>;
}

export interface TakeOver {
  /** Until the last group that was asked for after the kill has its first create. */
  readonly createsMs: number;
  /** Until every group has converged, those too whose servers were amid their creation. */
  readonly convergedMs: number;
}

/** Groups that are asked for more right after the kill, through the node that is left. */
const askedAfter = 20;
/** Groups that the killed node was asked for right before. */
const askedBefore = 10;
const beforeMs = 50;
/** So much later in the time between two renewals, each turn. */
const phaseMs = 1_100;
const cloudTimes = {
  latencyMs: { fromMs: 20, toMs: 60 },
  buildMs: { fromMs: 200, toMs: 500 },
  listingLagMs: 1_000,
  createDeadlineMs: 5_000,
};
const waitMsMax = 120_000;
const lookEveryMs = 50;

export async function openPair(home: Home, groups: number): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), "muster-bench-pair-"));
  const clock = createSystemClock();
  const cloud = createSimulatedCloud({ ...cloudTimes, clock, random: createRandom(1) });
  const shared = await shareCloud(cloud.openDriver());
  const store = await openStoreAt(home);
  let started = 0;
  const startNode = () => {
    const dataDir = join(folder, `node-${++started}`);
    const start: NodeStart = { keyspace: home.keyspace, cloudAddress: shared.address, dataDir };
    return startChild(new URL("./node-child.js", import.meta.url), [JSON.stringify(start)]);
  };
  let holder = await startNode();
  let standby = await startNode();
  await holder.ask("createGroups", groups);
  let target = 0;
  let turn = 0;

  /** Who holds each shard, as it stands in the store. */
  async function holders(): Promise<ReadonlySet<string>> {
    const nodes = new Set<string>();
    for (let shard = 0; shard < defaultLeaseTimes.shards; shard++) {
      const partition = { scope: "lease", key: `${benchColo}/${shard}` } as const;
      const [row] = (await store.load(partition, "all", benchCaller)).rows;
      nodes.add((JSON.parse(row?.value ?? "{}") as { readonly node: string }).node);
    }
    return nodes;
  }

  const createdSince = (sinceMs: number) =>
    new Map(
      cloud
        .servers()
        .filter(({ createdAtMs }) => createdAtMs >= sinceMs)
        .map(({ ownership, createdAtMs }) => [ownership?.group, createdAtMs]),
    );
  const names = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => from + index);

  return {
    async takeOver() {
      await sleep((turn++ * phaseMs) % defaultLeaseTimes.renewEveryMs);
      const [before] = await holders();
      assert.equal((await holders()).size, 1, "both hold leases");
      target += 1;
      const ask = (node: Child, index: number) => node.ask("setTarget", { index, target });
      const amid = names(askedAfter, askedBefore);
      await Promise.all(amid.map((index) => ask(holder, index)));
      await sleep(beforeMs);
      const killedAtMs = clock.nowMs();
      await holder.kill();
      const later = names(0, askedAfter);
      await Promise.all(later.map((index) => ask(standby, index)));
      const until = async (holds: () => Promise<boolean> | boolean, what: string) => {
        while (!(await holds())) {
          if (clock.nowMs() - killedAtMs > waitMsMax) throw new Error(`never ${what}`);
          await sleep(lookEveryMs);
        }
      };
      const firstCreates = () => {
        const created = createdSince(killedAtMs);
        return later.map((index) => created.get(benchGroup(index).group));
      };
      await until(() => firstCreates().every((atMs) => atMs !== undefined), "created");
      const createsMs = Math.max(...firstCreates().map((atMs) => atMs ?? 0)) - killedAtMs;
      for (const index of [...later, ...amid])
        await until(() => standby.ask<boolean>("isAt", { index, target }), "converged");
      const convergedMs = clock.nowMs() - killedAtMs;
      const [after] = await holders();
      assert.notEqual(after, before, "the killed node still holds the leases");
      holder = standby;
      standby = await startNode();
      await sleep(defaultLeaseTimes.renewEveryMs);
      return { createsMs, convergedMs };
    },
    async close() {
      for (const node of [standby, holder]) await node.stop();
      await store.close();
      await shared.close();
      await rm(folder, { recursive: true });
    },
  };
}
