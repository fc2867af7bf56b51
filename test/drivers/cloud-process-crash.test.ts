import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { CloudServerId } from "../../src/core/model/ids.js";
import { createProcessTable, parseMark } from "../../src/drivers/cloud-process/process-table.js";
import { createRandom } from "../simulation/virtual-clock.js";
import {
  account,
  call,
  listAll,
  openCloud,
  requestOf,
  sleepSeconds,
  until,
  withFolder,
} from "./cloud-process-harness.js";

const sleeper = ["sleep", String(sleepSeconds)];
const rounds = 24;
/** Of a storm before it is killed: more than the three that it makes at once. */
const changesMax = 9;

test("M3.2 kill -9 at any moment leaves what the next daemon lists and deletes", async () => {
  await withFolder(async (dataDir) => {
    const random = createRandom(11);
    let seenMost = 0;
    for (let round = 0; round < rounds; round++) {
      const { host, lines } = await startHost(dataDir, "storm", round);
      for (let left = Math.floor(random() * changesMax); left > 0; left--) await lines.next();
      await sleep(random() * 10);
      await kill(host);
      // Whatever runs must be listed: nothing runs that the next daemon knows nothing of.
      const driver = await openCloud(dataDir);
      const listed = new Set<string>((await listAll(driver)).map(({ id }) => id));
      const running = new Set(await runningServers(dataDir));
      for (const id of running) assert.ok(listed.has(id), `${id} runs, and is not listed`);
      seenMost = Math.max(seenMost, running.size);
      await driver.close();
    }
    assert.ok(seenMost >= 5, `the storm made too little: ${seenMost} servers at most`);

    const driver = await openCloud(dataDir, { stopGraceMs: 200 });
    for (const { id } of await listAll(driver)) await driver.deleteServer({ account, id }, call);
    await until(async () => (await listAll(driver)).length === 0);
    assert.deepEqual(await runningServers(dataDir), []);
    await driver.close();
  });
});

test("M3.2 a delete that the daemon did not live to finish is finished by the next", async () => {
  await withFolder(async (dataDir) => {
    const first = await openCloud(dataDir, { stopGraceMs: 60_000 });
    const stubborn = ["sh", "-c", `trap "" TERM; echo up; sleep ${sleepSeconds}; sleep 1`];
    const { id } = await first.createServer(requestOf("stubborn", stubborn), call);
    await until(async () => (await logOf(dataDir, id)).includes("up"));
    await first.deleteServer({ account, id }, call);
    await first.close();
    const idle = await openCloud(dataDir, { stopGraceMs: 60_000 });
    assert.equal((await listAll(idle))[0]?.taskState, "deleting");
    await idle.close();

    const next = await openCloud(dataDir, { stopGraceMs: 0 });
    await until(async () => (await listAll(next)).length === 0);
    assert.deepEqual(await runningServers(dataDir), []);
    await next.close();
  });
});

test("M3.2 a server whose folder was removed by hand is found again and can be deleted", async () => {
  await withFolder(async (dataDir) => {
    const first = await openCloud(dataDir);
    const made = await first.createServer(requestOf("lost", sleeper), call);
    await until(async () => (await listAll(first))[0]?.status === "ACTIVE");
    await until(async () => (await runningServers(dataDir)).length === 1);
    await first.close();
    await rm(folderOf(dataDir, made.id), { recursive: true });

    const next = await openCloud(dataDir);
    const [found] = await listAll(next);
    assert.deepEqual(found, { ...made, status: "ACTIVE" });
    await next.deleteServer({ account, id: made.id }, call);
    await until(async () => (await listAll(next)).length === 0);
    assert.deepEqual(await runningServers(dataDir), []);
    await next.close();
  });
});

test("B4.10 a zombie that its parent never reaped is dead", async () => {
  await withFolder(async (dataDir) => {
    const { host, line } = await startHost(dataDir, "one", 0);
    const id = line as CloudServerId;
    const driver = await openCloud(dataDir);
    await until(async () => (await listAll(driver))[0]?.status === "ACTIVE");
    const mark = parseMark(await readFile(join(folderOf(dataDir, id), "pid"), "utf8"));
    assert.ok(mark);
    host.kill("SIGSTOP"); // Now nobody reaps.
    process.kill(mark.pid, "SIGKILL");
    await until(async () => (await stateOf(mark.pid)) === "Z");
    assert.equal((await driver.getServer({ account, id }, call))?.status, "SHUTOFF");
    await driver.deleteServer({ account, id }, call);
    await until(async () => (await driver.getServer({ account, id }, call)) === undefined);
    assert.equal(await stateOf(mark.pid), "Z");
    await driver.close();
    await kill(host);
  });
});

async function startHost(dataDir: string, mode: "one" | "storm", seed: number) {
  const script = fileURLToPath(new URL("./cloud-process-host.js", import.meta.url));
  const host = spawn(process.execPath, [script, dataDir, mode, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface(host.stdout)[Symbol.asyncIterator]();
  const { value: line } = await lines.next();
  return { host, line: String(line), lines };
}

async function kill(host: ChildProcess): Promise<void> {
  const ended = host.exitCode === null && host.signalCode === null ? once(host, "exit") : undefined;
  host.kill("SIGKILL");
  await ended;
}

/** Servers of which any process lives, by what the processes themselves carry. */
async function runningServers(dataDir: string): Promise<readonly string[]> {
  const table = await createProcessTable();
  const mine = (await table.snapshot()).filter((one) => one.cloud === dataDir && !one.zombie);
  return mine.map(({ serverId }) => serverId ?? "");
}

function folderOf(dataDir: string, id: CloudServerId): string {
  return join(dataDir, "servers", id.split("-").at(-1) ?? "");
}

async function logOf(dataDir: string, id: CloudServerId): Promise<string> {
  return await readFile(join(folderOf(dataDir, id), "output.log"), "utf8").catch(() => "");
}

async function stateOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2)[0];
}
