import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { runMusterctl } from "./musterctl.js";
import { freshGroupId, groupJson, openTarget, type Target } from "./target.js";

let target: Target;
const id = freshGroupId();

/** Runs a command that must succeed, and gives what it printed. */
async function ok(...args: readonly string[]): Promise<string> {
  const ran = await runMusterctl(target, args);
  assert.equal(ran.code, 0, `${args.join(" ")}: ${ran.stderr}`);
  return ran.stdout;
}

const json = async (...args: readonly string[]) => JSON.parse(await ok(...args, "-o", "json"));

before(async () => {
  target = await openTarget();
  const stdin = groupJson(target, id, {
    target: 2,
    cooldown: "1m30s",
    policies: [
      { id: "up", displayName: "More", change: 2, cooldown: "1h" },
      { id: "tenth", displayName: "A tenth less", changePercent: -10 },
      { id: "full", displayName: "All", exact: 5 },
    ],
  });
  const ran = await runMusterctl(target, ["groups", "apply", "-f", "-", "--wait"], { stdin });
  assert.equal(ran.code, 0, ran.stderr);
  const lines = ["up", "tenth", "full"].map((policy) => `policy ${id}/${policy} created`);
  assert.deepEqual(ran.stdout.trimEnd().split("\n"), [`group ${id} created`, ...lines]);
  assert.match(ran.stderr, new RegExp(`converged: ${id}: 2 of 2 in service`));
});
after(() => target.close());

