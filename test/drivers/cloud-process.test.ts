import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { OutsideFault, type OutsideFaultKind } from "../../src/core/errors/outside-fault.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import { findProblems } from "../../src/drivers/cloud-process/launch.js";
import { lastOutputOf, startServer } from "../../src/drivers/cloud-process/launcher.js";
import {
  createProcessTable,
  createPsTable,
  familyOf,
  type ProcessSight,
  parseMark,
} from "../../src/drivers/cloud-process/process-table.js";
import { openRecords } from "../../src/drivers/cloud-process/records.js";
import { startMsMax } from "../../src/drivers/cloud-process/view.js";
import { cloudDriverContract } from "../contract/index.js";
import {
  account,
  call,
  listAll,
  openCloud,
  processHarness,
  requestOf,
  sleepSeconds,
  until,
  withFolder,
} from "./cloud-process-harness.js";

cloudDriverContract("process", processHarness);

const sleeper = ["sleep", String(sleepSeconds)];
const greeter = `require("node:net").createServer((socket) => socket.end("hi"))
  .listen(Number(process.argv[1]), process.env.MUSTER_HOST)`;

test("B4.2 a server listens on its own port; ended by itself it is SHUTOFF", async () => {
  await withFolder(async (dataDir) => {
    const driver = await openCloud(dataDir);
    const command = [process.execPath, "-e", greeter, "{port}"];
    const { id, address } = await driver.createServer(requestOf("greeter", command), call);
    const port = address?.port ?? 0;
    await until(async () => (await answerOf(port)) === "hi");
    const server = await driver.getServer({ account, id }, call);
    assert.equal(server?.status, "ACTIVE");
    const pidText = await readFile(join(dataDir, "servers", String(port), "pid"), "utf8");
    process.kill(Number.parseInt(pidText, 10), "SIGKILL");
    await until(async () => (await statusOf(driver, id)) === "SHUTOFF");
    await driver.close();
  });
});

test("M4.4 a server gets its own variables, and none of the daemon's, which may be secret", async () => {
  await withFolder(async (dataDir) => {
    process.env["DAEMON_SECRET"] = "swordfish";
    const driver = await openCloud(dataDir);
    const request = requestOf("env", ["sh", "-c", `env; exec sleep ${sleepSeconds}`]);
    const parameters = { ...request.launch.parameters, env: { OWN: "at {port}" } };
    const launch = { ...request.launch, parameters };
    const { address } = await driver.createServer({ ...request, launch }, call);
    const log = join(dataDir, "servers", String(address?.port), "output.log");
    await until(async () => (await readFile(log, "utf8")).includes("MUSTER_SERVER="));
    const output = await readFile(log, "utf8");
    assert.match(output, new RegExp(`^OWN=at ${address?.port}$`, "m"));
    assert.doesNotMatch(output, /DAEMON_SECRET|swordfish/);
    await driver.close();
  });
});

test("B4.2 what cannot run, ends while booting, or is drawn to fail is ERROR with its text", async () => {
  await withFolder(async (dataDir) => {
    const driver = await openCloud(dataDir);
    const missing = await driver.createServer(requestOf("missing", ["/no/such/program"]), call);
    await until(async () => (await statusOf(driver, missing.id)) === "ERROR");
    const first = await driver.getServer({ account, id: missing.id }, call);
    assert.match(first?.fault ?? "", /status 127.*\/no\/such\/program/);
    await driver.close();

    const slow = await openCloud(dataDir, { bootDelayMs: 600_000 });
    const failing = ["sh", "-c", "echo out of luck; exit 3"];
    const short = await slow.createServer(requestOf("short", failing), call);
    await until(async () => (await statusOf(slow, short.id)) === "ERROR");
    const second = await slow.getServer({ account, id: short.id }, call);
    assert.match(second?.fault ?? "", /while booting.*out of luck/);
    const booting = await slow.createServer(requestOf("booting", sleeper), call);
    assert.equal(await statusOf(slow, booting.id), "BUILD");
    await slow.close();

    const unlucky = await openCloud(dataDir, { buildFailureRate: 1 });
    const drawn = await unlucky.createServer(requestOf("drawn", sleeper), call);
    assert.equal(drawn.status, "ERROR");
    assert.match(drawn.fault ?? "", /No valid host/);
    await unlucky.close();
  });
});

test("B4.8 quota and ports that run out are refused by their kinds; taken ports are left alone", async () => {
  await withFolder(async (dataDir) => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const { port } = squatter.address() as { port: number };
    const narrow = await openCloud(dataDir, { portRange: { from: port, to: port } });
    const make = (driver: CloudDriver, name: string) =>
      driver.createServer(requestOf(name, sleeper), call);
    await refusedAs("noCapacity", () => make(narrow, "squatted"));
    squatter.close();
    await once(squatter, "close");
    assert.equal((await make(narrow, "mine")).address?.port, port);
    await refusedAs("noCapacity", () => make(narrow, "second"));
    await narrow.close();

    const limited = await openCloud(dataDir, { quota: 2 });
    const attempts = await Promise.allSettled(["a", "b", "c"].map((one) => make(limited, one)));
    assert.equal(attempts.filter(({ status }) => status === "fulfilled").length, 1);
    await refusedAs("quota", () => make(limited, "d"));
    await limited.close();
  });
});

