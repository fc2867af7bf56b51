import assert from "node:assert/strict";
import { test } from "node:test";
import { converges, createGroup, setTarget, web } from "./asks.js";
import { createWorld } from "./world.js";

/** What the simulation has found, each as small as it gets. */

test("B9.6 a copy of a server that lives is reported, though its group is quiet", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  const { ownership } = world.cloud.servers()[0]!;
  const id = world.cloud.addForeign({ account: web.account, name: "copy", ownership: ownership! });
  await world.until("it is reported", async () => {
    const events = await world.events();
    return events.some((one) => one.type === "server.orphan" && one.facts["server"] === id);
  });
});

test("B8.3 a resume right after another node's pause is a resume", async () => {
  const world = await createWorld();
  const second = await world.join("node-2");
  await createGroup(world);
  for (const [pauses, resumes] of [
    [second.supervisor, world.node()],
    [world.node(), second.supervisor],
  ] as const) {
    await world.run(pauses.groups.pause(web, "why", world.caller));
    await world.run(resumes.groups.resume(web, world.caller));
    const { placements } = await world.run(second.supervisor.groups.get(web, world.caller));
    assert.equal(placements[0]?.paused, undefined);
  }
});