describe("groups", () => {
  test("get shows the group, its placements and its conditions", async () => {
    const shown = await ok("groups", "get", id);
    assert.match(shown, new RegExp(`^group +${id}$`, "m"));
    assert.match(shown, /^state +converged$/m);
    assert.match(shown, /^COLO +IN SERVICE +TARGET +MIN +MAX +PENDING +LEAVING$/m);
    assert.match(shown, new RegExp(`^${target.colo} +2 +2 +0 +5 +0 +0$`, "m"));
    const group = await json("groups", "get", id);
    assert.equal(group.name, `accounts/${target.account}/groups/${id}`);
    assert.equal(group.cooldown, "90s", "1m30s in the file is 90s on the wire");
    assert.equal(group.status.placements[0].inService, 2);
    assert.equal(group.surge, 0, "fields are there also when they are 0");
  });

  test("list turns all pages, and filters by labels", async () => {
    const others = [freshGroupId(), freshGroupId(), freshGroupId()];
    for (const other of others) {
      const labels = { batch: id, only: other };
      const stdin = groupJson(target, other, { labels });
      await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
    }
    const { groups } = await json("groups", "list", "-l", `batch=${id}`);
    const names: string[] = groups.map((one: { name: string }) => one.name.split("/").at(-1));
    assert.deepEqual(names, others.toSorted());
    const table = await ok("groups", "list", "-l", `batch=${id}`, "-l", `only=${others[1]}`);
    const lines = table.trimEnd().split("\n");
    assert.equal(lines.length, 2);
    assert.match(
      lines[0] ?? "",
      /^GROUP +STATE +IN SERVICE +TARGET +PENDING +LEAVING +COLOS +AGE$/,
    );
    assert.match(
      lines[1] ?? "",
      new RegExp(`^${others[1]} +conver\\w+ +0 +0 +0 +0 +${target.colo}`),
    );
  });

  test("apply twice changes once, and what get printed can be applied again", async () => {
    const group = freshGroupId();
    const apply = (change: object) =>
      runMusterctl(target, ["groups", "apply", "-f", "-"], {
        stdin: groupJson(target, group, change),
      });
    assert.match((await apply({})).stdout, /created/);
    assert.match((await apply({})).stdout, /unchanged/);
    assert.match((await apply({ surge: 1 })).stdout, /updated/);
    const stdin = await ok("groups", "get", group, "-o", "json");
    const again = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
    assert.equal(again.stdout, `group ${group} unchanged\n`);
    assert.equal(again.stderr, "");
    const edited = stdin.replace('"surge": 1', '"surge": 2');
    const next = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin: edited });
    assert.equal(next.stdout, `group ${group} updated\n`, next.stderr);
    const stale = await runMusterctl(target, ["groups", "apply", "-f", "-"], {
      stdin: stdin.replace('"surge": 1', '"surge": 3'),
    });
    assert.equal(stale.code, 1);
    assert.match(stale.stderr, /^musterctl: ETAG_MISMATCH: .*read it again/);
  });

  test("B4.7 fallback flavors are applied from the file, shown, and given back", async () => {
    const group = freshGroupId();
    const file = JSON.parse(groupJson(target, group));
    file.launchConfiguration.fallbackFlavors = ["large", "huge"];
    const stdin = JSON.stringify(file);
    const ran = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(await ok("groups", "get", group), /^fallback flavors +large, huge$/m);
    const { launchConfiguration } = await json("groups", "get", group);
    assert.deepEqual(launchConfiguration.fallbackFlavors, ["large", "huge"]);
  });

  test("apply --dry-run keeps nothing, and warnings go to stderr", async () => {
    const group = freshGroupId();
    const stdin = groupJson(target, group);
    const dry = await runMusterctl(target, ["groups", "apply", "-f", "-", "--dry-run"], { stdin });
    assert.equal(dry.stdout, `group ${group} would be created\n`);
    const gone = await runMusterctl(target, ["groups", "get", group]);
    assert.match(gone.stderr, /GROUP_NOT_FOUND/);
    if (target.fake === undefined) return;
    const args = ["groups", "apply", "-f", "-", "--allow-unverified", "-o", "json"];
    const real = await runMusterctl(target, args, { stdin });
    const answer = JSON.parse(real.stdout);
    assert.equal(answer.done, "created");
    assert.deepEqual(answer.warnings, ["the image could not be checked"]);
    assert.match(real.stderr, /warning: the image could not be checked/);
  });

  test("a target in the file of a known group is not applied, and that is said", async () => {
    const group = freshGroupId();
    const file = (target_: number) => ({ stdin: groupJson(target, group, { target: target_ }) });
    await runMusterctl(target, ["groups", "apply", "-f", "-"], file(0));
    const ran = await runMusterctl(target, ["groups", "apply", "-f", "-"], file(3));
    assert.equal(ran.stdout, `group ${group} unchanged\n`);
    assert.match(ran.stderr, new RegExp(`not applied; see .musterctl scale ${group}`));
  });

  test("B9.2 acknowledge", async () => {
    const nothing = await runMusterctl(target, ["groups", "acknowledge", id, "--reason", "x"]);
    assert.equal(nothing.code, 1);
    assert.match(nothing.stderr, /^musterctl: NOTHING_HELD: /);
    const blank = await runMusterctl(target, ["groups", "acknowledge", id, "--reason", " "]);
    assert.equal(blank.code, 2);
    if (target.fake === undefined) return;
    const held = freshGroupId();
    const stdin = groupJson(target, held, { labels: { held: "yes" } });
    await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
    const said = await ok("groups", "acknowledge", held, "--reason", "the rack is gone");
    assert.equal(said, `group ${held}: replacement goes on\n`);
  });

  test("B8.3 pause, resume and converge", async () => {
    assert.equal(await ok("groups", "pause", id, "--reason", "move"), `group ${id} paused\n`);
    const shown = await ok("groups", "get", id);
    assert.match(shown, /^state +paused$/m);
    assert.match(shown, /paused by \S+: move/);
    const resumed = await json("groups", "resume", id);
    assert.equal(resumed.status.placements[0].pause, undefined);
    assert.equal(await ok("groups", "converge", id), `group ${id} is being looked at\n`);
  });

  test("B8.4 delete: refused with servers, drained with --force, awaited with --wait", async () => {
    const group = freshGroupId();
    const stdin = groupJson(target, group, { target: 1 });
    await runMusterctl(target, ["groups", "apply", "-f", "-", "--wait"], { stdin });
    const refused = await runMusterctl(target, ["groups", "delete", group]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /GROUP_NOT_EMPTY: .*--force/);
    const ran = await runMusterctl(target, ["groups", "delete", group, "--force", "--wait"]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal(ran.stdout, `group ${group} is draining\n`);
    assert.match(ran.stderr, new RegExp(`gone: ${group}`));
    const empty = freshGroupId();
    await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin: groupJson(target, empty) });
    assert.equal((await json("groups", "delete", empty)).draining, false);
  });
});

