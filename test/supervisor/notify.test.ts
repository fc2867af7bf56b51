import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { NotifierId } from "../../src/core/model/ids.js";
import type { Notification, Sender } from "../../src/core/ports/sender.js";
import type { Supervisor } from "../../src/supervisor/api.js";
import { createGroup, groupSpec, placed, setTarget, targetOf, web } from "./asks.js";
import { createMemoryMeter } from "./memory-meter.js";
import { createWorld, type World, type WorldOptions } from "./world.js";

/** Who takes notifications, as told; what came, in order. */
function createReceivers() {
  const came: Notification[] = [];
  const tries = new Map<string, number>();
  const answers = new Map<string, () => Promise<number>>();
  const sender: Sender = {
    refusalOf: (url) => (url.includes("refused") ? "must not be refused" : undefined),
    async send(notification) {
      const { url } = notification;
      tries.set(url, (tries.get(url) ?? 0) + 1);
      const status = (await answers.get(url)?.()) ?? 204;
      if (status < 300) came.push(notification);
      return status;
    },
  };
  return {
    sender,
    answers,
    triesOf: (url: string) => tries.get(url) ?? 0,
    idsOf: (url: string) => came.filter((one) => one.url === url).map(({ id }) => id),
    came,
  };
}

const hook = "https://hook.example/";

interface Telling {
  readonly url?: string;
  readonly by?: Supervisor;
  readonly types?: readonly string[];
}

/** The first colo's node is the world's; each other one has a node of its own. */
async function createBench(
  options: Pick<WorldOptions, "seed" | "apart"> & { readonly colos?: readonly string[] } = {},
) {
  const receivers = createReceivers();
  const meter = createMemoryMeter();
  const { colos = ["iad"], ...rest } = options;
  const [first, ...others] = colos;
  const node = { sender: receivers.sender, meter, colos: [first!] };
  const world = await createWorld({ ...rest, colos, node });
  for (const colo of others) await world.join(`node-${colo}`, [colo]);
  await createGroup(world, groupSpec({ placements: colos.map((colo) => placed(colo)) }));
  const tell = (
    notifier: string,
    { url = hook, by = world.node(), types = ["scale.decided"] }: Telling = {},
  ) => {
    const spec = { displayName: notifier, url, types };
    const secret = Buffer.alloc(32, notifier);
    const request = { key: web, notifier: notifier as NotifierId, spec, secret };
    return world.run(by.notifiers.create(request, world.caller));
  };
  const end = (notifier: string, by = world.node()) => {
    const ref = { key: web, notifier: notifier as NotifierId };
    return world.run(by.notifiers.delete(ref, world.caller));
  };
  return { world, receivers, tell, end, meter };
}

async function decidedIds(world: World): Promise<string[]> {
  const events = await world.events();
  return events.filter(({ type }) => type === "scale.decided").map(({ id }) => id);
}

test("B7.5 a notifier is told of the chosen events since it was made, in order, once each", async () => {
  const { world, receivers, tell } = await createBench();
  await setTarget(world, 1);
  await tell("one");
  for (const target of [2, 3, 4]) await setTarget(world, target);
  const wanted = (await decidedIds(world)).slice(1);
  await world.until("told", () => receivers.came.length >= 3, 30_000);
  await world.clock.advance(30_000);
  assert.deepEqual(receivers.idsOf(hook), wanted);
  const [first] = receivers.came;
  assert.deepEqual([...first!.secret], [...Buffer.alloc(32, "one")]);
  const body = JSON.parse(first!.body);
  assert.equal(body.type, "scale.decided");
  const { name, group, colo, facts, message, principal } = body.data;
  assert.equal(name, `accounts/acme/events/${wanted[0]}`);
  assert.deepEqual([group, colo, facts.newTarget], ["accounts/acme/groups/web", "iad", 2]);
  assert.match(message, /^Target 2 was asked for/);
  assert.equal(principal, "tester");
});

