import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  account,
  type Daemon,
  end,
  eventually,
  openDaemon,
  readyAddress,
  spawnDaemon,
  token,
} from "./daemon.js";
import { sleeper } from "./groups.js";
import { type Ran, run } from "./tools.js";

const colo = "local";
const mainPath = fileURLToPath(new URL("../../clients/cli/main.js", import.meta.url));
let daemon: Daemon;

before(async () => {
  daemon = await openDaemon({ [colo]: { cloud: { use: "builtin:process" }, pollMs: 100 } });
});
after(() => daemon.end());

/** The real tool as a user has it: its own process, told by the environment where and who. */
function musterctl(...args: readonly string[]): Promise<Ran> {
  const env = {
    MUSTER_ADDRESS: daemon.address,
    MUSTER_TOKEN: token,
    MUSTER_ACCOUNT: account,
  };
  return run(process.execPath, [mainPath, ...args], { env });
}

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await musterctl(...args);
  assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
  return stdout.trim();
}

const json = async (...args: readonly string[]) => JSON.parse(await ok(...args, "-o", "json"));
const idOf = ({ name }: { readonly name: string }) => name.split("/").at(-1) ?? "";
const servers = async () =>
  (await json("servers", "list", "web")).servers as readonly {
    readonly name: string;
    readonly state: string;
    readonly cloudId: string;
  }[];

test("M1.1 groups apply makes a group and its policies, and changes nothing the second time", async () => {
  const path = join(daemon.folder, "web.json");
  const group = {
    id: "web",
    displayName: "Web",
    labels: { tier: "front" },
    placements: [{ colo, min: 1, max: 10 }],
    launchConfiguration: { image: "none", parameters: { command: sleeper } },
    policies: [
      { id: "more", displayName: "Two more", change: 2 },
      {
        id: "load",
        displayName: "On load",
        change: 1,
        alertRule: { actsOn: "ALERT_STATE_CRITICAL", repeat: "1h" },
      },
    ],
  };
  await writeFile(path, JSON.stringify(group));
  const lines = ["group web created", "policy web/more created", "policy web/load created"];
  assert.deepEqual((await ok("groups", "apply", "-f", path, "--wait")).split("\n"), lines);
  const again = lines.map((line) => line.replace("created", "unchanged"));
  assert.deepEqual((await ok("groups", "apply", "-f", path)).split("\n"), again);
  assert.match(await ok("groups", "list", "-l", "tier=front"), /^web +converged +1 /m);
  assert.equal((await daemon.running()).length, 1);
});

test("M1.4 M5.1 scale --wait returns when the servers run", async () => {
  assert.match(await ok("scale", "web", "4", "--wait"), /^applied: web 1 → 4/);
  assert.equal((await daemon.running()).length, 4);
  assert.match(await ok("scale", "web", "-1", "--wait"), /^applied: web 4 → 3/);
  assert.equal((await daemon.running()).length, 3);
  assert.match(await ok("scale", "web", "99", "--wait"), /^applied: web 3 → 10/);
  assert.match(await ok("scale", "web", "3", "--wait"), /^applied: web 10 → 3/);
});

test("M9.2 a policy is executed by hand", async () => {
  const { policies } = await json("policies", "list", "web");
  assert.deepEqual(policies.map(idOf), ["load", "more"]);
  assert.match(await ok("policies", "execute", "web", "more", "--wait"), /^applied: web 3 → 5/);
  assert.equal((await daemon.running()).length, 5);
});

test("M1.2 M5.2 an alert that is reported acts once, however often it is told", async () => {
  const report = ["alerts", "report", "web", "load", "--key", "cpu", "--state"];
  assert.match(await ok(...report, "critical", "--value", "0.97"), /^applied: web 5 → 6/);
  const repeated = await musterctl(...report, "critical");
  assert.doesNotMatch(repeated.stdout, /^applied/);
  await ok(...report, "ok");
  await ok("groups", "converge", "web", "--wait");
  assert.equal((await daemon.running()).length, 6);
});