test("B9.5 a foreign process that got the server's pid is never killed", async () => {
  await withFolder(async (dataDir) => {
    const foreigner = spawn("sleep", [String(sleepSeconds)], { detached: true, stdio: "ignore" });
    await once(foreigner, "spawn");
    const { pid: foreignPid = 0 } = foreigner;
    const driver = await openCloud(dataDir);
    const { id, address } = await driver.createServer(requestOf("victim", sleeper), call);
    const path = join(dataDir, "servers", String(address?.port), "pid");
    await until(async () => (await statusOf(driver, id)) === "ACTIVE");
    const [pid, ...rest] = (await readFile(path, "utf8")).split("\n");
    // As after a wrap of the pids: the number is another's now, the time of start is not.
    const seen = await (await createProcessTable()).snapshot();
    const startOf = (one: number) => seen.find((sight) => sight.pid === one)?.startedAt;
    assert.notEqual(startOf(foreignPid), startOf(Number(pid)));
    process.kill(Number(pid), "SIGKILL");
    await writeFile(path, [foreignPid, ...rest].join("\n"));
    await until(async () => (await statusOf(driver, id)) === "SHUTOFF");
    await driver.deleteServer({ account, id }, call);
    await until(async () => (await listAll(driver)).length === 0);
    assert.equal(foreigner.exitCode, null);
    assert.equal(foreigner.signalCode, null);
    const ended = once(foreigner, "exit");
    foreigner.kill("SIGKILL");
    assert.deepEqual(await ended, [null, "SIGKILL"]);
    await driver.close();
  });
});

test("B4.10 a delete ends children too, deaf ones and such in a session of their own", async () => {
  await withFolder(async (dataDir) => {
    const driver = await openCloud(dataDir, { stopGraceMs: 300 });
    const deaf = `trap "" TERM; echo deaf; sleep ${sleepSeconds}; sleep 1`;
    const family = `sh -c '${deaf}' & setsid sleep ${sleepSeconds} & exec sleep ${sleepSeconds}`;
    const { id, address } = await driver.createServer(
      requestOf("family", ["sh", "-c", family]),
      call,
    );
    const log = join(dataDir, "servers", String(address?.port), "output.log");
    await until(async () => (await readFile(log, "utf8")).includes("deaf"));
    await until(async () => (await membersOf(id)).length >= 4);
    await driver.deleteServer({ account, id }, call);
    await until(async () => (await driver.getServer({ account, id }, call)) === undefined);
    assert.deepEqual(await membersOf(id), []);
    await driver.close();
  });
});

test("M3.2 a record whose process never came is BUILD, then ERROR, and can be deleted", async () => {
  await withFolder(async (dataDir) => {
    const ageMs = startMsMax + 60_000;
    const records = await openRecords(dataDir, Date.now());
    const record = { ...requestOf("orphan", sleeper), port: 21_500, bootDelayMs: 0 };
    const young = { ...record, id: "young-21500", createdAtMs: Date.now() };
    const old = { ...record, id: "old-21501", port: 21_501, createdAtMs: Date.now() - ageMs };
    assert.ok(await records.claim(young));
    assert.ok(await records.claim(old));
    assert.equal(await records.claim({ ...young, id: "other-21500" }), false);

    const driver = await openCloud(dataDir);
    assert.deepEqual(
      (await listAll(driver)).map(({ status, fault }) => [status, fault]),
      [
        ["BUILD", undefined],
        ["ERROR", "the process was never started"],
      ],
    );
    for (const { id } of await listAll(driver)) await driver.deleteServer({ account, id }, call);
    await until(async () => (await listAll(driver)).length === 0);
    await driver.close();
  });
});

test("M3.2 a launcher whose server is not wanted any more starts nothing", async () => {
  await withFolder(async (dataDir) => {
    const records = await openRecords(dataDir, Date.now());
    const base = { ...requestOf("late", sleeper), bootDelayMs: 0, createdAtMs: Date.now() };
    const outcomes: string[] = [];
    for (const [index, unwanted] of (
      ["no", "deleting", "failed", "otherRecord"] as const
    ).entries()) {
      const record = { ...base, port: 21_600 + index, id: `${unwanted}-${21_600 + index}` };
      assert.ok(await records.claim(record));
      if (unwanted === "deleting") await records.markDeleting(record, 1);
      if (unwanted === "failed") await records.markFailed(record, "too late");
      const id = unwanted === "otherRecord" ? "before-21603" : record.id;
      const env = { PATH: "/usr/bin:/bin", MUSTER_SERVER: id };
      const birth = { command: ["echo", "started"], env };
      const folder = records.folderOf(record.port);
      await new Promise<void>((resolve, reject) => {
        startServer(folder, birth, () => resolve()).then((child) => child.ref(), reject);
      });
      const output = await lastOutputOf(records.folderOf(record.port));
      const { mark } = (await records.read(record.port)) ?? {};
      outcomes.push(`${unwanted}: ${output || "nothing"}, ${mark ? "marked" : "no mark"}`);
    }
    assert.deepEqual(outcomes, [
      "no: started, marked",
      "deleting: nothing, marked",
      "failed: nothing, marked",
      "otherRecord: nothing, no mark",
    ]);
  });
});