test("B7.5 who takes nothing is tried again, ever more rarely, and keeps nobody else waiting", async () => {
  const { world, receivers, tell } = await createBench();
  const [sick, hung, well] = ["https://sick/", "https://hung/", "https://well/"] as const;
  receivers.answers.set(sick, async () => 500);
  receivers.answers.set(hung, () => new Promise(() => {}));
  await tell("sick", { url: sick });
  await tell("hung", { url: hung });
  await tell("well", { url: well });
  await setTarget(world, 1);
  await world.until("told", () => receivers.idsOf(well).length === 1, 10_000);
  await world.clock.advance(600_000);
  const tries = receivers.triesOf(sick);
  assert.ok(tries >= 8 && tries <= 14, `${tries} tries in ten minutes`);
  assert.ok(receivers.triesOf(hung) > 0, "the fault fired");
  for (const target of [2, 3]) await setTarget(world, target);
  assert.equal(await targetOf(world), 3);
  await world.until("told", () => receivers.idsOf(well).length === 3, 10_000);
  receivers.answers.delete(sick);
  await world.until("told", () => receivers.idsOf(sick).length === 3, 400_000);
  assert.deepEqual(receivers.idsOf(sick), await decidedIds(world));
});

test("B7.5 an event that nobody took for a day is given up; what is newer is told", async () => {
  const { world, receivers, tell, meter } = await createBench();
  receivers.answers.set(hook, async () => 503);
  await tell("one");
  await setTarget(world, 1);
  await world.until("tried", () => receivers.triesOf(hook) > 0, 10_000);
  await world.sleep(24 * 3_600_000);
  receivers.answers.delete(hook);
  await setTarget(world, 2);
  await world.until("told", () => receivers.came.length > 0, 60_000);
  const [, second] = await decidedIds(world);
  assert.deepEqual(receivers.idsOf(hook), [second]);
  const tries = (outcome: string) => meter.value("muster_notifications_total", { outcome });
  assert.deepEqual([tries("given_up"), tries("sent")], [1, 1]);
  assert.ok(tries("failed") > 0, "the fault fired");
});

test("B7.5 crashes lose no notification: told at least once, known by the event's id", async () => {
  for (const seed of [1, 2, 3]) {
    const { world, receivers, tell } = await createBench({ seed });
    await tell("one");
    for (let target = 1; target <= 12; target++) {
      await setTarget(world, target);
      await world.clock.advance(Math.floor(world.random() * 4_000));
      if (target % 3 === 0) await world.crash();
    }
    const wanted = await decidedIds(world);
    const missing = () => wanted.filter((id) => !receivers.idsOf(hook).includes(id));
    await world.until("told", () => missing().length === 0, 60_000);
    const told = receivers.idsOf(hook);
    assert.ok(told.length < 3 * wanted.length, `${told.length} for ${wanted.length} events`);
  }
});

test("B7.5 M2.5 another node goes on where the one before stood", async () => {
  const { world, receivers, tell } = await createBench();
  await world.join("node-2");
  await tell("one");
  await setTarget(world, 1);
  await world.until("told", () => receivers.came.length === 1, 30_000);
  await world.clock.advance(90_000);
  world.nodeWires().cut();
  const other = await world.join("node-3");
  const ask = { key: web, source: "manual", ask: { kind: "target", target: 2 } } as const;
  await world.run(other.supervisor.scaling.submit(ask, world.caller));
  await world.until("told", () => receivers.came.length === 2, 120_000);
  assert.deepEqual(receivers.idsOf(hook), await decidedIds(world));
});

test("B7.5 B1.1 notifiers have limits, and end when they are deleted", async () => {
  const { world, receivers, tell, end } = await createBench();
  await assert.rejects(tell("bad", { url: "https://refused/" }), /url: must not be refused/);
  for (const name of ["a", "b", "c", "d", "e"]) await tell(name, { url: `https://${name}/` });
  await assert.rejects(tell("f"), /a group has at most 5 notifiers/);
  const ref = { key: web, notifier: "a" as NotifierId };
  const seen = await world.run(world.node().notifiers.get(ref, world.caller));
  assert.ok(!("secret" in seen));
  assert.ok(!("beginsAfter" in seen));
  await end("a");
  await assert.rejects(tell("b"), /there is a notifier b already/);
  await world.clock.advance(10_000);
  await setTarget(world, 1);
  await world.until("told", () => receivers.came.length === 4, 30_000);
  await world.clock.advance(10_000);
  assert.deepEqual(receivers.idsOf("https://a/"), []);
});