describe("policies and alerts", () => {
  test("list, get and delete", async () => {
    const rows = (await ok("policies", "list", id)).trimEnd().split("\n");
    assert.match(rows[0] ?? "", /^POLICY +ACTION +COOLDOWN +DISPLAY NAME$/);
    assert.ok(
      rows.some((row) => /^up +\+2 +\S+ +More$/.test(row)),
      rows.join("\n"),
    );
    assert.ok(rows.some((row) => /^tenth +-10 % +0s +A tenth less$/.test(row)));
    assert.ok(rows.some((row) => /^full +to 5 +0s +All$/.test(row)));
    assert.equal((await json("policies", "list", id)).policies.length, 3);
    assert.match(await ok("policies", "get", id, "up"), /^action +\+2$/m);
    assert.equal((await json("policies", "get", id, "up")).cooldown, "3600s");
    assert.equal(await ok("policies", "delete", id, "full"), `policy ${id}/full deleted\n`);
    const gone = await runMusterctl(target, ["policies", "get", id, "full"]);
    assert.match(gone.stderr, /^musterctl: POLICY_NOT_FOUND: .*policies list/);
  });

  test("apply takes one policy or a list, as often as you like", async () => {
    const apply = (policies: unknown) =>
      runMusterctl(target, ["policies", "apply", id, "-f", "-"], {
        stdin: JSON.stringify(policies),
      });
    const one = { id: "down", displayName: "Less", change: -1, debounce: "10s" };
    assert.equal((await apply(one)).stdout, `policy ${id}/down created\n`);
    const both = await apply([
      { ...one, change: -2 },
      { ...one, id: "down2" },
    ]);
    assert.equal(both.stdout, `policy ${id}/down updated\npolicy ${id}/down2 created\n`);
    assert.equal(
      (await apply({ policies: [{ ...one, change: -2 }] })).stdout.includes("unch"),
      true,
    );
  });

  test("B2.5 execute: applied, then refused by its cooldown with exit code 3, then forced", async () => {
    const first = await runMusterctl(target, ["policies", "execute", id, "up", "--wait"]);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, new RegExp(`^applied: ${id} 2 → 4`));
    const second = await runMusterctl(target, ["policies", "execute", id, "up"]);
    assert.equal(second.code, 3);
    assert.match(second.stdout, new RegExp(`^refused: ${id} stays at 4$`, "m"));
    assert.match(second.stdout, /^ {2}because B2\.5 COOLDOWN_POLICY: /m);
    assert.match(second.stdout, /^ {2}ask again in \d+m, at 20\d\d-/m);
    const receipt = await runMusterctl(target, ["policies", "execute", id, "up", "-o", "json"]);
    assert.equal(receipt.code, 3);
    assert.equal(JSON.parse(receipt.stdout).outcome, "OUTCOME_REFUSED");
    const force = ["--force", "--reason", "launch", "--for", "5m"];
    const third = await runMusterctl(target, ["policies", "execute", id, "up", ...force]);
    assert.match(third.stdout, new RegExp(`^applied: ${id} 4 → 6`));
    await ok("scale", id, "2", "--wait");
  });

  test("B3.2 alerts report", async () => {
    const args = ["alerts", "report", id, "tenth", "--key", "load"];
    const report = await runMusterctl(target, [...args, "--state", "ok", "--value", "0.25"]);
    assert.equal(report.code, 0, report.stderr);
    assert.match(report.stdout, new RegExp(`^no-change: ${id} stays at 2$`, "m"));
    const none = await runMusterctl(target, [...args, "--state", "bad"]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /Allowed choices are ok, warning, critical, unknown/);
    if (target.fake === undefined) return;
    const event = target.fake.world.events.findLast((one) => one.type === "alert.reported");
    assert.deepEqual(event?.facts, { key: "load", state: "1", value: "0.25" });
  });
});

