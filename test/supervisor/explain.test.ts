import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { AccountId, ColoId, EventId, GroupId } from "../../src/core/model/ids.js";
import { createMemoryJournal } from "../../src/drivers/journal-memory/index.js";
import { openHistory } from "../../src/supervisor/events/history.js";
import {
  alert,
  converges,
  createGroup,
  createPolicy,
  firstServer,
  policySpec,
  setTarget,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

const seconds = (count: number) => count * 1_000;

function explain(
  world: World,
  event: string,
  change: { fromHere?: boolean; account?: string } = {},
) {
  const { fromHere = false, account = web.account } = change;
  const request = { account: account as AccountId, event: event as EventId, fromHere };
  return world.run(world.node().events.explain(request, world.caller));
}

const typesOf = ({ nodes }: Awaited<ReturnType<typeof explain>>) =>
  nodes.map(({ event }) => event.type as string);

test("B4.9 an event is explained from its arrival to its last consequence, at once", async () => {
  const world = await createWorld();
  await createGroup(world);
  await world.clock.advance(seconds(2));
  const { eventId } = await setTarget(world, 3);
  const early = await explain(world, eventId);
  assert.equal(early.nodes[0]?.event.id, eventId, "though the journal may not know it yet");
  assert.equal(early.waits[0]?.cause.code, "SHORTAGE");
  await converges(world, 3);
  await world.clock.advance(seconds(3));
  const told = await explain(world, eventId);
  const { wanted, inService, firstInServiceAfterMs, lastInServiceAfterMs } = told.figures;
  assert.deepEqual([wanted, inService], [3, 3]);
  assert.ok(firstInServiceAfterMs! > 0 && firstInServiceAfterMs! <= lastInServiceAfterMs!);
  assert.deepEqual(told.waits, []);
  assert.match(told.summary.at(-1)!, /All of it is done/);
  const all = (await world.events()).filter((one) => one.id === eventId || one.server);
  for (const one of all)
    assert.equal(told.nodes.filter(({ event }) => event.id === one.id).length, 1, one.type);
  // The same from any of its consequences; from there alone when asked so.
  const served = told.nodes.find(({ event }) => event.type === "server.in_service")!.event;
  const up = await explain(world, served.id);
  assert.deepEqual(typesOf(up), typesOf(told));
  assert.equal(up.event, served.id);
  const here = await explain(world, served.id, { fromHere: true });
  assert.equal(here.nodes[0]?.event.id, served.id);
  assert.ok(here.nodes.length < told.nodes.length);
});

test("B4.9 a later decision takes over, and the earlier one says so", async () => {
  const world = await createWorld();
  await createGroup(world);
  const first = await setTarget(world, 2);
  await converges(world, 2);
  const second = await setTarget(world, 1);
  await converges(world, 1);
  const told = await explain(world, first.eventId);
  assert.equal(told.supersededBy, second.eventId);
  assert.deepEqual(told.waits, []);
  assert.equal(told.figures.gone, 0, "its servers' end is the later one's");
  const later = await explain(world, second.eventId);
  assert.deepEqual([later.figures.left, later.figures.gone], [1, 1]);
  assert.equal(later.supersededBy, undefined);
});

test("B9.1 a brake that keeps an event waiting shows with its reason, rule and since when", async () => {
  const world = await createWorld();
  await createGroup(world);
  const brake = { operations: ["create"] as const, reason: "ill" };
  await world.run(world.node().colos.setBrake({ ...brake, colo: "iad" as never }, world.caller));
  await world.clock.advance(seconds(1));
  const { eventId } = await setTarget(world, 2);
  await world.clock.advance(seconds(20));
  const told = await explain(world, eventId);
  const wait = told.waits.find(({ cause }) => cause.code === "BRAKED");
  assert.equal(wait?.cause.rule, "B9.1");
  assert.match(String(wait?.cause.facts["reason"]), /ill/);
  assert.ok(wait!.sinceMs <= world.clock.nowMs() - seconds(15));
  assert.ok(told.nodes.some(({ event }) => event.facts["condition"] === "braked"));
  assert.ok(told.summary.some((line) => line.startsWith("Waiting in iad: B9.1 BRAKED")));
  const lifted = { colo: "iad" as never, operations: ["create" as const] };
  await world.run(world.node().colos.clearBrake(lifted, world.caller));
  await converges(world, 2);
  assert.deepEqual((await explain(world, eventId)).waits, []);
});

test("B2.9 refusals and holds are explained, and what circles back hangs on what entered", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world, policySpec({ cooldownMs: seconds(30) }));
  const entered = await alert(world, "critical");
  const again = await alert(world, "critical");
  assert.notEqual(again.outcome, "applied");
  await world.clock.advance(seconds(200));
  const told = await explain(world, entered.eventId);
  const circled = told.nodes.filter(({ event }) => event.facts["source"] === "circleBack");
  assert.ok(circled.length >= 2, "it circled back");
  assert.ok(circled.every(({ depth }) => depth === 1));
  assert.ok(told.summary.some((line) => /^It came back \d+ times/.test(line)));
  const refused = await explain(world, again.eventId);
  assert.equal(refused.nodes[0]?.event.receipt?.outcome, again.outcome);
  assert.ok(refused.summary.some((line) => line.includes(again.causes[0]!.code)));
});

