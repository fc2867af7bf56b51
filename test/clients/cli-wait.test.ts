import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { refusal } from "./fake-world.js";
import { lineOf, runMusterctl, startMusterctl } from "./musterctl.js";
import { freshGroupId, groupJson, openTarget, type Target } from "./target.js";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target.close());

async function makeGroup(change: object = {}): Promise<string> {
  const id = freshGroupId();
  const stdin = groupJson(target, id, change);
  const ran = await runMusterctl(target, ["groups", "apply", "-f", "-", "--wait"], { stdin });
  assert.equal(ran.code, 0, ran.stderr);
  return id;
}

test("B4.11 --wait tells its progress with reasons, then ends when all is in service", async () => {
  const id = await makeGroup();
  const ran = await runMusterctl(target, ["scale", id, "3", "--wait"]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, new RegExp(`^applied: ${id} 0 → 3`));
  const lines = ran.stderr.trimEnd().split("\n");
  assert.equal(lines.at(-1), `musterctl: converged: ${id}: 3 of 3 in service`);
  assert.match(lines[0] ?? "", new RegExp(`^${id}: \\d of 3 in service`));
  assert.equal(new Set(lines).size, lines.length, "a line is told once");
  if (target.fake === undefined) return;
  const building = `${id}: 0 of 3 in service, 1 on their way; ${target.colo}: waiting: B4.2 BUILDING: 1 still build`;
  assert.ok(lines.includes(building), ran.stderr);
});

test("B9.1 exit code 4: --timeout bounds the wait, and what is in the way is said", async () => {
  const id = await makeGroup();
  const brake = ["colo", "brake"];
  await runMusterctl(target, [...brake, "set", target.colo, "--create", "--reason", "storage"]);
  const ran = await runMusterctl(target, ["scale", id, "1", "--wait", "--timeout", "1s"]);
  await runMusterctl(target, [...brake, "clear", target.colo]);
  assert.equal(ran.code, 4, ran.stderr);
  const last = ran.stderr.trimEnd().split("\n").at(-1) ?? "";
  assert.match(last, /^musterctl: timed out after 1s; what was asked for stands, but /);
  assert.match(last, /0 of 1 in service.*braked: .*storage/);
  const healed = await runMusterctl(target, ["groups", "converge", id, "--wait"]);
  assert.equal(healed.code, 0, "and what was asked for still comes true");
});

test("a server that is away for a moment does not end the wait", async (t) => {
  const { fake } = target;
  if (fake === undefined) return t.skip("needs faults on command");
  const id = await makeGroup();
  const away = refusal(Code.Unavailable, "SHUTTING_DOWN", "the node goes away");
  fake.callFaults.set("GetGroup", [away, away]);
  const ran = await runMusterctl(target, ["scale", id, "1", "--wait"]);
  assert.deepEqual(fake.callFaults.get("GetGroup"), [], "both faults fired");
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, new RegExp(`^${id}: no answer \\(SHUTTING_DOWN\\), asking again$`, "m"));
  assert.match(ran.stderr, /converged/);
});

test("a group that is deleted under a wait ends it as failed", async (t) => {
  const { fake } = target;
  if (fake === undefined) return t.skip("needs faults on command");
  const id = await makeGroup();
  const gone = refusal(Code.NotFound, "GROUP_NOT_FOUND", "no such group");
  fake.callFaults.set("GetGroup", [gone]);
  const ran = await runMusterctl(target, ["scale", id, "1", "--wait"]);
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, new RegExp(`^musterctl: ${id} is gone$`, "m"));
});

test("Ctrl-C ends a wait quietly, with the shell's own code for it", async () => {
  const id = await makeGroup();
  await runMusterctl(target, ["colo", "brake", "set", target.colo, "--create", "--reason", "test"]);
  const child = startMusterctl(target, ["scale", id, "1", "--wait"]);
  const closed = once(child, "close");
  const texts: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => texts.push(chunk.toString()));
  await lineOf(child.stderr, /of 1 in service/);
  child.kill("SIGINT");
  const [code] = await closed;
  await runMusterctl(target, ["colo", "brake", "clear", target.colo]);
  assert.equal(code, 130);
  assert.doesNotMatch(texts.join(""), /rror|abort|at /);
});
