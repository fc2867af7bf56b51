import assert from "node:assert/strict";
import { test } from "node:test";
import type { InvariantId } from "../../src/core/invariants/violation.js";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { AccountId, CloudServerId, EventId, ServerId } from "../../src/core/model/ids.js";
import type { Receipt, ScaleEvent } from "../../src/core/model/scale-event.js";
import type { CloudServer, ServerRow } from "../../src/core/model/server.js";
import type { FeedEntry } from "../../src/core/ports/store.js";
import { docOf, groupOf, key, rowOf, serverOf, t0, tagsOf } from "../core/plan/fixtures.js";
import { patient } from "../simulation/cluster.js";
import { createMonitorBench, intention, type MonitorBench } from "./monitor-bench.js";

const account = key.account as AccountId;
const said = (type: MusterEvent["type"], server: string, change: Partial<MusterEvent> = {}) => ({
  ...{ id: `${type}-${server}` as EventId, type, atMs: t0, message: "", facts: {} },
  ...{ server: server as ServerId, ...change },
});

async function finds(bench: MonitorBench, ...invariants: readonly InvariantId[]): Promise<void> {
  await bench.clock.advance(100);
  assert.deepEqual(bench.broken(), invariants);
  assert.deepEqual([...new Set(await bench.told())], invariants);
}

const createCall = (bench: MonitorBench, id: string) =>
  bench.run(
    bench.watched.createServer(
      { account, name: id, launch: groupOf().launch, ownership: tagsOf(id) },
      { signal: new AbortController().signal },
    ),
  );

const deleteCall = (bench: MonitorBench, cloudId: CloudServerId) =>
  bench.run(
    bench.watched.deleteServer({ account, id: cloudId }, { signal: new AbortController().signal }),
  );

const look = (bench: MonitorBench, cloudId: CloudServerId) =>
  bench.run(
    bench.watched.getServer({ account, id: cloudId }, { signal: new AbortController().signal }),
  );

/** A server that was made as it should be, and is on record in that state. */
async function made(bench: MonitorBench, id: string, state: ServerRow["state"]) {
  await bench.commit({ servers: [intention(id)], events: [said("server.intended", id)] });
  const { id: cloudId } = await createCall(bench, id);
  const row = { ...intention(id), cloudId, state };
  await bench.commit({ servers: [row], events: [said("server.building", id)] });
  return { cloudId, row };
}

test("I3 more creates than the target: an event, an error, and creates and deletes paused", async () => {
  const bench = await createMonitorBench();
  await bench.commit({ servers: ["1", "2", "3"].map(intention) });
  assert.deepEqual(bench.broken(), []);
  await bench.commit({ servers: [intention("4")] });
  await finds(bench, "I3");
  const { doc } = bench.actor.peek()!;
  assert.equal(doc?.paused?.principal, "muster:monitor");
  assert.match(doc?.paused?.reason ?? "", /I3 \(B9\.3\)/);
  assert.deepEqual(doc?.paused?.operations, ["create", "delete"]);
  const events = await bench.events();
  const violated = events.find(({ type }) => type === "invariant.violated")!;
  assert.deepEqual([violated.facts["counted"], violated.facts["target"]], [4, 3]);
  assert.equal(violated.principal, "muster:monitor");
  assert.equal(events.find(({ type }) => type === "group.paused")?.parent, violated.id);
  assert.match(bench.errors.join(), /invariant I3 is broken.*"counted":4/);
});

test("I3 once for each finding: a resume stands, until something new is found", async () => {
  const bench = await createMonitorBench();
  await bench.commit({ servers: ["1", "2", "3", "4"].map(intention) });
  const { paused: _paused, ...resumed } = bench.actor.peek()!.doc!;
  await bench.commit({ doc: resumed });
  await bench.clock.advance(600_000);
  assert.equal(bench.actor.peek()!.doc?.paused, undefined, "it is not set again");
  assert.deepEqual(await bench.told(), ["I3"]);
  await bench.commit({ servers: [intention("5")] });
  await bench.clock.advance(100);
  assert.deepEqual(await bench.told(), ["I3", "I3"]);
  assert.equal(bench.actor.peek()!.doc?.paused?.principal, "muster:monitor");
});