describe("scale", () => {
  test("B2.9 a target and a change, with their receipts in words", async () => {
    assert.match(
      await ok("scale", id, "+1"),
      new RegExp(`^applied: ${id} 2 → 3 \\(${target.colo} 2 → 3\\)$`, "m"),
    );
    assert.match(await ok("scale", id, "-2"), new RegExp(`^applied: ${id} 3 → 1`, "m"));
    assert.match(await ok("scale", id, "1"), new RegExp(`^no-change: ${id} stays at 1$`, "m"));
    const clamped = await ok("scale", id, "99");
    assert.match(clamped, new RegExp(`^applied: ${id} 1 → 5`));
    assert.match(clamped, /^ {2}because B2\.4 \w+: .*\b5 may be/m);
    assert.equal((await json("scale", id, "2", "--wait")).newTarget, 2);
  });

  test("B3.1 the same request id acts once", async () => {
    const requestId = freshGroupId();
    const first = await json("scale", id, "+1", "--request-id", requestId);
    const again = await json("scale", id, "+1", "--request-id", requestId);
    assert.deepEqual(again, first);
    assert.equal(first.newTarget, 3);
    await ok("scale", id, "2", "--wait");
  });
});

describe("servers", () => {
  test("list, get, protect, unprotect, delete", async () => {
    const table = await ok("servers", "list", id);
    assert.match(table, /^SERVER +COLO +STATE +SINCE +ADDRESS +CLOUD ID +LAUNCH +FLAVOR +NOTES$/m);
    const { servers } = await json("servers", "list", id, "--state", "in-service", "building");
    assert.equal(servers.length, 2);
    assert.deepEqual((await json("servers", "list", id, "--state", "draining")).servers, []);
    const server: string = servers[0].name.split("/").at(-1);
    assert.match(table, new RegExp(`^${server} +${target.colo} +in-service`, "m"));
    assert.match(await ok("servers", "get", id, server), /^state +in-service$/m);
    assert.match(await ok("servers", "get", id, server), /^flavor +\S+( in \S+)?$/m);
    assert.equal(await ok("servers", "protect", id, server), `server ${server} is protected\n`);
    assert.match(await ok("servers", "get", id, server), /^notes +protected$/m);
    assert.equal((await json("servers", "unprotect", id, server)).protected, false);
    const aside = `server ${server} is standing-by\n`;
    assert.equal(await ok("servers", "standby", id, server, "--replace"), aside);
    await ok("servers", "return", id, server);
    const ill = ["servers", "health", id, server, "unhealthy", "--reason", "answers 502"];
    assert.equal(await ok(...ill, "--for", "5m"), `server ${server} is reported unhealthy\n`);
    assert.match(await ok("servers", "get", id, server), /^notes +unhealthy: answers 502$/m);
    const well = await json("servers", "health", id, server, "healthy");
    assert.equal(well.reportedUnhealthy, "");
    assert.equal((await runMusterctl(target, ["servers", "health", id, server, "odd"])).code, 2);
    const replaced = await ok("servers", "delete", id, server, "--replace");
    assert.match(replaced, new RegExp(`^server ${server} is \\w+; another takes its place$`, "m"));
    await ok("groups", "converge", id, "--wait");
    const missing = await runMusterctl(target, ["servers", "get", id, server]);
    if (missing.code !== 0) assert.match(missing.stderr, /SERVER_NOT_FOUND/);
  });
});

describe("orphans", () => {
  test("B9.6 they are listed; what is not there is neither adopted nor deleted", async () => {
    assert.match(await ok("orphans", "list"), /^CLOUD ID +COLO +GROUP +NAME +CLAIMS +WHY +SEEN$/m);
    const gone = ["orphans", "delete", target.colo, "no-such-server"];
    const refused = await runMusterctl(target, gone);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /SERVER_NOT_FOUND/);
  });
});

