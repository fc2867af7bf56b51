import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createMuster, type Muster } from "../../src/app.js";
import type { GroupId, GroupKey } from "../../src/core/model/ids.js";
import { benchCaller, benchColo, benchSpec } from "../lib/muster.js";
import { type BenchCloud, type Scaler, scaleMsMax } from "./cloud.js";

const lookEveryMs = 20;

/** A Muster of this process with so many groups of the cloud's account, all still empty. */
export async function openMuster(
  cloud: BenchCloud,
  { groups, max }: { readonly groups: number; readonly max: number },
): Promise<Scaler> {
  const name = `bench-${randomUUID().slice(0, 8)}`;
  const dataDir = await mkdtemp(join(tmpdir(), "muster-bench-"));
  const colos = { [benchColo]: cloud.colo };
  const muster = await createMuster({ dataDir, installation: name, colos });
  const { scaling, access } = muster.supervisor;
  const close = async () => {
    await muster.stop(0);
    await rm(dataDir, { recursive: true });
  };
  const { account, secret } = cloud;
  const keys = Array.from({ length: groups }, (_, index): GroupKey => {
    return { account, group: `${name}-${index}` as GroupId };
  });
  try {
    if (secret) await access.setCredentials({ account, colo: benchColo, secret }, benchCaller);
    for (const key of keys) await createGroup(muster, key, { max, launch: cloud.launch });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async scale(target) {
      const startMs = performance.now();
      const ask = { kind: "target", target } as const;
      await Promise.all(
        keys.map((key) => scaling.submit({ key, source: "manual", ask }, benchCaller)),
      );
      for (const key of keys)
        while (!(await isAt(muster, key, target))) {
          if (performance.now() - startMs > scaleMsMax)
            throw new Error(`${key.group} is not at ${target}: ${await standing(muster, key)}`);
          await sleep(lookEveryMs);
        }
      return performance.now() - startMs;
    },
    close,
  };
}

async function createGroup(
  muster: Muster,
  key: GroupKey,
  { max, launch }: { readonly max: number; readonly launch: BenchCloud["launch"] },
): Promise<void> {
  const [placement] = benchSpec.placements;
  const spec = { ...benchSpec, launch, placements: [{ ...placement!, max }] };
  const checks = { validateOnly: false, allowUnverified: false };
  await muster.supervisor.groups.create({ ...key, spec, target: 0, ...checks }, benchCaller);
}

async function isAt({ supervisor }: Muster, key: GroupKey, target: number): Promise<boolean> {
  const { placements } = await supervisor.groups.get(key, benchCaller);
  return placements.every((one) => one.inService === target && one.leaving === 0);
}

async function standing({ supervisor }: Muster, key: GroupKey): Promise<string> {
  const { placements } = await supervisor.groups.get(key, benchCaller);
  return JSON.stringify(placements);
}