test("B1.5 checkLaunch names every field that is wrong", () => {
  const base = requestOf("any", sleeper).launch;
  const fieldsOf = (change: Partial<typeof base> | { parameters: object }) =>
    findProblems({ ...base, ...change } as typeof base).map(({ field }) => field);
  assert.deepEqual(fieldsOf({}), []);
  assert.deepEqual(fieldsOf({ parameters: {} }), ["parameters.command"]);
  assert.deepEqual(fieldsOf({ parameters: { command: ["a", 1, "b\0"], comand: [] } }), [
    ...["parameters.comand", "parameters.command[1]", "parameters.command[2]"],
  ]);
  assert.deepEqual(
    fieldsOf({ parameters: { command: ["a"], env: { "A B": "x", MUSTER_SERVER: "x", C: 1 } } }),
    ["parameters.env.A B", "parameters.env.MUSTER_SERVER", "parameters.env.C"],
  );
  assert.deepEqual(fieldsOf({ metadata: { "a.b": "1", a_b: "2" } }), ["metadata.a_b"]);
  assert.deepEqual(fieldsOf({ userData: "x".repeat(70_000) }), ["user_data"]);
});

test("B9.5 only what is proven to be the server's is its family", () => {
  const sight = (pid: number, more: Partial<ProcessSight> = {}): ProcessSight => ({
    ...{ pid, bootId: "b", startedAt: String(pid), session: pid, zombie: false },
    ...more,
  });
  const leader = sight(10);
  const child = sight(11, { session: 10 });
  const marked = sight(12, { serverId: "mine" });
  const other = sight(13, { serverId: "other" });
  const family = (seen: readonly ProcessSight[], known: readonly ProcessSight[] = []) =>
    familyOf(seen, { id: "mine", leader, known }).map(({ pid }) => pid);
  assert.deepEqual(family([leader, child, marked, other]), [10, 11, 12]);
  const reused = sight(10, { startedAt: "later" });
  assert.deepEqual(family([reused, child, other]), [], "neither a reused pid nor its session");
  assert.deepEqual(family([{ ...leader, bootId: "before" }]), [], "another boot's process");
  assert.deepEqual(family([{ ...leader, zombie: true }, child]), [11], "a zombie still leads");
  assert.deepEqual(family([reused, child], [child]), [11], "what was proven before stays proven");
});

test("M3.2 a mark counts only when it is complete, whatever the program is called", () => {
  const fields = Array.from({ length: 30 }, (_, index) => String(index + 4)).join(" ");
  const stat = `77 (a ) S 1 (b) S ${fields}`;
  const mark = parseMark(`77\nboot\n${stat}\nend\n`);
  assert.deepEqual(mark, { pid: 77, bootId: "boot", startedAt: "22" });
  for (const torn of ["", "77\n", `77\nboot\n${stat}\n`, `77\nboot\n${stat}\nen`])
    assert.equal(parseMark(torn), undefined);
});

test("M3.2 without /proc, ps tells who runs", async () => {
  const table = createPsTable();
  const mine = (await table.snapshot()).find(({ pid }) => pid === process.pid);
  assert.ok(mine && !mine.zombie && mine.session > 0);
  assert.match(mine.startedAt, /^\w{3} \w{3} \d+ [\d:]{8} \d{4}$/);
  const reused = { ...mine, startedAt: "Thu Jan 1 00:00:00 1970" };
  assert.deepEqual(await table.running([reused]), [false]);
});

async function membersOf(serverId: string): Promise<readonly number[]> {
  const seen = await (await createProcessTable()).snapshot();
  return seen.filter((one) => !one.zombie && one.serverId === serverId).map(({ pid }) => pid);
}

async function statusOf(driver: CloudDriver, id: Parameters<CloudDriver["getServer"]>[0]["id"]) {
  return (await driver.getServer({ account, id }, call))?.status;
}

async function answerOf(port: number): Promise<string> {
  return await new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => {
      text += String(chunk);
    });
    socket.on("close", () => resolve(text));
    socket.on("error", () => {});
  });
}

async function refusedAs(kind: OutsideFaultKind, work: () => Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => error instanceof OutsideFault && error.kind === kind);
}
