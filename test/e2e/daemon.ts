import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Code, ConnectError } from "@connectrpc/connect";
import { accountName, createMusterClient, type MusterClient } from "../../clients/node/index.js";
import type { ColoConfig, Config } from "../../src/config.js";
import { loopback, type Place } from "../bed/place.js";
import { freePort } from "../free-port.js";
import { patiently } from "../patiently.js";
import {
  type CloudRecord,
  cloudRecords,
  type MarkedProcess,
  markedProcesses,
} from "./processes.js";

export const account = "shop";
export const token = "e2e-token-of-an-administrator";

/** The real daemon as a child process, with a data folder that outlives its deaths. */
export interface Daemon {
  readonly folder: string;
  /** The same over all restarts. */
  readonly address: string;
  readonly port: number;
  readonly client: MusterClient;
  /** Of the process that runs now. */
  readonly pid: number;
  /** Resolves to how long it took until the daemon said that it is ready. */
  start(): Promise<number>;
  /** SIGKILL: as a crash. */
  kill(): Promise<void>;
  /** SIGTERM: asserts that it ends by itself, without complaint. */
  stop(): Promise<void>;
  /** Servers of its clouds that live, as the operating system knows them. */
  running(): Promise<readonly MarkedProcess[]>;
  records(colo: string): Promise<readonly CloudRecord[]>;
  /**
   * Deletes its groups and stops it. Asserts that it ends by itself, and that no process of it or
   * of its servers remains; what does is killed.
   */
  end(): Promise<void>;
}

/** A node, or several behind one address. */
export type Asked = Pick<Daemon, "client">;

/** The daemon's program. */
export const mainPath = fileURLToPath(new URL("../../src/main.js", import.meta.url));
const readyMsMax = 60_000;
const stopMsMax = 60_000;

type Colos = Readonly<Record<string, ColoConfig>>;

/** A daemon that ends with its test. */
export async function startDaemon(
  t: TestContext,
  colos: Colos,
  more?: Partial<Config>,
): Promise<Daemon> {
  const daemon = await openDaemon(colos, { more });
  defer(t, () => daemon.end());
  return daemon;
}

type Task = () => Promise<unknown>;
const deferred = new WeakMap<TestContext, Task[]>();

/**
 * Leaves a task to the test's end. The last comes first, and each comes, whatever became of the
 * others: the test runner's own hooks run first to last, and end with the first that fails, so that
 * what still ran would keep the whole run from ending.
 */
export function defer(t: TestContext, task: Task): void {
  const known = deferred.get(t);
  if (known) return void known.push(task);
  const tasks = [task];
  deferred.set(t, tasks);
  t.after(async () => {
    const failures: unknown[] = [];
    for (const one of tasks.toReversed()) await one().catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  });
}

/** A daemon that runs until its `end`. */
export async function openDaemon(
  colos: Colos,
  {
    main = mainPath,
    more = {},
    place = loopback,
  }: {
    readonly main?: string;
    readonly more?: Partial<Config> | undefined;
    readonly place?: Place;
  } = {},
): Promise<Daemon> {
  const folder = await mkdtemp(join(tmpdir(), "muster-e2e-"));
  const port = await freePort();
  const address = `${place.address}:${port}`;
  const configPath = join(folder, "muster.json");
  const logPath = join(folder, "daemon.log");
  const dataDir = join(folder, "data");
  const tokens = [{ principal: "e2e", token, roles: [{ account: "*", role: "admin" }] }];
  await writeFile(configPath, JSON.stringify({ listen: address, dataDir, tokens, colos, ...more }));
  const client = createMusterClient({ address, token });
  let child: ChildProcess | undefined;

  const daemon: Daemon = {
    folder,
    address,
    port,
    client,
    get pid() {
      assert.ok(child?.pid !== undefined, "no daemon runs");
      return child.pid;
    },
    async start() {
      assert.equal(child, undefined, "a daemon runs already");
      const args = ["--config", configPath];
      const born = spawnDaemon({ args, folder, logPath, main, enter: place.enter });
      child = born;
      return await readyMs(born, address);
    },
    async kill() {
      const doomed = child;
      child = undefined;
      if (doomed) await end(doomed, "SIGKILL");
    },
    async stop() {
      const leaving = child;
      child = undefined;
      assert.ok(leaving, "no daemon runs");
      assert.equal(await end(leaving, "SIGTERM"), 0, "the daemon did not stop cleanly");
    },
    running: async () =>
      (await markedProcesses(folder)).filter(({ cloudId }) => cloudId !== undefined),
    records: (colo) => cloudRecords(dataDir, colo),
    async end() {
      try {
        if (child) {
          await deleteAll(daemon);
          await daemon.stop();
        }
      } catch (error) {
        const log = await readFile(logPath, "utf8").catch(() => "");
        process.stderr.write(log.slice(-logTailMax));
        throw error;
      } finally {
        client.close();
        await daemon.kill();
        await assertNothingRemains(folder);
      }
    },
  };
  await daemon.start();
  return daemon;
}

