import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColoId } from "../../src/core/model/ids.js";
import { readSwitchFile } from "../../src/core/model/switch-file.js";
import { cloudCount, converges, createGroup, groupSpec, placed, setTarget } from "./asks.js";
import { createWorld, type World } from "./world.js";

const iad = "iad" as ColoId;
const slow = { latencyMs: { fromMs: 200, toMs: 400 } };

/** A switch file that a test writes. */
function createFile() {
  const file = { text: undefined as string | undefined, broken: false };
  const read = async () => {
    if (file.broken) throw new Error("EIO");
    return file.text;
  };
  return { file, port: { name: "/var/lib/muster/STOP", read } };
}

const begunSince = (world: World, fromMs: number) =>
  world.cloud.calls.filter((one) => one.beganAtMs > fromMs);

test("B9.1 the switch file stops everything within a second, and its end lets it go on", async () => {
  const { file, port } = createFile();
  const world = await createWorld({
    ...{ cloud: slow, queue: { concurrency: 4 } },
    node: { switchFile: port },
  });
  await createGroup(world);
  await setTarget(world, 40);
  await world.clock.advance(1_000);
  assert.ok(world.cloud.calls.length > 0, "nothing was under way");
  file.text = "";
  await world.clock.advance(300);
  const stoppedAtMs = world.clock.nowMs();
  await world.clock.advance(120_000);
  assert.deepEqual(begunSince(world, stoppedAtMs), []);
  const { brakes } = await world.run(world.node().colos.get(iad, world.caller));
  assert.deepEqual(
    brakes.map(({ operation, source, principal }) => [operation, source, principal]),
    ["create", "delete", "loadBalancer"].map((one) => [one, "file", port.name]),
  );
  file.text = undefined;
  await converges(world, 40, 120_000);
});

test("B9.1 the switch file works while the store is down, and the API shows it", async () => {
  const { file, port } = createFile();
  const begunAfter = async (stop: () => void) => {
    const world = await createWorld({
      ...{ cloud: slow, queue: { concurrency: 4 } },
      node: { switchFile: port },
    });
    await createGroup(world);
    await setTarget(world, 40);
    await converges(world, 40, 120_000);
    await setTarget(world, 0);
    await world.clock.advance(1_500);
    world.storeFaults.chance.unavailable = 1;
    stop();
    await world.clock.advance(300);
    const fromMs = world.clock.nowMs();
    await world.clock.advance(20_000);
    assert.ok(world.storeFaults.fired.unavailable > 0, "the store was not down");
    const { brakes } = await world.run(world.node().colos.get(iad, world.caller));
    return { deletes: begunSince(world, fromMs).length, brakes, left: cloudCount(world) };
  };
  const without = await begunAfter(() => {});
  assert.ok(without.deletes > 0, "there is nothing for the file to stop");
  const withFile = await begunAfter(() => {
    file.text = "the storage is on fire";
  });
  assert.equal(withFile.deletes, 0);
  assert.ok(withFile.left > 0);
  assert.deepEqual([...new Set(withFile.brakes.map(({ source }) => source))], ["file"]);
});

test("B9.1 a switch file can name colos and classes; one that cannot be read stops all", async () => {
  const { file, port } = createFile();
  const world = await createWorld({ colos: ["iad", "lon"], node: { switchFile: port } });
  file.text = JSON.stringify({ colos: ["iad"], operations: ["create"], reason: "move" });
  await world.clock.advance(300);
  await createGroup(world, groupSpec({ placements: [placed("iad"), placed("lon")] }));
  await setTarget(world, 8);
  await world.clock.advance(60_000);
  const made = (colo: string) => world.clouds.get(colo)!.servers().length;
  assert.equal(made("iad"), 0);
  assert.ok(made("lon") > 0);
  file.broken = true;
  await world.clock.advance(300);
  const lon = await world.run(world.node().colos.get("lon" as ColoId, world.caller));
  assert.equal(lon.brakes.length, 3);
});

test("B9.1 a switch file that is not understood in any part stops everything", () => {
  const all = ["create", "delete", "loadBalancer"];
  for (const text of ["", "  \n", "stop", "[]", "null", '{"colos":"iad"}', '{"operations":[]}'])
    assert.deepEqual(
      [readSwitchFile(text).colos, readSwitchFile(text).operations],
      [undefined, all],
    );
  for (const text of ['{"operations":["creat"]}', '{"colo":["iad"]}', '{"reason":1}'])
    assert.deepEqual(readSwitchFile(text).operations, all, text);
  const narrow = { colos: ["iad"], operations: ["delete", "create"], reason: "why" };
  assert.deepEqual(readSwitchFile(JSON.stringify(narrow)), {
    ...narrow,
    operations: ["create", "delete"],
  });
  assert.deepEqual(readSwitchFile("{}").operations, all);
});