test("M3.2 servers shows the ledger, and protects and replaces a chosen one", async () => {
  const before = await servers();
  assert.deepEqual(new Set(before.map(({ state }) => state)), new Set(["SERVER_STATE_IN_SERVICE"]));
  const cloudIds = (await daemon.running()).map((one) => one.cloudId).toSorted();
  assert.deepEqual(before.map((one) => one.cloudId).toSorted(), cloudIds);

  const [kept, chosen] = before;
  assert.ok(kept && chosen);
  await ok("servers", "protect", "web", idOf(kept)); // The oldest: it would be the first to go.
  await ok("servers", "delete", "web", idOf(chosen), "--replace");
  await ok("groups", "converge", "web", "--wait");
  const ids = (await servers()).map(idOf);
  assert.equal(ids.length, 6, "the target stands");
  assert.ok(!ids.includes(idOf(chosen)), "the chosen one is gone");
  await ok("scale", "web", "2", "--wait");
  assert.ok((await servers()).map(idOf).includes(idOf(kept)), "the protected one stays");
});

test("B9.1 M6.3 colo brake stops creates until it is cleared, and says so", async () => {
  await ok("colo", "brake", "set", colo, "--create", "--reason", "storage is full");
  assert.match(await ok("colo", "get", colo), /^create .*storage is full$/m);
  const braked = await musterctl("scale", "web", "5", "--wait", "--timeout", "2s");
  assert.equal(braked.code, 4, braked.stderr);
  assert.match(braked.stderr, /storage is full/);
  assert.equal((await daemon.running()).length, 2);
  await ok("colo", "brake", "clear", colo);
  await ok("groups", "converge", "web", "--wait");
  assert.equal((await daemon.running()).length, 5);
});

test("M2.5 events tell the story, over a restart of the daemon too", async () => {
  const history = async () => (await json("events", "web", "--limit", "1000")).events;
  const told: readonly { readonly type: string }[] = await history();
  const count = (type: string) => told.filter((one) => one.type === type).length;
  assert.equal(count("group.created"), 1);
  assert.equal(count("server.intended"), count("server.in_service"));
  assert.equal(count("server.in_service") - count("server.gone"), 5);
  assert.match(await ok("events", "search", "storage", "--group", "web"), /storage is full/);

  await daemon.stop();
  await daemon.start();
  assert.deepEqual((await history()).slice(0, told.length), told);
});

test("M2.1 what may not be is refused, by words and by exit code", async () => {
  const unknown = await musterctl("groups", "get", "nowhere");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /GROUP_NOT_FOUND/);
  const wrong = await musterctl("scale", "web", "many");
  assert.equal(wrong.code, 2);
  const refused = await musterctl("groups", "delete", "web");
  assert.equal(refused.code, 1, "a group with servers goes only by force");
  const stranger = await musterctl("groups", "get", "web", "--token", "not-the-daemons-token");
  assert.equal(stranger.code, 1);
  assert.match(stranger.stderr, /TOKEN_INVALID/);
});

test("B8.4 M6.1 groups delete --force --wait leaves nothing, protected or not", async () => {
  assert.match(await ok("groups", "delete", "web", "--force", "--wait"), /^group web is draining/);
  assert.deepEqual(await daemon.running(), []);
  assert.deepEqual(await daemon.records(colo), []);
  assert.equal((await musterctl("groups", "get", "web")).code, 1);
});

test("M10.3 --dev on port 0 says where it listens", async (t) => {
  const { child, log } = spawnDev(t, "dev");
  const address = await readyAddress(child);
  assert.doesNotMatch(address, /:0$/);
  assert.match(await ok("colo", "list", "--address", address), /^local /m);
  assert.equal(await end(child, "SIGTERM"), 0, await readFile(log, "utf8"));
});

test("M10.3 a daemon that is told to stop while it starts does so", async (t) => {
  const { child, data, log } = spawnDev(t, "early");
  await eventually("it has begun", () => stat(data).catch(() => undefined), Boolean);
  assert.equal(await end(child, "SIGTERM"), 0, await readFile(log, "utf8"));
});

/** Another daemon, with data of its own, on a port that it chooses. */
function spawnDev(t: TestContext, name: string) {
  const { folder } = daemon;
  const [log, data] = [join(folder, `${name}.log`), join(folder, name)];
  const args = ["--dev", "--listen", "127.0.0.1:0", "--token", token, "--data", data];
  const child = spawnDaemon({ args, folder, logPath: log });
  t.after(() => end(child, "SIGKILL"));
  return { child, data, log };
}
