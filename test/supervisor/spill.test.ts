import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColoId } from "../../src/core/model/ids.js";
import { sayCause } from "../../src/core/model/say-cause.js";
import { converges, placed, setTarget, view, web } from "./asks.js";
import { createPair, edit, join, part, serversIn } from "./pair.js";
import type { World } from "./world.js";

const seconds = (count: number) => count * 1_000;
/** So long a colo must be away, or back, before it counts; and what a look takes. */
const steadyMs = seconds(70);

const idsIn = (world: World, colo: string) =>
  world.clouds
    .get(colo)!
    .servers()
    .map(({ id }) => id)
    .toSorted();

async function createSpilling(target: number, maxes = { iad: 10, ams: 10 }) {
  const placements = [placed("iad", { max: maxes.iad }), placed("ams", { max: maxes.ams })];
  const pair = await createPair({ spec: { spill: true, placements } });
  await setTarget(pair.world, target);
  await converges(pair.world, target);
  await pair.world.clock.advance(seconds(90)); // Both have found each other well for a while.
  return pair;
}

async function carriedIn(world: World, colo: string) {
  const { placements } = await view(world);
  const { conditions } = placements.find((one) => one.colo === colo)!;
  const degraded = conditions.find(({ type }) => type === "degraded");
  return degraded?.causes.filter(({ code }) => code === "SHARE_CARRIED") ?? [];
}

test("B11.4 the share of a colo that is lost starts in the other within 30 s of the decision", async () => {
  const { world, ams } = await createSpilling(4);
  const before = idsIn(world, "ams");
  ams.wires.cut();
  await world.clock.advance(seconds(55));
  assert.equal(serversIn(world, "iad"), 2, "it has not been away for long enough");
  await world.until("its share starts", () => serversIn(world, "iad") === 4, seconds(45));
  const [decided] = (await world.events()).filter(({ type }) => type === "share.carried");
  assert.ok(decided && world.clock.nowMs() - decided.atMs <= seconds(30));
  const [why] = await carriedIn(world, "iad");
  assert.match(sayCause(why!), /^2 servers of the share of colo ams are carried here since 2/);
  const { summary } = await world.run(
    world
      .node()
      .events.explain({ account: web.account, event: decided.id, fromHere: false }, world.caller),
  );
  assert.match(summary.join("\n"), /2 servers of its share are carried here/);
  await world.join("node-ams-2", ["ams"]);
  await world.clock.advance(seconds(40));
  assert.equal(serversIn(world, "iad"), 4, "it has not been back for long enough");
  await world.until("it is given back", () => serversIn(world, "iad") === 2, seconds(60));
  assert.deepEqual(idsIn(world, "ams"), before, "what ran there runs there");
  assert.deepEqual(await carriedIn(world, "iad"), []);
});

test("B11.4 a share goes back as fast as the colo's own servers come into service", async () => {
  const { world, ams } = await createSpilling(4);
  ams.wires.cut();
  await world.until("its share starts", () => serversIn(world, "iad") === 4, seconds(100));
  const cloud = world.clouds.get("ams")!;
  const slow = cloud.inject({ kind: "slowBuild", extraMs: seconds(120) });
  for (const id of idsIn(world, "ams")) assert.ok(cloud.vanish(id));
  const heir = await world.join("node-ams-2", ["ams"]);
  await world.clock.advance(seconds(20));
  await world.run(heir.supervisor.groups.converge(web, world.caller));
  await world.until("ams builds anew", () => slow.fired() > 0, seconds(60));
  for (let ms = 0; ms < seconds(240); ms += 500) {
    await world.clock.advance(500);
    const active = cloud.servers().filter(({ status }) => status === "ACTIVE").length;
    const both = active + serversIn(world, "iad");
    assert.ok(both >= 4, `only ${both} servers`);
  }
  assert.deepEqual([serversIn(world, "iad"), serversIn(world, "ams")], [2, 2]);
});

test("B11.4 a share is carried only as far as the placement's own max leaves room", async () => {
  const { world, ams } = await createSpilling(6, { iad: 4, ams: 4 });
  ams.wires.cut();
  await world.until("its share starts", () => serversIn(world, "iad") === 4, seconds(100));
  await world.clock.advance(seconds(60));
  assert.equal(serversIn(world, "iad"), 4);
});

test("B11.4 colos that cannot reach each other carry each other's share, and both give it back", async () => {
  const { world } = await createSpilling(4);
  part(world);
  await world.clock.advance(steadyMs + seconds(30));
  assert.deepEqual([serversIn(world, "iad"), serversIn(world, "ams")], [4, 4]);
  await setTarget(world, 8);
  await world.clock.advance(seconds(30));
  assert.equal(serversIn(world, "iad"), 8);
  join(world);
  await converges(world, 8, seconds(180));
  assert.deepEqual([serversIn(world, "iad"), serversIn(world, "ams")], [4, 4]);
});

test("B11.4 a colo that comes and goes moves nothing", async () => {
  const { world } = await createSpilling(4);
  let most = 0;
  const look = () => {
    most = Math.max(most, serversIn(world, "iad"), serversIn(world, "ams"));
  };
  for (let times = 0; times < 8; times++) {
    part(world);
    await world.clock.advance(seconds(45));
    look();
    join(world);
    await world.clock.advance(seconds(20));
    look();
  }
  assert.equal(most, 2);
});

test("B11.4 B9.1 of a colo that is braked the others carry what does not serve", async () => {
  const { world, ams } = await createSpilling(4);
  const brake = { colo: "ams" as ColoId, operations: ["create"], reason: "why" } as const;
  await world.run(ams.supervisor.colos.setBrake(brake, world.caller));
  await setTarget(world, 10);
  await world.clock.advance(steadyMs + seconds(30));
  assert.deepEqual([serversIn(world, "iad"), serversIn(world, "ams")], [8, 2]);
  const lift = { colo: "ams" as ColoId, operations: [] };
  await world.run(ams.supervisor.colos.clearBrake(lift, world.caller));
  await world.until("ams has its own", () => serversIn(world, "ams") === 5, seconds(60));
  await world.until("iad gives back", () => serversIn(world, "iad") === 5, seconds(120));
  await converges(world, 10);
});

test("B11.4 a group that does not ask for it keeps what is missing, and takes its word back at once", async () => {
  const { world } = await createSpilling(4);
  // Without most of the colos no group is edited: what is copied still comes through.
  world.cluster.peerLinks.cut("iad", "ams");
  await world.until("its share starts", () => serversIn(world, "iad") === 4, seconds(100));
  await edit(world, ({ spill: _spill, ...spec }) => spec);
  await world.until("it is given up", () => serversIn(world, "iad") === 2, seconds(60));
  await world.clock.advance(steadyMs * 2);
  assert.equal(serversIn(world, "iad"), 2);
});
