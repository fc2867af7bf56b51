import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LaunchChoice, LaunchConfiguration } from "../../../src/core/model/group.js";
import type { NoRoomMark, PlacementDoc } from "../../../src/core/model/placement.js";
import type { ServerRow, ServerState } from "../../../src/core/model/server.js";
import { chooseLaunches, isSame, pairsOf } from "../../../src/core/plan/choose-launch.js";
import { afterNoRoom, afterRoom, isOut, triedWords } from "../../../src/core/plan/no-room.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import { docOf, groupOf, limits, rowOf, seenOf, serverOf, t0, waitsOf } from "./fixtures.js";

const minute = 60_000;
const plain = groupOf().launch;
const both: LaunchConfiguration = {
  ...plain,
  fallbackFlavors: ["large"],
  availabilityZones: ["z1", "z2"],
};
const at = (flavor: string, zone?: string): LaunchChoice => ({
  flavor,
  ...(zone === undefined ? {} : { zone }),
});
const words = (choices: readonly LaunchChoice[]) =>
  choices.map(({ flavor, zone }) => (zone === undefined ? flavor : `${flavor}@${zone}`));
const choose = (change: Partial<Parameters<typeof chooseLaunches>[0]>) =>
  words(chooseLaunches({ launch: both, rows: [], noRoom: [], nowMs: t0, count: 1, ...change }));
const row = (id: string, choice: LaunchChoice, state: ServerState = "inService") =>
  rowOf(id, state, { choice });
const mark = (choice: LaunchChoice, leftMs: number): NoRoomMark => {
  return { ...choice, failures: 1, sinceMs: t0 - minute, untilMs: t0 + leftMs };
};
const fail = (doc: PlacementDoc, choice: LaunchChoice, nowMs = t0, launch = both) =>
  afterNoRoom(doc, launch, { choice, nowMs, reason: "no valid host" });

test("B4.7 a launch without fallbacks and zones leaves no choice", () => {
  assert.deepEqual(choose({ launch: plain, count: 3 }), ["small", "small", "small"]);
  const noRoom = [mark(at("small"), minute)];
  assert.deepEqual(choose({ launch: plain, noRoom, count: 1 }), ["small"]);
});

test("B4.7 the zone with the fewest servers first, then the order of the list", () => {
  assert.deepEqual(choose({ count: 3 }), ["small@z1", "small@z2", "small@z1"]);
  const rows = [row("1", at("small", "z1")), row("2", at("large", "z1"))];
  assert.deepEqual(choose({ rows, count: 3 }), ["small@z2", "small@z2", "small@z1"]);
  assert.deepEqual(choose({ rows: [rowOf("1", "inService")] }), ["small@z1"], "an older row");
});

test("B4.7 without room: other zones of the flavor first, then the next flavor", () => {
  const z1 = mark(at("small", "z1"), minute);
  const z2 = mark(at("small", "z2"), minute);
  assert.deepEqual(choose({ noRoom: [z1], count: 2 }), ["small@z2", "small@z2"]);
  assert.deepEqual(choose({ noRoom: [z1, z2], count: 2 }), ["large@z1", "large@z2"]);
  const all = [z1, z2, mark(at("large", "z1"), 1), mark(at("large", "z2"), 1)];
  assert.deepEqual(choose({ noRoom: all, count: 2 }), []);
});

test("B4.7 where there lately was no room one server tries it before others follow", () => {
  const noRoom = [mark(at("small", "z1"), 0)];
  assert.deepEqual(choose({ noRoom, count: 3 }), ["small@z1", "small@z2", "small@z2"]);
  for (const state of ["intended", "unconfirmed", "building"] as const) {
    const rows = [row("1", at("small", "z1"), state)];
    assert.deepEqual(choose({ rows, noRoom, count: 2 }), ["small@z2", "small@z2"], state);
  }
  const forgotten = [mark(at("small", "z1"), -60 * minute)];
  assert.deepEqual(choose({ noRoom: forgotten, count: 3 }), ["small@z1", "small@z2", "small@z1"]);
});

test("B4.7 a choice without room is out for 5 min, doubling to 30; a wave counts once", () => {
  let doc = docOf();
  let nowMs = t0;
  for (const fullMin of [5, 10, 20, 30, 30]) {
    doc = fail(doc, at("small", "z1"), nowMs);
    assert.equal(fail(doc, at("small", "z1"), nowMs + 1), doc);
    const { untilMs } = doc.noRoom![0]!;
    const outMs = untilMs - nowMs;
    assert.ok(outMs <= fullMin * minute && outMs >= fullMin * minute * 0.8, `${outMs}`);
    assert.ok(
      isOut(doc, at("small", "z1"), untilMs - 1) && !isOut(doc, at("small", "z1"), untilMs),
    );
    nowMs = untilMs;
  }
  assert.equal(doc.backoff, undefined);
});

test("B4.7 B4.6 only when every choice is out the group's builds back off, and say what was tried", () => {
  const pairs = pairsOf(both);
  let doc = docOf();
  for (const pair of pairs) {
    assert.equal(doc.backoff, undefined);
    doc = fail(doc, pair);
  }
  const { failures, reason, retryAtMs } = doc.backoff!;
  assert.equal(failures, 1);
  assert.equal(reason, "no room for flavors small, large in zones z1, z2: no valid host");
  for (const pair of pairs) assert.ok(!isOut(doc, pair, retryAtMs), "all are tried again then");
  assert.ok(pairs.every((pair) => isOut(doc, pair, retryAtMs - 1)));
  const alone = fail(docOf(), at("small"), t0, plain);
  assert.deepEqual([alone.noRoom, alone.backoff?.reason], [undefined, "no valid host"]);
  assert.equal(triedWords({ ...plain, availabilityZones: ["z1"] }), "flavor small in zone z1");
});

