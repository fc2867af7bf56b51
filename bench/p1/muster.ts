import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createMuster, type Muster } from "../../src/app.js";
import type { AccountId, GroupId, GroupKey } from "../../src/core/model/ids.js";
import { benchCaller, benchColo, benchSpec } from "../lib/muster.js";
import { limits, openCloud } from "./cloud.js";

const lookEveryMs = 20;

export interface Wish {
  readonly groups: number;
  readonly serversEach: number;
}

/** From the first scale event until every group has all of its servers in service; ms. */
export async function musterMs({ groups, serversEach }: Wish, seed: number): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), "muster-bench-"));
  const cloud = openCloud(seed).openDriver();
  const { pollMs } = limits;
  const colos = { [benchColo]: { cloud, pollMs } };
  const muster = await createMuster({ dataDir, installation: "bench", colos });
  try {
    const keys = Array.from({ length: groups }, (_, index): GroupKey => {
      return { account: "bench" as AccountId, group: `group-${index}` as GroupId };
    });
    for (const key of keys) await createGroup(muster, key, serversEach);
    const startMs = performance.now();
    const ask = { kind: "target", target: serversEach } as const;
    await Promise.all(
      keys.map((key) =>
        muster.supervisor.scaling.submit({ key, source: "manual", ask }, benchCaller),
      ),
    );
    for (const key of keys)
      while ((await inService(muster, key)) < serversEach) await sleep(lookEveryMs);
    return performance.now() - startMs;
  } finally {
    await muster.stop(0);
    await cloud.close();
    await rm(dataDir, { recursive: true });
  }
}

async function createGroup(muster: Muster, key: GroupKey, max: number): Promise<void> {
  const [placement] = benchSpec.placements;
  const spec = { ...benchSpec, placements: [{ ...placement!, max }] };
  const checks = { validateOnly: false, allowUnverified: false };
  await muster.supervisor.groups.create({ ...key, spec, target: 0, ...checks }, benchCaller);
}

async function inService({ supervisor }: Muster, key: GroupKey): Promise<number> {
  const { placements } = await supervisor.groups.get(key, benchCaller);
  return placements.reduce((sum, one) => sum + one.inService, 0);
}
