import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Outcome, ReceiptSchema } from "../../src/gen/muster/v1/receipt_pb.js";
import { refusal } from "./fake-world.js";
import { runMusterctl } from "./musterctl.js";
import { freshGroupId, groupJson, openTarget, type Target } from "./target.js";

let target: Target;
let folder: string;
before(async () => {
  target = await openTarget();
  folder = await mkdtemp(join(tmpdir(), "musterctl-"));
});
after(async () => {
  await target.close();
  await rm(folder, { recursive: true });
});

describe("exit code 2: wrong usage, and nothing is sent", () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["an unknown command", ["gruops"], /unknown command 'gruops'.*\n.*groups/],
    ["an unknown option", ["groups", "list", "--all"], /unknown option '--all'/],
    ["a missing argument", ["groups", "get"], /missing required argument 'group'/],
    ["one argument too many", ["groups", "get", "a", "b"], /too many arguments/],
    ["no change at all", ["scale", "web", "+0"], /A change of 0 changes nothing/],
    ["words for a number", ["scale", "web", "five"], /a target \(5\) or a change/],
    ["a strange duration", ["scale", "web", "1", "--timeout", "5"], /90s, 5m or 1h/],
    ["more than a week", ["groups", "list", "--timeout", "8d"], /at most 7d/],
    ["no duration", ["groups", "list", "--timeout", "0s"], /longer than nothing/],
    ["force without a reason", ["scale", "web", "1", "--force"], /--force needs a --reason/],
    ["a reason without force", ["scale", "web", "1", "--reason", "x"], /belong to --force/],
    ["a label without value", ["groups", "list", "-l", "tier"], /key=value/],
    ["no brake named", ["colo", "brake", "set", "iad", "--reason", "x"], /say what to stop/],
    ["a blank reason", ["groups", "pause", "web", "--reason", " "], /must not be blank/],
    ["a cursor without --follow", ["events", "--cursor", "c1"], /need --follow/],
    ["a strange format", ["groups", "list", "-o", "xml"], /Allowed choices are table, json/],
    ["a strange address", ["groups", "list", "--address", "http://"], /host:port or a URL/],
    ["a token file that is not there", ["groups", "list", "--token-file", "/no"], /ENOENT/],
    ["a file that is not there", ["groups", "apply", "-f", "/no/such.json"], /ENOENT/],
  ];
  for (const [title, args, expected] of cases) {
    test(title, async () => {
      const sent = target.fake?.requests.length;
      const ran = await runMusterctl(target, args);
      assert.equal(ran.code, 2, ran.stderr);
      assert.match(ran.stderr, expected);
      assert.match(ran.stderr, /^musterctl: /);
      assert.equal(ran.stdout, "");
      assert.equal(target.fake?.requests.length, sent);
    });
  }

  const files: readonly (readonly [string, unknown, RegExp])[] = [
    ["no JSON", "{", /^musterctl: -: .*JSON/],
    ["no object", "[]", /a group is a JSON object/],
    ["no id", "{}", /needs its id as "id" or "name"/],
    ["an unknown field", { id: "a", maxx: 1 }, /"maxx" is unknown/],
    ["two ids", { id: "a", name: "b" }, /"id" says a, but "name" says b/],
    ["another account", { name: "accounts/other/groups/a" }, /does not lie in accounts\//],
    ["a strange duration", { id: "a", cooldown: "soon" }, /Duration/],
    ["a policy without id", { id: "a", policies: [{}] }, /needs its id/],
  ];
  for (const [title, content, expected] of files) {
    test(`a group file with ${title}`, async () => {
      const stdin = typeof content === "string" ? content : JSON.stringify(content);
      const ran = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
      assert.equal(ran.code, 2, ran.stderr);
      assert.match(ran.stderr, expected);
      assert.equal(ran.stderr.trimEnd().split("\n").length, 1);
    });
  }
});