describe("what was lost", () => {
  const isFake = () => target.fake !== undefined;
  test("B8.1 B9.6 an orphan is adopted, and another deleted", async (context) => {
    if (!isFake()) return context.skip("orphans of a daemon are nobody's to make");
    const adopted = await ok("orphans", "adopt", id, "local", "sim-9", "--keep-target");
    assert.equal(adopted, `sim-9 is server adopted of group ${id}\n`);
    assert.equal(await ok("orphans", "delete", "local", "sim-9"), "sim-9 is being deleted\n");
    assert.equal((await json("orphans", "list")).orphans[0].claims, "id1");
  });

  test("M6.2 B9.5 a ledger is rebuilt, and what was left is told", async (context) => {
    if (!isFake()) return context.skip("a daemon's ledger is whole");
    const said = await ok("admin", "rebuild-ledger", id);
    assert.match(said, new RegExp(`^group ${id}: \\d+ servers adopted, 1 left$`, "m"));
    assert.match(said, /^sim-9 +local +id1 +copiedTag$/m);
    const answer = await json("admin", "rebuild-ledger", id);
    assert.equal(answer.left[0].why, "copiedTag");
    const missing = await runMusterctl(target, ["admin", "rebuild-ledger", "no-group"]);
    assert.match(missing.stderr, /GROUP_NOT_FOUND/);
  });

  test("M7.3 history is written anew", async () => {
    const said = await ok("admin", "reindex");
    assert.equal(said, "history is being written anew\n");
    assert.deepEqual(await json("admin", "reindex"), {});
  });

  test("B9.5 the store is backed up, and it is told where and of how many", async () => {
    assert.match(await ok("admin", "backup"), /state-\w+\.db: \d+ placements, in quarantine/);
    assert.match((await json("admin", "backup")).file, /state-\w+\.db$/);
  });

  test("B8.1 a server is released", async (context) => {
    if (!isFake()) return context.skip("what is released of a daemon runs on");
    const [first] = (await json("servers", "list", id)).servers;
    const server = first.name.split("/").at(-1);
    assert.equal(
      await ok("servers", "release", id, server, "--replace"),
      `server ${server} is let go of\n`,
    );
  });
});

describe("colo", () => {
  test("B9.5 a colo's quarantine has a reason and a colo, and a group is confirmed", async () => {
    const { colo } = target;
    const blank = await runMusterctl(target, ["colo", "quarantine", colo, "--reason", " "]);
    assert.equal(blank.code, 2);
    const wrong = await runMusterctl(target, ["colo", "quarantine", "no-colo", "--reason", "x"]);
    assert.match(wrong.stderr, /COLO_NOT_FOUND/);
    const confirmed = await ok("groups", "confirm-ledger", id, "--reason", "compared");
    assert.equal(confirmed, `the ledger of group ${id} is confirmed\n`);
  });

  test("B9.1 list, get, brake set, brake clear", async () => {
    const { colo } = target;
    assert.match(await ok("colo", "list"), /^COLO +CLOUD +LOAD BALANCERS +GROUPS/m);
    assert.ok((await json("colo", "list")).colos.length >= 1);
    const set = ["colo", "brake", "set", colo, "--create", "--load-balancer"];
    const shown = await ok(...set, "--reason", "disk\u001b[2J full", "--for", "1h");
    assert.match(shown, /^BRAKE +SINCE +UNTIL +FROM +BY +REASON$/m);
    assert.match(shown, /^create +\d+s +20\d\d-\S+Z +\S+ +\S+ +disk \[2J full$/m);
    assert.match(shown, /^load-balancer /m);
    const cleared = await json("colo", "brake", "clear", colo, "--create");
    assert.deepEqual(
      cleared.brakes.map((one: { operation: string }) => one.operation),
      ["OPERATION_CLASS_LOAD_BALANCER"],
    );
    assert.match(await ok("colo", "brake", "set", colo, "--all", "--reason", "x"), /^brakes +3$/m);
    assert.match(await ok("colo", "brake", "clear", colo), /^brakes +none$/m);
    const got = await ok("colo", "get", colo);
    assert.match(got, new RegExp(`^colo +${colo}$`, "m"));
    assert.match(got, /^API +CALLS +SINCE +NEXT IN +AT ONCE +A SECOND +WAITING +LAST FAULT$/m);
    assert.match(got, /^cloud +flow +\S+ +- +\d+\/\d+ +/m);
  });

  test("B9.7 admin repin", async () => {
    const { colo, account } = target;
    const said = await ok("admin", "repin", account, colo);
    assert.match(
      said,
      new RegExp(`^account ${account} in ${colo} is pinned to \\S+, before: \\S+\n$`),
    );
    const answer = await json("admin", "repin", account, colo);
    assert.equal(answer.account, `accounts/${account}`);
    assert.ok(answer.project !== "" && answer.previousProject !== "");
    await ok("admin", "repin", account, colo, "--force");
    assert.notEqual((await runMusterctl(target, ["admin", "repin", account])).code, 0);
  });
});
