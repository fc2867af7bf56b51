import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupId } from "../../../src/core/model/ids.js";
import {
  assertNeverMoreThan,
  cloudCount,
  createGroup,
  groupSpec,
  inService,
  placed,
  rowsOf,
  setTarget,
  targetOf,
  view,
  web,
} from "../../supervisor/asks.js";
import { conditionOf, keepAsking, minutes, seconds, storyAt } from "./story.js";

test("B4.7 B9.3 cluster-autoscaler #547: a scale-out far beyond the quota halts nothing else", async () => {
  const world = await storyAt(23);
  world.cloud.setQuota(23);
  const other = { ...web, group: "other" as GroupId };
  await createGroup(world, groupSpec({ placements: [placed("iad", { max: 100 })] }), other);
  await setTarget(world, 82);
  await keepAsking(world, 20, minutes(1));
  assert.ok(world.cloud.quotaRefusals() > 0);
  assert.equal(await inService(world), 23, "59 of 82 are missing: none of 23 is ill for that");
  const degraded = await conditionOf(world, "degraded");
  assert.match(JSON.stringify(degraded?.causes), /quota/i);
  // Repair of what was lost, scaling in, and another group's turn all go on.
  world.cloud.vanish((await rowsOf(world))[0]!.cloudId!);
  await keepAsking(world, 1, seconds(1));
  await world.until("repaired", () => cloudCount(world) === 23, minutes(40));
  await setTarget(world, 15);
  await world.until("scaled in", async () => (await inService(world)) === 15, minutes(2));
  const ask = { kind: "target", target: 5 } as const;
  await world.run(world.node().scaling.submit({ key: other, source: "manual", ask }, world.caller));
  const others = async () => (await view(world, other)).placements[0]?.inService;
  await world.until("the other group has five", async () => (await others()) === 5, minutes(2));
  // The quota is raised: the rest comes by itself, within the longest backoff.
  await setTarget(world, 82);
  world.cloud.setQuota(200);
  await world.until("82 in service", async () => (await inService(world)) === 82, minutes(35));
  assertNeverMoreThan(world, 82 + 5 + 1); // The witness does not count the one that vanished.
  assert.equal(await targetOf(world), 82);
});