test("B4.7 a success says that there is room again, unless it was asked for before", () => {
  const doc = fail(fail(docOf(), at("small", "z1")), at("small", "z2"));
  const built = (createdAtMs: number) =>
    rowOf("1", "launching", { ...{ choice: at("small", "z1") }, createdAtMs });
  assert.equal(afterRoom(doc, built(t0)), doc);
  assert.deepEqual(
    afterRoom(doc, built(t0 + 1)).noRoom?.map(({ zone }) => zone),
    ["z2"],
  );
  assert.equal(afterRoom(doc, rowOf("1", "launching")), doc, "an older row");
});

test("B4.7 a build that ends without a valid host counts as no room, others do not", () => {
  const rows = [rowOf("1", "building", { choice: at("small", "z1") })];
  const ill = (more: object) => serverOf("1", { status: "ERROR", fault: "No valid host", ...more });
  const seen = (more: object) =>
    seenOf(rows, { target: 1, group: groupOf({ launch: both }), listed: [ill(more)] });
  const full = planPlacement(seen({ faultKind: "noCapacity" }), limits);
  assert.equal(full.doc.backoff, undefined);
  assert.deepEqual(words(full.doc.noRoom ?? []), ["small@z1"]);
  assert.deepEqual(words(full.choices.map(({ choice }) => choice)), ["small@z2"]);
  assert.deepEqual([full.rows[0]?.state, full.rows[0]?.leaving?.code], ["deleting", "NO_CAPACITY"]);
  const broken = planPlacement(seen({}), limits);
  assert.deepEqual([broken.doc.noRoom, broken.choices], [undefined, []]);
  assert.equal(broken.doc.backoff?.failures, 1);
});

test("B4.7 what must wait for room says so, and looks again when the first is due", () => {
  const noRoom = pairsOf(both).map((pair, index) => mark(pair, (index + 1) * minute));
  const group = groupOf({ launch: both });
  const plan = planPlacement(seenOf([], { target: 2, group, doc: { noRoom } }), limits);
  assert.deepEqual([plan.choices, waitsOf(plan)], [[], ["NO_CAPACITY"]]);
  assert.equal(plan.wakeAtMs, t0 + minute);
});

const launches = fc
  .record({
    fallbackFlavors: fc.subarray(["f1", "f2", "f3"]),
    availabilityZones: fc.subarray(["z1", "z2", "z3", "z4"]),
  })
  .map((more): LaunchConfiguration => ({ ...plain, ...more }));
const cases = launches.chain((launch) =>
  fc.record({
    launch: fc.constant(launch),
    count: fc.nat(60),
    rows: fc
      .array(
        fc.tuple(
          fc.constantFrom(...pairsOf(launch), undefined),
          fc.constantFrom<ServerState>("intended", "building", "inService"),
        ),
        { maxLength: 20 },
      )
      .map((list) =>
        list.map(([choice, state], index): ServerRow => {
          return rowOf(`${index}`, state, choice ? { choice } : {});
        }),
      ),
    noRoom: fc
      .tuple(fc.subarray([...pairsOf(launch)]), fc.array(fc.constantFrom(-minute, 0, 1, minute)))
      .map(([pairs, left]) => pairs.map((pair, index) => mark(pair, left[index] ?? minute))),
  }),
);

test("B4.7 never where there is no room, and one at a time where there lately was none", () => {
  fc.assert(
    fc.property(cases, (asked) => {
      const { launch, rows, noRoom, count } = asked;
      const chosen = chooseLaunches({ ...asked, nowMs: t0 });
      assert.ok(chosen.length <= count);
      const pairs = pairsOf(launch);
      if (pairs.length === 1) return assert.equal(chosen.length, count);
      if (pairs.some((pair) => !noRoom.some((one) => isSame(one, pair))))
        assert.equal(chosen.length, count, "there is room");
      for (const one of noRoom) {
        const streams = chosen.filter((choice) => isSame(choice, one)).length;
        if (one.untilMs > t0) assert.equal(streams, 0);
        const before = rows.filter(
          ({ choice, state }) => state !== "inService" && choice && isSame(choice, one),
        );
        assert.ok(streams === 0 || streams + before.length === 1, "one stream of attempts");
      }
    }),
  );
});

test("B4.7 zones that begin balanced stay within one of each other while there is room", () => {
  fc.assert(
    fc.property(launches, fc.array(fc.nat(40), { maxLength: 5 }), (launch, counts) => {
      const zones = launch.availabilityZones ?? [];
      fc.pre(zones.length > 1);
      const rows: ServerRow[] = [];
      for (const count of counts) {
        const chosen = chooseLaunches({ launch, rows, noRoom: [], nowMs: t0, count });
        assert.ok(chosen.every(({ flavor }) => flavor === launch.flavor));
        for (const choice of chosen) rows.push(row(`${rows.length}`, choice, "intended"));
        const sizes = zones.map((zone) => rows.filter((one) => one.choice?.zone === zone).length);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, sizes.join(" "));
      }
    }),
  );
});
