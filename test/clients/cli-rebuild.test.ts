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

const rebuildIn = (answer: string) => JSON.parse(answer).status.placements[0].rebuild;

before(async () => {
  target = await openTarget();
  const stdin = groupJson(target, id, {});
  const ran = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
  assert.equal(ran.code, 0, ran.stderr);
});
after(() => target.close());

test("B8.5 what cannot be taken back is refused, and wrong words are never sent", async () => {
  const back = await runMusterctl(target, ["rebuild", "rollback", id]);
  assert.equal(back.code, 1);
  assert.match(back.stderr, /NO_WAY_BACK/);
  for (const wrong of [
    ["--max-surge", "x"],
    ["--checkpoint", "0,50"],
    ["--stop-after", "0"],
  ])
    assert.equal((await runMusterctl(target, ["rebuild", id, ...wrong])).code, 2);
});

test("B8.5 a rebuild is ordered as it is written, shown, continued and cancelled", async () => {
  const how = ["--max-surge", "25%", "--max-unavailable", "2", "--pause", "30s", "--roll-back"];
  const told = ["--checkpoint", "10,50", "--stop-after", "4", "-o", "json"];
  const { options } = rebuildIn(await ok("rebuild", id, ...how, ...told));
  assert.deepEqual([options.maxSurge, options.maxUnavailable], [{ percent: 25 }, { servers: 2 }]);
  assert.deepEqual([options.pause, options.checkpoints], ["30s", [10, 50]]);
  assert.deepEqual([options.stopAfter, options.rollBack], [4, true]);
  const words = await ok("rebuild", id);
  assert.match(words, /^\S+: rolling to launch revision 1: \d+ % of the servers, batch \d/);
  assert.match(await ok("rebuild", "cancel", id), /: cancelled to launch revision 1/);
  assert.match(await ok("rebuild", "continue", id, "--wait"), /: completed to launch revision 1/);
});
