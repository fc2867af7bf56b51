import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { createMuster } from "../../src/app.js";
import type { Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { workIndex } from "../../src/supervisor/placements/hints.js";
import { configOf, type Home } from "../../test/cassandra/bed.js";
import { openStoreAt } from "../lib/cassandra-bed.js";
import { benchCaller, benchColo, benchConfig, createGroups } from "../lib/muster.js";
import { openGrpcLoad } from "../p8/load.js";

/** A data folder with groups in it, and the daemon that is started on it. */
export interface Installation {
  start(): Promise<StartTimes>;
  remove(): Promise<void>;
}

/** From the process's start. */
export interface StartTimes {
  /** It says that it is ready. */
  readonly readyMs: number;
  /** A caller who came at once has its first answer. */
  readonly answeredMs: number;
}

export interface InstallationOptions {
  readonly groups: number;
  /** Every placement's work hint stands, as after a crash: all of them are looked at at once. */
  readonly atWork: boolean;
  /** Where the state is kept, instead of an embedded store; removed with it. */
  readonly openHome?: () => Promise<Home>;
}

const daemon = fileURLToPath(new URL("../../src/main.js", import.meta.url));
const startMsMax = 30_000;
const stopMsMax = 10_000;
const settleMsMax = 30_000;

/** Made through the supervisor, so that what is stored is what a supervisor writes. */
export async function createInstallation(options: InstallationOptions): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "muster-bench-start-"));
  const home = await options.openHome?.();
  const dataDir = join(folder, "data");
  const configPath = join(folder, "muster.json");
  const store = home && { store: configOf(home) };
  await writeFile(configPath, JSON.stringify({ ...benchConfig(true), dataDir, ...store }));
  const remove = async () => {
    await home?.remove();
    await rm(folder, { recursive: true });
  };
  try {
    const path = join(dataDir, "state.db");
    const clock = createSystemClock();
    const opened = home ? openStoreAt(home) : createSqliteStore({ path, clock });
    await fill(await opened, dataDir, options);
  } catch (error) {
    await remove();
    throw error;
  }
  return { start: () => startOnce(configPath, options.groups > 0), remove };
}

async function fill(
  store: Store,
  dataDir: string,
  { groups, atWork }: InstallationOptions,
): Promise<void> {
  // Hints may always stand for longer than they are needed.
  const kept: Store = atWork ? { ...store, deleteHints: async () => {} } : store;
  const muster = await createMuster({ ...benchConfig(false), dataDir, store: kept });
  await createGroups(muster, groups);
  if (atWork) await checkHints(store, groups);
  await muster.stop(settleMsMax);
}

async function checkHints(store: Store, groups: number): Promise<void> {
  let found = 0;
  for (let afterKey = ""; ; ) {
    const page = { index: workIndex(benchColo), afterKey, hintsMax: 1_000 };
    const hints = await store.listHints(page, benchCaller);
    found += hints.length;
    afterKey = hints.at(-1)?.key ?? "";
    if (hints.length === 0) break;
  }
  assert.equal(found, groups);
}

async function startOnce(configPath: string, hasGroups: boolean): Promise<StartTimes> {
  const startMs = performance.now();
  const child = spawn(process.execPath, [daemon, "--config", configPath], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, MUSTER_LOG: "error" },
  });
  try {
    const address = await readyAddress(child);
    const readyMs = performance.now() - startMs;
    if (!hasGroups) return { readyMs, answeredMs: readyMs };
    const load = openGrpcLoad({ address, connections: 1, groups: 1 });
    await load.call(0);
    const answeredMs = performance.now() - startMs;
    load.close();
    return { readyMs, answeredMs };
  } finally {
    await stop(child);
  }
}

/** Reads `muster ready on ADDRESS in N ms`. */
async function readyAddress(child: ChildProcess): Promise<string> {
  let said = "";
  const timer = setTimeout(() => child.kill("SIGKILL"), startMsMax);
  for await (const chunk of child.stdout!) {
    said += String(chunk);
    const address = /ready on (\S+)/.exec(said)?.[1];
    if (address === undefined) continue;
    clearTimeout(timer);
    return address;
  }
  throw new Error(`the daemon ended before it was ready: ${said}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
  await ended;
  clearTimeout(timer);
}
