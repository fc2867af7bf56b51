import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createEmbeddedClient } from "../../clients/node/index.js";
import { createMuster, type Muster, type MusterOptions } from "../../src/app.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSimulatedCloud } from "../../src/drivers/cloud-simulated/index.js";
import { runExport, runImport } from "../../src/move/run.js";
import { listenDefault, type Settings } from "../../src/settings.js";
import { until } from "../drivers/cloud-process-harness.js";

export const [account, web] = ["accounts/acme", "accounts/acme/groups/web"];

/** A cloud that outlives Musters, and data folders that they work in, one after the other. */
export async function createSite(t: TestContext, colo = "iad") {
  const folder = await mkdtemp(join(tmpdir(), "muster-move-"));
  const clock = createSystemClock();
  const brief = { fromMs: 1, toMs: 5 };
  const times = { buildMs: brief, deleteMs: brief, listingLagMs: 0 };
  const cloud = createSimulatedCloud({ clock, random: () => Math.random(), ...times });
  const running = new Set<Muster>();
  const file = (name: string) => join(folder, name);

  async function start(data: string, more: Partial<MusterOptions> = {}) {
    const colos = { [colo]: { cloud: cloud.openDriver(), pollMs: 20 } };
    const muster = await createMuster({ dataDir: file(data), colos, ...more });
    running.add(muster);
    return { muster, client: createEmbeddedClient(muster.transport) };
  }
  async function stop(muster: Muster) {
    running.delete(muster);
    await muster.stop(1_000);
  }
  const settingsOf = (data: string, more: Partial<Settings> = {}): Settings => ({
    ...{ dataDir: file(data), baseDir: folder, listen: listenDefault, tokens: [] },
    colos: { [colo]: { cloud: { use: "builtin:simulated" } } },
    ...more,
  });
  async function said(work: (out: { write(text: string): void }) => Promise<void>) {
    let text = "";
    const write = (more: string) => {
      text += more;
    };
    await work({ write });
    return text;
  }
  t.after(async () => {
    for (const muster of running) await stop(muster);
    await rm(folder, { recursive: true });
  });
  return {
    ...{ cloud, file, start, stop, settingsOf },
    export: (data: string, name: string, more?: Partial<Settings>) =>
      said((out) => runExport(settingsOf(data, more), file(name), out)),
    import: (
      data: string,
      name: string,
      way: { readonly isMoved: boolean },
      more?: Partial<Settings>,
    ) => said((out) => runImport(settingsOf(data, more), { file: file(name), ...way }, out)),
  };
}

export type Client = ReturnType<typeof createEmbeddedClient>;

export async function makeGroup({ groups }: Client, colo = "iad"): Promise<void> {
  const launchConfiguration = { image: "debian", flavor: "small" };
  const placements = [{ colo, min: 0, max: 50 }];
  const group = { displayName: "Web", placements, launchConfiguration };
  await groups.createGroup({ parent: account, groupId: "web", group });
}

export async function scaleTo(client: Client, target: number): Promise<void> {
  await client.scaling.setTarget({ name: web, target });
  await inService(client, target);
}

/** Also that there is none more on its way out. */
export async function inService({ groups, servers }: Client, count: number): Promise<void> {
  await until(async () => {
    const { group } = await groups.getGroup({ name: web });
    const rows = (await servers.listServers({ parent: web, pageSize: 1_000 })).servers;
    return group?.status?.placements[0]?.inService === count && rows.length === count;
  });
}