test("B10.4 another account's event does not exist, nor does one that never was", async () => {
  const world = await createWorld();
  await createGroup(world);
  const { eventId } = await setTarget(world, 1);
  const missing = (error: unknown) => isFault(error, "EVENT_NOT_FOUND");
  await assert.rejects(explain(world, eventId, { account: "other" }), missing);
  await assert.rejects(explain(world, "nothing"), missing);
});

test("B4.11 an explanation is bounded, and says what it leaves out", async () => {
  const world = await createWorld();
  await createGroup(world);
  const { eventId } = await setTarget(world, 1);
  await converges(world, 1);
  const root = (await world.events()).find((one) => one.id === eventId)!;
  const { receipt: _receipt, ...bare } = root;
  const flood = Array.from({ length: 6_000 }, (_, n) => ({
    event: { ...bare, id: `flood${n}` as EventId, parent: root.id, type: "server.gone" as const },
    cursor: "",
  }));
  const position = await world.journal.position(world.caller);
  await world.journal.append(
    flood.map((one) => ({ ...one, cursor: position })),
    world.caller,
  );
  const told = await explain(world, eventId);
  assert.equal(told.cut, true);
  assert.ok(told.nodes.length <= 5_000 && told.nodes.length > 4_000);
});

test("B4.9 what the journal has yet to read is taken from the feed", async () => {
  const world = await createWorld();
  await createGroup(world);
  const { eventId } = await setTarget(world, 2);
  await converges(world, 2);
  const { store, clock } = world;
  const journal = createMemoryJournal(); // Knows of nothing.
  const { signal } = world.caller;
  const history = await world.run(
    openHistory({ journal, feed: store, clock }, web.account, signal),
  );
  assert.equal(history.lagging, false);
  assert.equal((await history.byId(eventId as EventId))?.type, "scale.decided");
  const after = await history.after([eventId as EventId], 100);
  assert.equal(after.filter((one) => one.type === "server.in_service").length, 2);
  const others = await world.run(
    openHistory({ journal, feed: store, clock }, "other" as AccountId, signal),
  );
  assert.equal(await others.byId(eventId as EventId), undefined);
});

test("B4.11 a journal that is far behind is waited for, but not for ever", async () => {
  const world = await createWorld();
  await createGroup(world);
  const [event] = await world.events();
  const { store, clock } = world;
  const key = { account: web.account, group: "flood" as GroupId, colo: "iad" as ColoId };
  const events = Array.from({ length: 4_500 }, (_, n) => ({
    ...{ ...event!, ...key, id: `flood${n}` as EventId, sequence: n + 1 },
  }));
  const partition = { scope: "placement", key: "acme/flood/iad" } as const;
  const commit = { partition, expectedRevision: 0, commitId: "flood", puts: [], deletes: [] };
  await world.run(store.commit({ ...commit, events, hints: [] }, world.caller));
  const { signal } = world.caller;
  const asleep = createMemoryJournal();
  const startedMs = clock.nowMs();
  const late = await world.run(
    openHistory({ journal: asleep, feed: store, clock }, web.account, signal),
  );
  assert.equal(late.lagging, true);
  const waitedMs = clock.nowMs() - startedMs;
  assert.ok(waitedMs >= 5_000 && waitedMs < 7_000, `waited for ${waitedMs} ms`);
  const opened = openHistory({ journal: world.journal, feed: store, clock }, web.account, signal);
  assert.equal((await world.run(opened)).lagging, false, "one that reads on is waited for");
});

test("B9.2 a loss is explained with its replacement, under what had asked for the server", async () => {
  const world = await createWorld();
  await createGroup(world);
  const { eventId } = await setTarget(world, 2);
  await converges(world, 2);
  await world.clock.advance(seconds(20));
  const doomed = await firstServer(world);
  world.cloud.vanish(world.cloud.servers().find((one) => one.ownership?.server === doomed)!.id);
  await world.clock.advance(seconds(90));
  await converges(world, 2);
  const told = await explain(world, eventId);
  const lost = told.nodes.find(({ event }) => event.type === "server.lost")!;
  const below = told.nodes.filter(({ event }) => event.parent === lost.event.id);
  assert.equal(lost.depth, 1);
  assert.ok(below.some(({ event }) => event.type === "server.in_service"));
  assert.equal(told.figures.lost, 1);
});