const logTailMax = 4_000;

/** Asks until it holds. @throws AssertionError telling what was seen last. */
export async function eventually<Seen>(
  what: string,
  look: () => Promise<Seen>,
  holds: (seen: Seen) => boolean,
  msMax = 60_000,
): Promise<Seen> {
  const untilMs = performance.now() + msMax;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    const say = JSON.stringify(seen, (_key, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    assert.ok(performance.now() < untilMs, `not in time: ${what}; seen ${say}`);
    await sleep(lookAgainMs);
  }
}

const lookAgainMs = 50;

/** Runs the daemon's program with these arguments, marked so that it is found again. */
export function spawnDaemon(parts: {
  readonly args: readonly string[];
  readonly folder: string;
  readonly logPath: string;
  /** Another program than the daemon's own. */
  readonly main?: string;
  readonly enter?: Place["enter"];
}): ChildProcess {
  const { main = mainPath, enter = [] } = parts;
  const command = [...enter, process.execPath, "--enable-source-maps", main, ...parts.args];
  const [program = "", ...words] = command;
  const child = spawn(program, words, {
    cwd: parts.folder,
    env: { PATH: process.env["PATH"], MUSTER_E2E: parts.folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stderr?.pipe(createWriteStream(parts.logPath, { flags: "a" }));
  return child;
}

/** Waits for the line by which the daemon says that it serves, and where. */
export async function readyAddress(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  const lines = createInterface(child.stdout);
  try {
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the daemon ended with ${code}`);
    });
    const late = sleep(readyMsMax, undefined, { ref: false }).then(() => {
      throw new Error("the daemon was not ready in time");
    });
    const [line] = await Promise.race([once(lines, "line"), ended, late]);
    const found = /^muster ready on (\S+) in \d+ ms\b/.exec(String(line))?.[1];
    assert.ok(found, `not ready: ${line}`);
    return found;
  } finally {
    lines.close();
    child.stdout.resume();
  }
}

async function readyMs(child: ChildProcess, address: string): Promise<number> {
  const startedMs = performance.now();
  assert.equal(await readyAddress(child), address);
  return performance.now() - startedMs;
}

/** Resolves to the exit code; null where the signal itself ended it. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, "exit") as Promise<[number | null]>;
  const insist = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
  child.kill(signal);
  const [code] = await ended;
  clearTimeout(insist);
  return code;
}

/** Until no server runs: a group may stay on record longer, for one that might still show up. */
async function deleteAll(daemon: Daemon): Promise<void> {
  const { colos } = daemon.client;
  for (const { name } of (await patiently(() => colos.listColos({}))).colos)
    await patiently(() => colos.clearBrake({ name }));
  await deleteGroups(daemon);
  await eventually(
    "no server runs",
    () => daemon.running(),
    (seen) => seen.length === 0,
  );
}

/** With their servers; one may be gone already, by another node or by a call that went unanswered. */
export async function deleteGroups({ client }: Asked): Promise<void> {
  const { groups } = client;
  const parent = accountName(account);
  const remove = (name: string) =>
    groups.deleteGroup({ name, force: true }).catch((error) => {
      if (ConnectError.from(error).code !== Code.NotFound) throw error;
    });
  for (const { name } of (await patiently(() => groups.listGroups({ parent }))).groups)
    await patiently(() => remove(name));
}

/** Ends what is left, so that the machine is clean, and then says that it was not. */
export async function assertNothingRemains(folder: string): Promise<void> {
  const left = await markedProcesses(folder);
  for (const { pid } of left) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {} // Ended by itself meanwhile.
  }
  await eventually(
    "what was left over is gone",
    () => markedProcesses(folder),
    (seen) => seen.length === 0,
  );
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  assert.deepEqual(left, [], "processes were left over");
}
