import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { startCuttingProxy } from "./cutting-proxy.js";
import { lineOf, runMusterctl, startMusterctl } from "./musterctl.js";
import { freshGroupId, groupJson, openTarget, type Target } from "./target.js";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target.close());

async function makeGroup(): Promise<string> {
  const id = freshGroupId();
  const stdin = groupJson(target, id);
  const ran = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
  assert.equal(ran.code, 0, ran.stderr);
  return id;
}

async function makeEvents(id: string, rounds: number): Promise<void> {
  const { groups } = target.client();
  const name = `accounts/${target.account}/groups/${id}`;
  for (let round = 1; round <= rounds; round += 1) {
    await groups.pauseGroup({ name, reason: `round ${round}` });
    await groups.resumeGroup({ name });
  }
}

const sequencesOf = (lines: readonly string[]) =>
  lines.map((line) => Number(JSON.parse(line).sequence));

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test("events --follow goes on over cut connections, without gap or repeat", async () => {
  const id = await makeGroup();
  await makeEvents(id, 10);
  const proxy = await startCuttingProxy(target.addressFor("connect"));
  proxy.cutEachAfter((connection) => 500 + 311 * connection);
  const args = ["events", id, "--follow", "--from-start", "-o", "json"];
  const child = startMusterctl(target, args, { address: proxy.address });
  const closed = once(child, "close");
  const notes: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => notes.push(chunk.toString()));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === 12) {
      // Live events as well, after one more cut in between.
      proxy.cut();
      await makeEvents(id, 3);
    }
    if (lines.length === 27) child.kill("SIGINT");
  }
  const [code] = await closed;
  assert.equal(code, 130);
  assert.deepEqual(sequencesOf(lines), upTo(lines.length));
  assert.ok(lines.length >= 27);
  assert.ok(proxy.cuts >= 2, `only ${proxy.cuts} cuts`);
  assert.match(notes.join(""), /connection lost \(.*\); going on in \d\.\d s/);
  await proxy.close();
});

test("events --follow ends by --timeout and tells its cursor, from which another run goes on", async () => {
  const id = await makeGroup();
  await makeEvents(id, 2);
  const follow = ["events", id, "--follow", "-o", "json", "--timeout", "2s"];
  const first = await runMusterctl(target, [...follow, "--from-start"]);
  assert.equal(first.code, 0, first.stderr);
  const cursor = /--cursor (\S+)/.exec(first.stderr)?.[1] ?? "";
  assert.notEqual(cursor, "");
  await makeEvents(id, 1);
  const second = await runMusterctl(target, [...follow, "--cursor", cursor]);
  const lines = [first, second].flatMap(({ stdout }) => stdout.trimEnd().split("\n"));
  assert.ok(lines.length >= 7);
  assert.deepEqual(sequencesOf(lines), upTo(lines.length));
});

test("events --follow shows one line an event, of the types that were asked for", async () => {
  const id = await makeGroup();
  await makeEvents(id, 2);
  const args = ["events", id, "--follow", "--from-start", "--type", "group.paused"];
  const child = startMusterctl(target, args);
  const closed = once(child, "close");
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (lines.push(line) === 2) child.kill("SIGINT");
  }
  await closed;
  const where = `${id}@${target.colo}`;
  for (const line of lines) {
    assert.match(
      line,
      new RegExp(`^20\\S+Z {2}group\\.paused +${where} +round \\d \\(by \\S+\\)$`),
    );
  }
});

test("events --follow fails at once when nobody listens, or the token is wrong", async () => {
  const nobody = await runMusterctl(target, ["events", "--follow"], { address: "127.0.0.1:1" });
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /cannot be reached/);
  const wrong = await runMusterctl(target, ["events", "--follow", "--token", "wrong"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /TOKEN_INVALID/);
});

test("an expired cursor says where to go on", async (t) => {
  const { fake } = target;
  if (fake === undefined) return t.skip("needs a trimmed journal");
  await makeGroup();
  fake.streamFaults.keptFrom = fake.world.events.length;
  const ran = await runMusterctl(target, ["events", "--follow", "--cursor", "c0"]);
  const kept = `c${fake.streamFaults.keptFrom}`;
  fake.streamFaults.keptFrom = 0;
  assert.equal(ran.code, 1);
  assert.match(
    ran.stderr,
    new RegExp(`CURSOR_EXPIRED: .*; what is kept begins at --cursor ${kept}$`, "m"),
  );
});

test("a reader that goes away ends the tool quietly, in a stream and in a list", async () => {
  const id = await makeGroup();
  await makeEvents(id, 5);
  const args = ["events", id, "--follow", "--from-start"];
  const child = startMusterctl(target, args);
  const closed = once(child, "close");
  const errors: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  await lineOf(child.stdout, /group\.created/);
  child.stdout.destroy();
  await makeEvents(id, 1); // Written into a pipe that nobody reads.
  const [code] = await closed;
  assert.equal(code, 0);
  assert.equal(errors.join(""), "");
});

test("events and events search read the history", async () => {
  const id = await makeGroup();
  await makeEvents(id, 6);
  const latest = await runMusterctl(target, ["events", id, "--limit", "3"]);
  assert.equal(latest.code, 0, latest.stderr);
  const rows = latest.stdout.trimEnd().split("\n");
  assert.match(rows[0] ?? "", /^TIME +TYPE +WHERE +WHAT$/);
  assert.equal(rows.length, 4);
  assert.match(rows.at(-2) ?? "", /group\.paused .* round 6/, "the latest comes last");
  const search = ["events", "search", "--group", id, "-o", "json", "--type", "group.paused"];
  const all = await runMusterctl(target, [...search, "--oldest-first", "--since", "1h"]);
  const { events } = JSON.parse(all.stdout);
  assert.deepEqual(
    events.map((one: { message: string }) => one.message),
    [1, 2, 3, 4, 5, 6].map((round) => `round ${round}`),
  );
  const two = await runMusterctl(target, [...search, "--limit", "2"]);
  assert.equal(JSON.parse(two.stdout).events.length, 2);
  const word = await runMusterctl(target, [...search, "round", "4"]);
  assert.equal(JSON.parse(word.stdout).events.length, 1);
});