describe("exit code 1: the call failed", () => {
  test("B1.2 one line with the reason and what to do, then each violated field", async () => {
    const stdin = groupJson(target, freshGroupId(), {
      displayName: " ",
      placements: [{ colo: target.colo, min: 3, max: 2 }],
    });
    const ran = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
    assert.equal(ran.code, 1);
    const [first, ...fields] = ran.stderr.trimEnd().split("\n");
    assert.match(first ?? "", /^musterctl: FIELD_INVALID: .*; mend these fields and try again$/);
    assert.ok(fields.some((line) => /^ {2}group\.display_name: must have 1/.test(line)));
    assert.ok(fields.some((line) => /^ {2}group\.placements\[0\]: min must not/.test(line)));
  });

  test("a group that is not there", async () => {
    const ran = await runMusterctl(target, ["groups", "get", "no-such"]);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /^musterctl: GROUP_NOT_FOUND: .*; see `musterctl groups list`/);
  });

  test("a wrong token, also from a file, which comes before the environment", async () => {
    const wrong = await runMusterctl(target, ["groups", "list", "--token", "wrong"]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^musterctl: TOKEN_INVALID: .*; check --token/);
    const file = join(folder, "token");
    await writeFile(file, `${target.token}\n`);
    const env = { MUSTER_TOKEN: "wrong" };
    const args = ["groups", "list", "--token-file", file];
    assert.equal((await runMusterctl(target, args, { env })).code, 0);
  });

  test("nobody listens: nothing was sent, so no word about a repeat", async () => {
    const ran = await runMusterctl(target, ["scale", "web", "1"], { address: "127.0.0.1:1" });
    assert.equal(ran.code, 1);
    const words = /^musterctl: UNAVAILABLE: 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/;
    assert.match(ran.stderr, words);
    assert.doesNotMatch(ran.stderr, /request-id/);
  });

  test("B3.1 an answer that was lost names the request id under which to ask again", async (t) => {
    if (target.fake === undefined) return t.skip("needs faults on command");
    const lost = refusal(Code.Unavailable, "COMMIT_UNKNOWN", "the store\u001b[31m is away");
    target.fake.callFaults.set("SetTarget", [lost]);
    const ran = await runMusterctl(target, ["scale", "web", "1"]);
    assert.deepEqual(target.fake.callFaults.get("SetTarget"), []);
    assert.equal(ran.code, 1);
    const [first, second] = ran.stderr.split("\n");
    assert.match(first ?? "", /COMMIT_UNKNOWN: the store \[31m is away; try again in a moment/);
    assert.match(second ?? "", /^musterctl: it may have happened .*--request-id [0-9a-f-]{36} /);
  });

  test("a call that takes too long ends by --timeout", async (t) => {
    if (target.fake === undefined) return t.skip("needs faults on command");
    const late = new ConnectError("too late", Code.DeadlineExceeded);
    target.fake.callFaults.set("ListGroups", [late]);
    const ran = await runMusterctl(target, ["groups", "list", "--timeout", "20s"]);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /DEADLINE_EXCEEDED: .*; try again, with a longer --timeout/);
  });
});

test("B2.6 exit code 3: a held receipt, with every cause", async (t) => {
  const { fake } = target;
  if (fake === undefined) return t.skip("needs a decision on command");
  const id = freshGroupId();
  await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin: groupJson(target, id) });
  const causes = [
    { rule: "B3.2", code: "ALERT_ENTERED", message: "critical since 10 s" },
    { rule: "B2.6", code: "NO_WINDUP", facts: { pending_servers: "2" } },
  ];
  const receipt = create(ReceiptSchema, { outcome: Outcome.HELD, eventId: "e9", causes });
  fake.world.receipts.set("held", receipt);
  const ran = await runMusterctl(target, ["scale", id, "+1", "--request-id", "held", "--wait"]);
  assert.equal(ran.code, 3);
  assert.equal(ran.stderr, "", "nothing is waited for");
  assert.deepEqual(ran.stdout.trimEnd().split("\n"), [
    `held: ${id} stays at 0`,
    "  because B3.2 ALERT_ENTERED: critical since 10 s",
    "  because B2.6 NO_WINDUP: pending_servers 2",
    "  event e9",
  ]);
});

describe("help", () => {
  test("every command has a description and an example", async () => {
    const commands = [
      ...["apply", "get", "list", "delete", "pause", "resume", "converge"].map(
        (c) => `groups ${c}`,
      ),
      "scale",
      ...["list", "get", "apply", "delete", "execute"].map((c) => `policies ${c}`),
      "alerts report",
      ...["list", "get", "delete", "protect", "unprotect", "standby", "return"].map(
        (c) => `servers ${c}`,
      ),
      "events",
      "events search",
      ...["list", "get", "brake set", "brake clear"].map((c) => `colo ${c}`),
    ];
    for (const command of commands) {
      const ran = await runMusterctl(target, [...command.split(" "), "--help"]);
      assert.equal(ran.code, 0);
      assert.match(ran.stdout, new RegExp(`^Usage: musterctl ${command} `));
      assert.match(ran.stdout, new RegExp(`^Examples?:\n {2}\\$ musterctl ${command}`, "m"));
      assert.match(ran.stdout, /^Global Options:$/m);
    }
  });

  test("exit codes stand in the main help", async () => {
    const ran = await runMusterctl(target, ["--help"]);
    assert.equal(ran.code, 0);
    assert.match(ran.stdout, /^ {2}3 {2}the scale event was refused or held$/m);
  });
});