test("I3 a person's pause stays theirs, and what is found all day is told a few times", async () => {
  const bench = await createMonitorBench();
  const theirs = { sinceMs: t0, reason: "maintenance", principal: "ann" };
  await bench.commit({ doc: docOf({ target: 0, paused: theirs }) });
  for (let id = 1; id <= 50; id++) await bench.commit({ servers: [intention(`${id}`)] });
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.actor.peek()!.doc?.paused, theirs);
  assert.equal((await bench.told()).length, 5, "told a few times");
  assert.equal(bench.monitor.broken("I3"), 100, "counted every time, under two rules");
});

test("I4 a target beyond the limits", async () => {
  const bench = await createMonitorBench();
  await bench.commit({ doc: docOf({ target: 101 }) });
  await finds(bench, "I4");
});

test("I5 one intention called twice, or by a life that is not its own", async () => {
  const bench = await createMonitorBench();
  await bench.commit({ servers: [intention("1"), intention("2")] });
  await createCall(bench, "1");
  assert.deepEqual(bench.broken(), []);
  await createCall(bench, "1");
  assert.equal(bench.cloud.createsByIntention().get("1"), 2, "the cloud has two of it");
  await finds(bench, "I5");
});

test("I1 a create that no ledger knows of", async () => {
  const bench = await createMonitorBench();
  await createCall(bench, "9");
  await finds(bench, "I1");
});

test("I1 a row that is dropped while its server runs", async () => {
  const bench = await createMonitorBench();
  const { row } = await made(bench, "1", "building");
  assert.deepEqual(bench.broken(), []);
  await bench.commit({ servers: [{ ...row, state: "gone" }] });
  await finds(bench, "I1");
});

test("I2 a delete without its row, without our tags, or without a look", async () => {
  const bench = await createMonitorBench();
  const leaving = await made(bench, "1", "deleting");
  await look(bench, leaving.cloudId);
  await deleteCall(bench, leaving.cloudId);
  assert.deepEqual(bench.broken(), [], "both witnesses");
  const serving = await made(bench, "2", "inService");
  await look(bench, serving.cloudId);
  await deleteCall(bench, serving.cloudId);
  await finds(bench, "I2");

  const blind = await createMonitorBench();
  const unseen = await made(blind, "1", "deleting");
  await deleteCall(blind, unseen.cloudId);
  assert.deepEqual(blind.broken(), ["I2"]);
  assert.match(blind.errors.join(), /"tagged":false/);

  const foreign = await createMonitorBench();
  const id = foreign.cloud.addForeign({ account, name: "theirs" });
  await look(foreign, id);
  await deleteCall(foreign, id);
  assert.deepEqual(foreign.broken(), ["I2"]);
});

test("I6 an event without a receipt, and an answer that is not on record", async () => {
  const bench = await createMonitorBench();
  const id = "asked" as EventId;
  await bench.commit({ events: [said("scale.decided", "", { id })] });
  await finds(bench, "I6");

  const other = await createMonitorBench();
  const placements = [{ colo: key.colo, oldTarget: 3, newTarget: 3 }];
  const totals = { outcome: "noChange", causes: [], oldTarget: 3, newTarget: 3 } as const;
  const receipt: Receipt = { eventId: id, atMs: t0, ...totals, placements };
  const ask = { kind: "target", target: 3 } as const;
  const event: ScaleEvent = { id, atMs: t0, source: "manual", ask, principal: "ann" };
  await other.commit({ events: [said("scale.decided", "", { id, receipt })] });
  other.monitor.answered(key, event, receipt);
  assert.deepEqual(other.broken(), []);
  const lost = { ...receipt, eventId: "lost" as EventId };
  other.monitor.answered(key, { ...event, id: lost.eventId }, lost);
  await finds(other, "I6");
});

test("I7 a gap in what readers of the feed are given", async () => {
  const bench = await createMonitorBench();
  const entry = (sequence: number): FeedEntry => {
    const event = { ...said("alert.reported", ""), ...key, sequence };
    return { event: event as MusterEvent, cursor: `${sequence}` };
  };
  bench.monitor.fed([entry(4), entry(5)]);
  bench.monitor.feedMoved();
  bench.monitor.fed([entry(9), entry(10)]);
  assert.deepEqual(bench.broken(), [], "where a reader begins is no gap");
  bench.monitor.fed([entry(12)]);
  await finds(bench, "I7");
});