test("B7.5 made and ended through a node that tells nobody, it is told of all between", async () => {
  const { world, receivers, tell, end } = await createBench();
  const other = await world.join("node-2");
  await world.clock.advance(600_000);
  await setTarget(world, 1);
  await tell("one", { by: other.supervisor });
  const asks = [2, 3, 4].map((target) => {
    const ask = { kind: "target", target } as const;
    return other.supervisor.scaling.submit({ key: web, source: "manual", ask }, world.caller);
  });
  await world.run(Promise.all(asks));
  const wanted = (await decidedIds(world)).slice(1);
  await world.until("told", () => receivers.came.length >= wanted.length, 5_000);
  assert.deepEqual(receivers.idsOf(hook), wanted);
  await end("one", other.supervisor);
  await world.clock.advance(2_000);
  await setTarget(world, 5);
  await world.clock.advance(60_000);
  assert.deepEqual(receivers.idsOf(hook), wanted);
});

test("B7.5 the very first event after it was made is told, though the node dies in between", async () => {
  const { world, receivers, tell } = await createBench();
  await setTarget(world, 1);
  await world.clock.advance(3_600_000);
  receivers.answers.set(hook, async () => 503);
  await tell("one");
  await setTarget(world, 2);
  await world.crash();
  const wanted = (await decidedIds(world)).slice(1);
  receivers.answers.delete(hook);
  await world.until("told", () => receivers.came.length > 0, 60_000);
  await world.clock.advance(60_000);
  assert.deepEqual(receivers.idsOf(hook), wanted);
});

test("B7.5 M7.3 each colo tells of its own events, from where its feed stood then", async () => {
  const colos = ["iad", "ams"];
  const { world, receivers, tell } = await createBench({ colos, apart: { lagMs: 100 } });
  await setTarget(world, 4);
  await world.clock.advance(600_000);
  await tell("one", { types: ["server.in_service"] });
  await setTarget(world, 8);
  await world.clock.advance(120_000);
  const come = (await world.events()).filter(({ type }) => type === "server.in_service");
  const told = receivers.idsOf(hook);
  for (const colo of colos) {
    const ids = come.filter((event) => event.colo === colo).map(({ id }) => id);
    assert.equal(ids.length, 4);
    assert.deepEqual(
      told.filter((id) => ids.includes(id as never)),
      ids.slice(2),
    );
  }
});

test("B7.5 M9.4 secrets are sealed anew with a new key, so that the old one can be retired", async () => {
  const { world, receivers, tell } = await createBench();
  const { secretsKeys } = world.cluster;
  await tell("one");
  await setTarget(world, 1);
  await world.until("told", () => receivers.came.length === 1, 30_000);
  secretsKeys.unshift(randomBytes(32));
  await world.clock.advance(310_000);
  assert.match(world.warnings.join("\n"), /notifiers' secrets sealed with the newest key/);
  secretsKeys.pop();
  await setTarget(world, 2);
  await world.until("told", () => receivers.came.length === 2, 30_000);
  assert.deepEqual([...receivers.came[1]!.secret], [...Buffer.alloc(32, "one")]);
  await world.crash();
  await setTarget(world, 3);
  await world.until("told", () => receivers.came.length >= 3, 60_000);
  // Where a key was in use, another one would only hide that it is lost (B10.3).
  const [kept] = secretsKeys.splice(0) as [Uint8Array];
  await assert.rejects(tell("two"), /is missing, and secrets are stored under its keys/);
  secretsKeys.push(randomBytes(32));
  await world.clock.advance(310_000);
  assert.match(world.warnings.join("\n"), /notifiers' secrets that no key opens: make them anew/);
  secretsKeys.splice(0, 1, kept);
  await setTarget(world, 4);
  await world.until("told", () => receivers.came.length >= 4, 60_000);
});
