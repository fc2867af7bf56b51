import assert from "node:assert/strict";
import { test } from "node:test";
import { checkCommit } from "../../../src/core/invariants/check-commit.js";
import type { CommitSeen, Ledger } from "../../../src/core/invariants/ledger.js";
import type { EventType, MusterEvent } from "../../../src/core/model/event.js";
import type { CloudServerId, EventId, ServerId } from "../../../src/core/model/ids.js";
import type { PlacementDoc } from "../../../src/core/model/placement.js";
import type { Receipt } from "../../../src/core/model/scale-event.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import { attemptId, docOf, key, rowOf, t0 } from "../plan/fixtures.js";

const ledger = (
  rows: readonly ServerRow[],
  doc: Partial<PlacementDoc> | "none" = {},
  lastSequence = 0,
): Ledger => ({
  key,
  lastSequence,
  doc: doc === "none" ? undefined : docOf({ target: rows.length, ...doc }),
  servers: new Map(rows.map((row) => [row.id, row])),
});

const eventOf = (
  type: EventType,
  sequence: number,
  change: Partial<MusterEvent> = {},
): MusterEvent => ({
  id: `event-${sequence}` as EventId,
  type,
  atMs: t0,
  ...key,
  sequence,
  message: "",
  facts: {},
  ...change,
});

const receiptOf = (eventId: string, change: Partial<Receipt> = {}): Receipt => ({
  eventId: eventId as EventId,
  atMs: t0,
  outcome: "applied",
  causes: [],
  oldTarget: 0,
  newTarget: 1,
  placements: [{ colo: key.colo, oldTarget: 0, newTarget: 1 }],
  ...change,
});

/** What is found in a commit that turns the one ledger into the other. */
function found(before: Ledger, after: Ledger, change: Partial<CommitSeen> = {}): string[] {
  const ids = new Set([...before.servers.keys(), ...after.servers.keys()]);
  const touched = [...ids].filter((id) => before.servers.get(id) !== after.servers.get(id));
  const events = change.events ?? [];
  const counted = { ...after, lastSequence: before.lastSequence + events.length };
  const last = after.lastSequence > 0 ? after : counted;
  const none = { receipts: [], surge: 0, attemptId };
  return checkCommit({ before, after: last, touched, events, ...none, ...change }).map(
    ({ invariant, rule }) => `${invariant} ${rule}`,
  );
}

const intended = (...ids: readonly string[]) => ids.map((id) => rowOf(id, "intended"));
const said = (type: EventType, id: string) => [eventOf(type, 1, { server: id as ServerId })];

test("I3 B9.3 creates beyond the target are found, whatever is on its way counted", () => {
  const before = ledger([rowOf("1", "inService"), rowOf("2", "unconfirmed")], { target: 3 });
  const rows = [...before.servers.values()];
  assert.deepEqual(found(before, ledger([...rows, ...intended("3")], { target: 3 })), []);
  const over = ledger([...rows, ...intended("3", "4")], { target: 3 });
  assert.deepEqual(found(before, over), ["I3 B9.3"]);
  assert.deepEqual(found(before, over, { surge: 1 }), []);
});

test("I3 B9.3 what leaves and what was given up does not count", () => {
  const gone = [rowOf("1", "draining"), rowOf("2", "deleting"), rowOf("3", "abandoned")];
  const before = ledger(gone, { target: 1 });
  assert.deepEqual(found(before, ledger([...gone, ...intended("4")], { target: 1 })), []);
});

test("I3 B9.3 a batch that raises and lowers the target is held to its highest", () => {
  const events = [
    eventOf("scale.decided", 1, {
      receipt: receiptOf("event-1", {
        placements: [{ colo: key.colo, oldTarget: 0, newTarget: 2 }],
      }),
    }),
  ];
  const after = ledger(intended("1", "2"), { target: 0, targetChangedAtMs: t0 + 1 });
  assert.deepEqual(found(ledger([], { target: 0 }), after, { events }), []);
  assert.deepEqual(found(ledger([], { target: 0 }), after), ["I3 B9.3"]);
});

test("I3 B8.3 B8.4 nothing is intended under a pause or for a group that is being deleted", () => {
  const paused = { sinceMs: t0, reason: "why", principal: "p" };
  const before = ledger([], { target: 1, paused });
  assert.deepEqual(found(before, ledger(intended("1"), { target: 1, paused })), ["I3 B8.3"]);
  assert.deepEqual(found(before, ledger(intended("1"), { target: 1 })), []);
  const deleting = ledger(intended("1"), { target: 1, deleting: true });
  assert.deepEqual(found(ledger([], { target: 1, deleting: true }), deleting), ["I3 B9.3"]);
});

test("I4 B1.6 B2.7 a target is moved only within the limits, forced ones while they hold", () => {
  const before = ledger([], { max: 5, target: 3 });
  const moved = (doc: Partial<PlacementDoc>) =>
    found(before, ledger([], { max: 5, targetChangedAtMs: t0 + 9, ...doc }));
  assert.deepEqual(moved({ target: 5 }), []);
  assert.deepEqual(moved({ target: 6 }), ["I4 B1.6"]);
  assert.deepEqual(moved({ target: 2.5 }), ["I4 B1.6"]);
  const forced = (expiresAtMs: number) => ({ max: 8, expiresAtMs, reason: "why" });
  assert.deepEqual(moved({ target: 8, forced: forced(t0 + 10) }), []);
  assert.deepEqual(moved({ target: 8, forced: forced(t0 + 9) }), ["I4 B1.6"]);
  assert.deepEqual(moved({ target: 2_001, max: 3_000 }), ["I4 B1.1"]);
  assert.deepEqual(moved({ target: 0, min: 1 }), ["I4 B1.6"]);
  assert.deepEqual(moved({ target: 0, min: 1, deleting: true }), []);
  assert.deepEqual(moved({ target: 3, paused: { sinceMs: 0, reason: "", principal: "" } }), []);
});