test("I8 a call under a kill switch stops its class for the colo, in nobody's place", async () => {
  const bench = await createMonitorBench();
  const { row, cloudId } = await made(bench, "1", "inService");
  await bench.commit({ servers: [{ ...row, state: "deleting" }, intention("2")] });
  const sinceMs = bench.clock.nowMs();
  const theirs = { operation: "create", reason: "storm", principal: "ann", sinceMs } as const;
  await bench.run(bench.brakes.set([theirs]));
  await bench.clock.advance(2_000);
  await look(bench, cloudId);
  await deleteCall(bench, cloudId);
  assert.deepEqual(bench.broken(), []);
  await createCall(bench, "2");
  await finds(bench, "I8");
  assert.deepEqual(bench.brakes.inForce(), [theirs], "their reason and their expiry stand");
  assert.equal(bench.actor.peek()!.doc?.paused, undefined, "it is the colo's matter");
});

test("I8 a create while the switch is unread: creates are stopped, once it can be written", async () => {
  const bench = await createMonitorBench();
  await bench.commit({ servers: [intention("1"), intention("2")] });
  bench.storeFaults.chance.unavailable = 1;
  await bench.clock.advance(3_000);
  await createCall(bench, "1");
  await createCall(bench, "2");
  assert.deepEqual(bench.broken(), ["I8"]);
  assert.ok(bench.storeFaults.fired.unavailable > 0);
  assert.equal(bench.brakes.inForce().length, 0);
  bench.storeFaults.chance.unavailable = 0;
  await bench.clock.advance(10_000);
  const [brake] = bench.brakes.inForce();
  assert.deepEqual([brake?.operation, brake?.principal], ["create", "muster:monitor"]);
  assert.deepEqual(await bench.told(), ["I8"], "one slip is one finding");
  assert.equal(bench.monitor.broken("I8"), 2);
});

test("I8 B8.3 a call for a placement that is known to be paused", async () => {
  const bench = await createMonitorBench();
  await bench.commit({ servers: [intention("1")] });
  const paused = { sinceMs: t0, reason: "maintenance", principal: "ann" };
  await bench.commit({ doc: docOf({ target: 3, paused }) });
  await createCall(bench, "1");
  await finds(bench, "I8");
});

test("I9 more calls at once than the allowance: creates are stopped for the colo", async () => {
  const bench = await createMonitorBench();
  bench.cloud.inject({ kind: "slowCall", on: ["get"], delayMs: 500 });
  const some = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      bench.watched.getServer({ account, id: `${index}` as CloudServerId }, { signal: patient() }),
    );
  await bench.run(Promise.all(some(4)));
  assert.deepEqual(bench.broken(), []);
  await bench.run(Promise.all(some(6)));
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.broken(), ["I9"]);
  assert.equal(bench.monitor.broken("I9"), 2);
  const [brake] = bench.brakes.inForce();
  assert.deepEqual([brake?.operation, brake?.principal], ["create", "muster:monitor"]);
});

test("I11 a life that goes back, and a row that is bound anew", async () => {
  const bench = await createMonitorBench();
  const { row } = await made(bench, "1", "deleting");
  await bench.commit({ servers: [{ ...row, state: "inService" }] });
  await finds(bench, "I11");
  const other = await createMonitorBench();
  const bound = (await made(other, "1", "inService")).row;
  await other.commit({ servers: [{ ...bound, cloudId: "another" as CloudServerId }] });
  await finds(other, "I11");
});

/** A listing every minute, for so long. */
async function listed(bench: MonitorBench, servers: readonly CloudServer[], minutes: number) {
  const byPlacement = new Map([[`${key.group}/${key.colo}`, servers]]);
  for (let minute = 0; minute < minutes; minute++) {
    bench.monitor.listed(key.colo, account, {
      ...{ byPlacement, byAddress: new Map() },
      serversCount: servers.length,
    });
    await bench.clock.advance(60_000);
  }
}

test("I1 I5 a server that nothing accounts for, and nobody reports, is found after a while", async () => {
  const bench = await createMonitorBench();
  await listed(bench, [serverOf("1")], 14);
  await listed(bench, [], 1);
  await listed(bench, [serverOf("1")], 14);
  assert.deepEqual(bench.broken(), [], "listings may lag behind for a while");
  await listed(bench, [serverOf("1")], 5);
  await finds(bench, "I1");

  const twice = await createMonitorBench();
  const { cloudId } = await made(twice, "1", "inService");
  const servers = [serverOf("1", { id: cloudId }), serverOf("1")];
  await listed(twice, servers, 18);
  await finds(twice, "I5");

  const told = await createMonitorBench();
  const why = "unknownIntention" as const;
  const known = { cloudId: serverOf("1").id, name: "web-1", firstSeenAtMs: t0, claims: "1", why };
  await told.commit({ doc: docOf(), orphans: [known] });
  await listed(told, [serverOf("1")], 30);
  assert.deepEqual(told.broken(), []);
});

