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
