import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createMuster } from "../../src/app.js";
import type { Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSimulatedCloud } from "../../src/drivers/cloud-simulated/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { placementPartition } from "../../src/supervisor/placements/placement-state.js";
import type { Home } from "../../test/cassandra/bed.js";
import { createRandom } from "../../test/simulation/virtual-clock.js";
import { openStoreAt } from "../lib/cassandra-bed.js";
import { benchCaller, benchColo, benchConfig, benchGroup, createGroups } from "../lib/muster.js";
import { placementKeyOf, placementOf, type Template, templateGroup } from "./template.js";

/** Groups in which nothing is to be done, at first without servers. */
export interface Installation {
  readonly groups: number;
  readonly place: Place;
  /** Gives each group as many servers as the template has. */
  addServers(): Promise<Template>;
  remove(): Promise<void>;
}

/** Where the state is: in the folder, or in this keyspace. */
export interface Place {
  readonly dataDir: string;
  readonly home?: Home;
}

const serversEach = 10;
const settleMsMax = 60_000;
const quietMs = 5_000;
const writesAtOnce = 16;

export function openStoreOf({ dataDir, home }: Place): Promise<Store> {
  const path = join(dataDir, "state.db");
  return home ? openStoreAt(home) : createSqliteStore({ path, clock: createSystemClock() });
}

/** Made through the supervisor. @param openHome where the state goes, instead of a folder */
export async function createInstallation(
  groups: number,
  openHome?: () => Promise<Home>,
): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "muster-bench-steady-"));
  const home = await openHome?.();
  const place: Place = { dataDir: join(folder, "data"), ...(home && { home }) };
  const muster = await createMuster({
    ...benchConfig(false),
    ...{ dataDir: place.dataDir, store: await openStoreOf(place) },
    colos: {
      [benchColo]: { cloud: { use: "builtin:simulated", options: { hasProjects: false } } },
    },
  });
  await createGroups(muster, groups);
  await muster.stop(settleMsMax);
  return {
    groups,
    place,
    async addServers() {
      const template = await convergeOne(place);
      await copyToAll(place, groups, template);
      return template;
    },
    async remove() {
      await home?.remove();
      await rm(folder, { recursive: true });
    },
  };
}

/** The template group, scaled by a supervisor on a cloud that is gone afterwards. */
async function convergeOne(place: Place): Promise<Template> {
  const cloud = createSimulatedCloud({
    ...{ clock: createSystemClock(), random: createRandom(1), hasProjects: false },
    buildMs: { fromMs: 100, toMs: 200 },
    listingLagMs: 100,
  });
  const store = await openStoreOf(place);
  const muster = await createMuster({
    ...benchConfig(false),
    ...{ dataDir: place.dataDir, store },
    colos: { [benchColo]: { cloud: cloud.openDriver(), pollMs: 200 } },
  });
  const { scaling, groups } = muster.supervisor;
  const key = benchGroup(templateGroup);
  const ask = { kind: "target", target: serversEach } as const;
  await scaling.submit({ key, source: "manual", ask }, benchCaller);
  const serve = async () =>
    (await groups.get(key, benchCaller)).placements.every((one) => one.inService === serversEach);
  for (const startMs = performance.now(); !(await serve()); await sleep(quietMs / 50))
    if (performance.now() - startMs > settleMsMax) throw new Error("the template never served");
  await sleep(quietMs);
  const partition = placementPartition(placementKeyOf(templateGroup));
  const { rows } = await store.load(partition, ["doc", "server"], benchCaller);
  const servers = cloud.servers();
  await muster.stop(settleMsMax);
  return { rows, servers };
}

/** Row by row what a supervisor wrote, under other names. */
async function copyToAll(place: Place, groups: number, template: Template): Promise<void> {
  const store = await openStoreOf(place);
  let next = templateGroup + 1;
  const copyOn = async () => {
    while (next < groups) {
      const index = next++;
      const partition = placementPartition(placementKeyOf(index));
      const { revision, rows } = await store.load(partition, ["doc"], benchCaller);
      const { groupUid } = JSON.parse(rows[0]?.value ?? "{}") as { readonly groupUid: string };
      await store.commit(
        {
          ...{ partition, expectedRevision: revision, commitId: `copy-${index}` },
          puts: placementOf(template, index, groupUid),
          ...{ deletes: [], events: [], hints: [] },
        },
        benchCaller,
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: writesAtOnce }, copyOn));
  } finally {
    await store.close();
  }
}