test("I1 a server that the cloud itself denies is only listed late, however long", async () => {
  const bench = await createMonitorBench();
  const gone = serverOf("1");
  for (let round = 0; round < 8; round++) {
    assert.equal(await look(bench, gone.id), undefined);
    await listed(bench, [gone], 5);
  }
  assert.deepEqual(bench.broken(), []);
  await listed(bench, [gone], 35);
  await finds(bench, "I1"); // Nobody looked any more.
});

test("I10 a wait that nobody ends and nobody reports, and one that is reported", async () => {
  const waiting = { type: "waiting", holds: true, causes: [], sinceMs: t0 } as const;
  const well = [{ ...waiting, type: "ready" } as const, { ...waiting, type: "healthy" } as const];
  for (const conditions of [[], well, [waiting]]) {
    const bench = await createMonitorBench();
    await bench.commit({ doc: docOf({ target: 3, conditions }) });
    const { row } = await made(bench, "1", "deleting");
    await bench.commit({ servers: [{ ...row, deletingSinceMs: bench.clock.nowMs() }] });
    bench.monitor.start();
    await bench.clock.advance(29 * 60_000);
    assert.deepEqual(bench.broken(), [], "its time is not over");
    await bench.clock.advance(10 * 60_000);
    await finds(bench, ...(conditions[0] === waiting ? [] : (["I10"] as const)));
    bench.monitor.stop();
  }
});

test("I10 what ended while another node had the lease is no wait, whatever memory says", async () => {
  const bench = await createMonitorBench();
  await bench.commit({ doc: docOf({ target: 3 }) });
  const { row } = await made(bench, "1", "deleting");
  await bench.commit({ servers: [{ ...row, deletingSinceMs: bench.clock.nowMs() }] });
  const other = await createMonitorBench(bench);
  await other.run(other.actor.state(new AbortController().signal));
  await bench.commit({ servers: [{ ...row, state: "gone" }] });
  assert.equal(other.actor.peek()?.servers.size, 1, "it remembers");
  other.actor.distrust(); // As the node does when it gains the lease.
  other.monitor.start();
  await other.clock.advance(60 * 60_000);
  assert.deepEqual(other.broken(), []);
  other.monitor.stop();
});

test("another life or node that finds the same thing says nothing and pauses nothing anew", async () => {
  const bench = await createMonitorBench();
  await deleteCall(bench, "cloud-9" as CloudServerId);
  assert.deepEqual(await bench.told(), [], "known of no placement, there is only the log");
  const { row, cloudId } = await made(bench, "1", "inService");
  await look(bench, cloudId);
  await deleteCall(bench, cloudId);
  await bench.clock.advance(100);
  const { paused: _paused, ...resumed } = bench.actor.peek()!.doc!;
  await bench.commit({ doc: resumed });

  const other = await createMonitorBench(bench);
  assert.equal(
    (await other.run(other.actor.state(patient()))).servers.get(row.id)?.state,
    row.state,
  );
  await look(other, cloudId);
  await deleteCall(other, cloudId);
  await other.clock.advance(100);
  assert.equal(other.monitor.broken("I2"), 1);
  assert.deepEqual(await other.told(), ["I2"]);
  assert.equal(other.actor.peek()!.doc?.paused, undefined);
});

test("the monitor's own words are not held against it", async () => {
  const bench = await createMonitorBench();
  const before = bench.monitor.checks("commit");
  await bench.commit({ doc: docOf({ target: 101 }) });
  await bench.clock.advance(10_000);
  assert.equal(bench.monitor.checks("commit"), before + 1, "its own commit was not checked");
  const mark = bench.actor.peek()!.doc!.violations!;
  assert.deepEqual(
    mark.map(({ invariant }) => invariant),
    ["I4"],
  );
});

test("what is quiet costs nothing: a turn that changes nothing is not looked at", async () => {
  const bench = await createMonitorBench();
  await bench.commit({ servers: ["1", "2", "3"].map((id) => rowOf(id, "inService")) });
  const kinds = ["commit", "call", "listing", "feed"] as const;
  const before = kinds.map(bench.monitor.checks);
  for (let turn = 0; turn < 1_000; turn++)
    await bench.run(bench.actor.change(() => ({ change: { servers: [], events: [] }, reply: 0 })));
  assert.deepEqual(kinds.map(bench.monitor.checks), before);
});
