import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import { firstNode, type Home, makeHome } from "../../test/cassandra/bed.js";
import { benchColo } from "./muster.js";

/** The colo of everything that is measured is the bed's first data centre. */
const colo = benchColo;

/** Whether the test bed's Cassandra is up. */
export async function isCassandraUp(): Promise<boolean> {
  return (await firstNode.pid()) !== undefined;
}

const bedMain = fileURLToPath(new URL("../../test/cassandra/bed/main.js", import.meta.url));

/** Runs this very command again while the bed is up. @returns its exit code */
export async function againWithCassandra(): Promise<number> {
  const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(process.execPath, [bedMain, "run", ...words], { stdio: "inherit" });
  // Whoever ends this: the bed is taken down first.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

/** A keyspace of one measurement's own. */
export function openHome(): Promise<Home> {
  if (firstNode.dataCenter !== colo) throw new Error(`the bed's first data centre must be ${colo}`);
  return makeHome();
}

/** One for as long as the body runs. */
export async function withHome<Value>(body: (home: Home) => Promise<Value>): Promise<Value> {
  const home = await openHome();
  try {
    return await body(home);
  } finally {
    await home.remove();
  }
}

export function openStoreAt(home: Home): Promise<Store> {
  return createCassandraStore({ ...home, colo, clock: createSystemClock() });
}
