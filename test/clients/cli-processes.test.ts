import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { runMusterctl } from "./musterctl.js";
import { freshGroupId, groupJson, openTarget, type Target } from "./target.js";

let target: Target;
const id = freshGroupId();

async function ok(...args: readonly string[]): Promise<string> {
  const ran = await runMusterctl(target, args);
  assert.equal(ran.code, 0, `${args.join(" ")}: ${ran.stderr}`);
  return ran.stdout;
}

const json = async (...args: readonly string[]) => JSON.parse(await ok(...args, "-o", "json"));

before(async () => {
  target = await openTarget();
  const stdin = groupJson(target, id, {});
  const ran = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
  assert.equal(ran.code, 0, ran.stderr);
});
after(() => target.close());

test("B8.1 single processes are paused and resumed by name, and shown", async () => {
  const only = ["--only", "scale-in,alerts"];
  const said = await ok("groups", "pause", id, ...only, "--reason", "load test");
  assert.equal(said, `group ${id} scale-in, alerts paused\n`);
  const shown = await ok("groups", "get", id);
  assert.match(shown, /scale-in paused by \S+: load test/);
  assert.match(shown, /alerts paused by \S+: load test/);
  const one = await ok("groups", "resume", id, "--only", "alerts");
  assert.equal(one, `group ${id} alerts resumed\n`);
  const left = (await json("groups", "get", id)).status.placements[0];
  assert.deepEqual(
    left.processPauses.map((pause: { readonly process: string }) => pause.process),
    ["PROCESS_SCALE_IN"],
  );
  assert.deepEqual((await json("groups", "resume", id)).status.placements[0].processPauses, []);
  const wrong = ["groups", "pause", id, "--only", "scaling", "--reason", "x"];
  const { stderr, code } = await runMusterctl(target, wrong);
  assert.match(stderr, /"scaling" is no process; there are scale-out, scale-in/);
  assert.equal(code, 2);
});
