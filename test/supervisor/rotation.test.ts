import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { AccountId, ColoId, GroupId, GroupKey } from "../../src/core/model/ids.js";
import {
  converges,
  createGroup,
  groupSpec,
  inService,
  rowsOf,
  setTarget,
  view,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

const minutes = (count: number) => count * 60_000;
const acme = { account: "acme" as AccountId, colo: "iad" as ColoId };
const good = { project: "project-of-acme", password: "hush-hush-1" };
const cloud = { listingLagMs: 2_000, createDeadlineMs: 5_000 };

const set = (world: World, secret: Record<string, unknown>, at = world.node()) =>
  world.run(at.access.setCredentials({ ...acme, secret }, world.caller));
const drop = (world: World) => world.run(world.node().access.deleteCredentials(acme, world.caller));
const degraded = async (world: World, key: GroupKey = web) =>
  (await view(world, key)).placements[0]?.conditions.find(({ type }) => type === "degraded");
const why = async (world: World) => (await degraded(world))?.causes[0];
const lost = async (world: World) =>
  (await world.events()).filter(({ type }) => type === "server.lost").length;

async function worldAt(servers: number): Promise<World> {
  const world = await createWorld({ cloud, needsCredentials: true });
  await set(world, good);
  await createGroup(world);
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(20_000);
  return world;
}

test("M9.4 the cloud is called with the account's own credentials, and without them not at all", async () => {
  const world = await worldAt(2);
  const other: GroupKey = { account: "other" as AccountId, group: "web" as GroupId };
  await assert.rejects(createGroup(world, groupSpec(), other), (error) =>
    isFault(error, "CREDENTIALS_REFUSED"),
  );
  assert.equal(
    world.cloud.servers().filter(({ ownership }) => ownership?.account === "other").length,
    0,
  );
  assert.equal(await inService(world), 2);
});

test("B9.7 credentials that are deleted stop the account's work; new ones take it up at once", async () => {
  const world = await worldAt(3);
  const effects = world.cloud.effects.length;
  await drop(world);
  await world.until("said", async () => (await degraded(world))?.holds === true, 20_000);
  assert.equal((await why(world))?.code, "CREDENTIALS_DENIED");
  assert.match(String((await why(world))?.facts["fault"]), /no credentials were written/);
  await setTarget(world, 5);
  await world.clock.advance(minutes(60));
  assert.equal(world.cloud.effects.length, effects, "nothing is done meanwhile");
  assert.deepEqual([(await rowsOf(world)).length, await lost(world)], [3, 0]);
  await set(world, good);
  await converges(world, 5, 30_000);
  assert.equal((await degraded(world))?.holds, false);
});

test("B9.7 a rotation needs no restart, and servers are not lost by it", async () => {
  const world = await worldAt(3);
  for (let round = 2; round < 6; round++) {
    await set(world, { ...good, password: `hush-hush-${round}` });
    await setTarget(world, 1 + round);
    await converges(world, 1 + round);
    assert.notEqual((await degraded(world))?.holds, true);
  }
  assert.equal(await lost(world), 0);
  const text = JSON.stringify([await world.events(), world.warnings, await view(world)]);
  assert.doesNotMatch(text, /hush-hush/);
  assert.match(text, /credentials written/, "who wrote them stands in the log");
});

test("B9.7 expired ones: whoever waits takes up new ones within seconds, long backoff or not", async () => {
  const world = await worldAt(2);
  await set(world, { ...good, password: "expired-1" });
  await setTarget(world, 4);
  await world.clock.advance(minutes(60));
  assert.equal((await why(world))?.code, "CREDENTIALS_DENIED");
  assert.match(String((await why(world))?.facts["fault"]), /expired/);
  assert.equal(await inService(world), 2);
  await set(world, { ...good, password: "hush-hush-2" });
  await converges(world, 4, 30_000);
});

test("B9.7 written through another node, they are taken up within seconds as well", async () => {
  const world = await worldAt(2);
  await set(world, { ...good, password: "expired-1" });
  await setTarget(world, 4);
  await world.clock.advance(minutes(60));
  const { supervisor: other } = await world.join("node-2");
  await set(world, { ...good, password: "hush-hush-2" }, other);
  await converges(world, 4, 40_000);
});

test("B9.7 credentials of another project move nothing: the pin holds, and nothing is lost", async () => {
  const world = await worldAt(3);
  const effects = world.cloud.effects.length;
  await set(world, { ...good, project: "another" });
  await setTarget(world, 5);
  await world.clock.advance(minutes(30));
  const cause = await why(world);
  assert.equal(cause?.code, "CREDENTIALS_OTHER_PROJECT");
  assert.deepEqual(
    [cause.facts["pinned"], cause.facts["answered"]],
    ["project-of-acme", "another"],
  );
  const repin = world.node().colos.repin({ ...acme, isForced: false }, world.caller);
  await assert.rejects(world.run(repin), (error) => isFault(error, "SERVER_BOUND"));
  await world.crash();
  await world.clock.advance(minutes(30));
  assert.equal(world.cloud.effects.length, effects, "not even after a restart");
  assert.deepEqual([(await rowsOf(world)).length, await lost(world)], [3, 0]);
  await set(world, good);
  await converges(world, 5, 40_000);
});

test("B9.7 what was refused of the old ones stops nobody who has new ones", async () => {
  const world = await worldAt(1);
  const slow = world.cloud.inject({ kind: "slowCall", on: ["list"], delayMs: 8_000 });
  const denied = { kind: "refuse", on: ["list"], with: "denied" } as const;
  const late = world.cloud.inject(denied, { timesMax: 1 });
  await setTarget(world, 3);
  await world.until("asked with the old ones", () => slow.fired() > 0);
  await set(world, { ...good, password: "hush-hush-2" });
  slow.off();
  assert.equal(late.fired(), 0);
  await world.until("refused for the old ones", () => late.fired() > 0);
  await converges(world, 3, 20_000);
  assert.doesNotMatch(world.warnings.join("\n"), /refuses the account's credentials/);
});

test("M9.4 while the store is away, work goes on with the last known credentials", async () => {
  const world = await worldAt(2);
  const before = world.storeFaults.fired.unavailable;
  world.storeFaults.chance.unavailable = 0.3;
  await setTarget(world, 6).catch(() => undefined);
  await world.clock.advance(minutes(10));
  assert.ok(world.storeFaults.fired.unavailable > before);
  world.heal();
  await setTarget(world, 6);
  await converges(world, 6);
  assert.equal(await lost(world), 0);
});

test("M9.4 a secret of the wrong form is refused by its paths, and none of its values", async () => {
  const world = await createWorld({ cloud, needsCredentials: true });
  const refused = async (secret: Record<string, unknown>) => {
    let thrown: unknown;
    await set(world, secret).catch((error: unknown) => {
      thrown = error;
    });
    assert.ok(isFault(thrown, "FIELD_INVALID"), String(thrown));
    assert.doesNotMatch(thrown.message + JSON.stringify(thrown.violations), /hush/);
    return thrown.violations.map(({ field, description }) => `${field}: ${description}`).toSorted();
  };
  assert.deepEqual(await refused({ pasword: "hush", project: 1 }), [
    "secret.password: is required",
    "secret.pasword: unknown field",
    "secret.project: must be string",
  ]);
  const [pattern = ""] = await refused({ ...good, project: "HUSH hush" });
  assert.match(pattern, /^secret\.project: must match pattern/);
  const [long = ""] = await refused({ ...good, password: "hush".repeat(5_000) });
  assert.match(long, /^secret: must be at most 16384 bytes as JSON, is 200\d\d$/);
  const list = await world.run(world.node().access.listCredentials(acme.account, world.caller));
  assert.deepEqual(list, []);
});

test("M9.4 a cloud that takes none says so, and a colo that is none is none", async () => {
  const world = await createWorld({ cloud });
  await assert.rejects(set(world, good), (error) => {
    assert.ok(isFault(error, "UNSUPPORTED"));
    assert.match(error.message, /simulated, the cloud of colo iad, takes no credentials/);
    return true;
  });
  const nowhere = { ...acme, colo: "mars" as ColoId };
  const { access } = world.node();
  for (const call of [
    access.setCredentials({ ...nowhere, secret: good }, world.caller),
    access.getCredentials(nowhere, world.caller),
    access.deleteCredentials(nowhere, world.caller),
  ])
    await assert.rejects(world.run<unknown>(call), (error) => isFault(error, "COLO_NOT_FOUND"));
});

test("M9.4 what is told of credentials is all but the secret, on every node", async () => {
  const world = await createWorld({ cloud, needsCredentials: true, colos: ["iad", "ord"] });
  const made = await set(world, good);
  const { access } = world.node();
  const get = () => world.run(access.getCredentials(acme, world.caller));
  assert.deepEqual(await get(), made);
  assert.deepEqual(Object.keys(made).toSorted(), [
    ...["account", "colo", "key", "revision", "setAtMs", "setBy"],
  ]);
  assert.equal(made.setBy, "tester");
  const { supervisor: other } = await world.join("node-2");
  const listed = await world.run(other.access.listCredentials(acme.account, world.caller));
  assert.deepEqual(listed, [made]);
  await drop(world);
  await assert.rejects(get(), (error) => isFault(error, "CREDENTIALS_NOT_FOUND"));
  await assert.rejects(drop(world), (error) => isFault(error, "CREDENTIALS_NOT_FOUND"));
});