test("I7 sequences that repeat, skip or name another placement are found", () => {
  const before = ledger([], {}, 4);
  const at = (...sequences: readonly number[]) => ({
    events: sequences.map((one) => eventOf("alert.reported", one)),
  });
  assert.deepEqual(found(before, ledger([], {}, 6), at(5, 6)), []);
  assert.ok(found(before, ledger([], {}, 6), at(5, 7)).includes("I7 M3.1"));
  assert.ok(found(before, ledger([], {}, 5), at(4)).includes("I7 M3.1"));
  assert.deepEqual(found(before, ledger([], {}, 5)), ["I7 M3.1"]);
  const other = { events: [eventOf("alert.reported", 5, { group: "other" as never })] };
  assert.deepEqual(found(before, ledger([], {}, 5), other), ["I7 M3.1"]);
});

test("I6 B2.9 a decided event carries its own receipt, and a stored receipt its event", () => {
  const before = ledger([]);
  const decided = (receipt?: Receipt) => ({
    events: [eventOf("scale.decided", 1, receipt ? { receipt } : {})],
  });
  const after = ledger([], {}, 1);
  const receipt = receiptOf("event-1");
  assert.deepEqual(found(before, after, decided(receipt)), []);
  assert.deepEqual(found(before, after, decided()), ["I6 B2.9"]);
  assert.deepEqual(found(before, after, decided(receiptOf("another"))), ["I6 B2.9"]);
  const receipts = [{ key: "k", receipt }];
  assert.deepEqual(found(before, after, { ...decided(receipt), receipts }), []);
  assert.deepEqual(found(before, ledger([]), { receipts }), ["I6 B3.1"]);
});

test("I11 M3.2 a life begins as this attempt's intention or says otherwise, and goes forward", () => {
  const empty = ledger([], { target: 1 });
  assert.deepEqual(found(empty, ledger([rowOf("1", "building")])), ["I11 M3.2"]);
  const adopted = { events: said("server.building", "1") };
  assert.deepEqual(found(empty, ledger([rowOf("1", "building")], {}, 1), adopted), []);
  const another = rowOf("1", "intended", { attempt: { id: "other", callDeadlineMs: t0 } });
  assert.deepEqual(found(empty, ledger([another])), ["I11 B4.5"]);

  const step = (from: ServerRow, to: ServerRow) => found(ledger([from]), ledger([to]));
  assert.deepEqual(step(rowOf("1", "intended"), rowOf("1", "launching")), []);
  assert.deepEqual(step(rowOf("1", "draining"), rowOf("1", "inService")), []);
  assert.deepEqual(step(rowOf("1", "abandoned"), rowOf("1", "building")), []);
  assert.deepEqual(step(rowOf("1", "inService"), rowOf("1", "launching")), ["I11 M3.2"]);
  assert.deepEqual(step(rowOf("1", "deleting"), rowOf("1", "inService")), ["I11 M3.2"]);
  const unbound = { ...rowOf("1", "launching") };
  delete (unbound as { cloudId?: CloudServerId }).cloudId;
  assert.deepEqual(step(rowOf("1", "intended"), unbound), ["I11 M3.2"]);
});

test("I11 B9.5 a row stays bound to its server; I5 B4.5 no server is two rows'", () => {
  const other = rowOf("1", "inService", { cloudId: "other" as CloudServerId });
  assert.deepEqual(found(ledger([rowOf("1", "inService")]), ledger([other])), ["I11 B9.5"]);
  const before = ledger([rowOf("1", "intended"), rowOf("2", "inService")]);
  const twice = rowOf("1", "building", { cloudId: "cloud-2" as CloudServerId });
  assert.deepEqual(found(before, ledger([twice, rowOf("2", "inService")])), ["I5 B4.5"]);
});

test("I1 M6.1 a server that the cloud has leaves the ledger at its end only, and never unsaid", () => {
  const end = (row: ServerRow, events: readonly MusterEvent[] = []) =>
    found(ledger([row]), ledger([], { target: 1 }, events.length), { events });
  assert.deepEqual(end(rowOf("1", "deleting"), said("server.gone", "1")), []);
  assert.deepEqual(end(rowOf("1", "releasing"), said("server.gone", "1")), []);
  assert.deepEqual(end(rowOf("1", "releasing"), said("server.released", "1")), []);
  assert.deepEqual(end(rowOf("1", "deleting")), ["I1 M6.1"]);
  assert.deepEqual(end(rowOf("1", "inService"), said("server.gone", "1")), ["I1 M6.1"]);
  assert.deepEqual(end(rowOf("1", "intended"), said("server.withdrawn", "1")), []);
  assert.deepEqual(end(rowOf("1", "intended")), ["I1 M6.1"]);
  assert.deepEqual(end(rowOf("1", "abandoned")), []);
  const another = rowOf("1", "intended", { attempt: { id: "other", callDeadlineMs: t0 } });
  assert.deepEqual(end(another, said("server.withdrawn", "1")), ["I1 M6.1"]);
  assert.deepEqual(
    found(ledger([rowOf("1", "inService")]), ledger([rowOf("1", "inService")], "none")),
    ["I1 B8.4"],
  );
});
