import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sayCause } from "../../../src/core/model/say-cause.js";
import type { CloudServer, ServerRow } from "../../../src/core/model/server.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  conditionOf,
  docOf,
  eventsOf,
  limits,
  rowOf,
  seenOf,
  serverOf,
  t0,
  waitsOf,
} from "./fixtures.js";

const plan = (...given: Parameters<typeof seenOf>) => planPlacement(seenOf(...given), limits);
const many = (count: number, change: Partial<ServerRow> = {}): ServerRow[] =>
  Array.from({ length: count }, (_, index) => rowOf(String(index + 1), "inService", change));
const minute = 60_000;

type Answer = CloudServer | "gone" | "unknown";

/** The first `count` are in ERROR by the listing, and of each a look-up says `answer`. */
function ill(count: number, of: number, answer: "ERROR" | "unknown" | "ACTIVE") {
  const rows = many(of);
  const bad = (id: string) => serverOf(id, { status: "ERROR", fault: "disk full" });
  const listed = rows.map(({ id }, index) => (index < count ? bad(id) : serverOf(id)));
  const lookedUp = rows.slice(0, count).map(({ id }): [string, Answer] => {
    const said = answer === "ERROR" ? bad(id) : answer === "ACTIVE" ? serverOf(id) : answer;
    return [`cloud-${id}`, said];
  });
  return { rows, listed, lookedUp };
}

function missing(count: number, of: number, row: Partial<ServerRow> = {}) {
  const rows = many(of).map((one, index) => (index < count ? { ...one, ...row } : one));
  const listed = rows.slice(count).map(({ id }) => serverOf(id));
  const lookedUp = rows.slice(0, count).map(({ id }): [string, Answer] => [`cloud-${id}`, "gone"]);
  return { rows, listed, lookedUp };
}

const off = (server: CloudServer): CloudServer => ({ ...server, status: "SHUTOFF" });
const leaving = (made: ReturnType<typeof plan>) =>
  made.rows.filter((row) => row.leaving !== undefined).length;

describe("B9.2 confirmed losses", () => {
  test("three, or 20 %, are replaced at once", () => {
    for (const [count, of] of [
      [3, 4],
      [8, 40],
    ] as const) {
      const { rows, ...seen } = missing(count, of);
      assert.equal(plan(rows, seen).creates, count);
      const { rows: sick, ...told } = ill(count, of, "ERROR");
      assert.equal(plan(sick, told).creates, count);
    }
  });

  test("a host failure that takes 30 % for certain is repaired at the ramp, in numbers", () => {
    const { rows, ...seen } = ill(30, 100, "ERROR");
    const first = plan(rows, { ...seen, doc: { max: 110 } });
    assert.equal(leaving(first), 10);
    assert.equal(first.creates, 10);
    assert.equal(plan(rows, seen).creates, 0, "at max those ten are asked to go first (B9.3)");
    assert.deepEqual(first.doc.losses, { sinceMs: t0, concluded: 10, ramped: true });
    const degraded = conditionOf(first, "degraded");
    assert.deepEqual(degraded?.causes[0]?.facts, { lost: 20, known: 100, aMinute: 10 });
    assert.equal(conditionOf(first, "held")?.holds, false, "nobody has to be asked");
    assert.equal(conditionOf(first, "healthy")?.holds, false);
    const doc = { losses: first.doc.losses! };
    const soon = plan(rows, { ...seen, doc, nowMs: t0 + minute - 1 });
    assert.equal(leaving(soon), 0, "ten a minute");
    assert.equal(soon.creates, 0);
    const next = plan(rows, { ...seen, doc, nowMs: t0 + minute });
    assert.equal(leaving(next), 10);
  });

  test("a clock that went back an hour does not hold the ramp for an hour", () => {
    const { rows, ...seen } = ill(30, 100, "ERROR");
    const noted = (sinceMs: number) => ({
      doc: { losses: { sinceMs, concluded: 10, ramped: true } },
    });
    assert.equal(leaving(plan(rows, { ...seen, ...noted(t0 + 60 * minute) })), 10);
    assert.equal(leaving(plan(rows, { ...seen, ...noted(t0 + 2_000) })), 0, "another node's clock");
  });

  for (const [what, shown, row] of [
    ["stopped past their grace", { status: "SHUTOFF" }, { cloudStatus: "SHUTOFF" }],
    ["on their way out", { taskState: "deleting" }, {}],
  ] as const)
    test(`servers that are ${what} go at the same ramp, however many`, () => {
      const half = (id: string) => Number(id) <= 50;
      const rows = many(100).map((one) => (half(one.id) ? { ...one, ...row } : one));
      const listed = rows.map(({ id }) => serverOf(id, half(id) ? shown : {}));
      const first = plan(rows, { listed });
      assert.equal(leaving(first), 10);
      assert.deepEqual(first.doc.losses, { sinceMs: t0, concluded: 10, ramped: true });
      const [wait] = conditionOf(first, "degraded")!.causes;
      assert.deepEqual(wait?.facts, { lost: 40, known: 100, aMinute: 10 });
      assert.equal(first.rows.length, 10, "the others are left as they are");
      const few = rows.slice(0, 3).concat(rows.slice(50));
      assert.equal(leaving(plan(few, { listed })), 3, "few go at once");
    });

  test("stopped and missing servers together are many where neither is", () => {
    const { rows, ...seen } = missing(3, 10);
    const stopped = rows.map((row, index) =>
      index === 9 ? { ...row, cloudStatus: "SHUTOFF" } : row,
    );
    const listed = seen.listed.map((one) => (one.id === "cloud-10" ? off(one) : one));
    assert.equal(leaving(plan(stopped, { ...seen, listed })), 1);
  });

  test("the ramp is at least one a minute, and goes on after it", () => {
    const { rows, ...seen } = ill(4, 5, "ERROR");
    const first = plan(rows, seen);
    assert.equal(leaving(first), 1);
    assert.ok(first.wakeAtMs !== undefined && first.wakeAtMs <= t0 + minute);
  });

  test("many that vanish must be missing twice", () => {
    const { rows, ...seen } = missing(10, 20);
    const first = plan(rows, seen);
    assert.equal(leaving(first), 0);
    assert.equal(first.rows.filter((row) => row.missingSinceMs === t0).length, 10);
    const again = missing(10, 20, { missingSinceMs: t0 - minute });
    assert.equal(leaving(plan(again.rows, again)), 2);
  });

  test("no more are looked up than could be given up, once the cloud has denied them", () => {
    const { rows, listed } = missing(10, 20, { missingSinceMs: t0 - minute });
    assert.equal(plan(rows, { listed }).lookUps.length, 2);
    const fresh = missing(10, 20);
    assert.equal(plan(fresh.rows, { listed: fresh.listed }).lookUps.length, 10);
  });

  test("a host that is down is a loss, asked for directly; one in maintenance is none", () => {
    const down = serverOf("1", { hostStatus: "DOWN" });
    assert.deepEqual(plan(many(2), { listed: [down, serverOf("2")] }).lookUps, ["cloud-1"]);
    const sure = plan(many(2), { listed: [down, serverOf("2")], lookedUp: [["cloud-1", down]] });
    assert.equal(sure.rows[0]?.leaving?.code, "HOST_DOWN");
    const kept = plan(many(1), { listed: [serverOf("1", { hostStatus: "MAINTENANCE" })] });
    assert.equal(leaving(kept), 0);
  });
});

describe("B4.2 B9.2 ERROR of a server in service", () => {
  test("by the listing alone it is asked about, and nothing moves before the answer", () => {
    const { rows, listed } = ill(2, 10, "ERROR");
    const asked = plan(rows, { listed });
    assert.deepEqual(asked.lookUps, ["cloud-1", "cloud-2"]);
    assert.deepEqual([asked.creates, leaving(asked)], [0, 0]);
  });

  test("a listing that is behind is not believed against the server itself", () => {
    const { rows, ...seen } = ill(5, 10, "ACTIVE");
    const made = plan(rows, seen);
    assert.deepEqual([made.creates, leaving(made)], [0, 0]);
    assert.equal(conditionOf(made, "healthy")?.holds, true);
  });

  test("few that cannot be confirmed are replaced, more are held for a person", () => {
    const { rows, ...seen } = ill(3, 10, "unknown");
    const few = plan(rows, seen);
    assert.equal(few.creates, 3);
    assert.ok(few.rows.every((row) => row.leaving?.code === "SUSPECTED"));
    const more = ill(5, 10, "unknown");
    const held = plan(more.rows, more);
    assert.deepEqual([held.creates, leaving(held)], [0, 0]);
    const condition = conditionOf(held, "held");
    assert.deepEqual(condition?.causes[0]?.facts, { suspected: 5, known: 10, most: 3 });
    assert.match(sayCause(condition!.causes[0]!), /5 of 10, 3 may be.*acknowledges/);
    assert.ok(held.events.some((event) => event.type === "group.held"));
  });

  test("building servers do not count as ill", () => {
    const rows = [...many(2), ...["8", "9", "10", "11"].map((id) => rowOf(id, "building"))];
    const listed = rows.map(({ id, state }) =>
      serverOf(id, state === "building" ? { status: "ERROR" } : {}),
    );
    const made = plan(rows, { listed });
    assert.equal(leaving(made), 4);
    assert.equal(conditionOf(made, "held")?.holds, false);
  });

  test("suspected servers that already leave still count, or the brake would be walked around", () => {
    const { rows, ...seen } = ill(3, 10, "unknown");
    const first = plan(rows, seen);
    const after = rows.map((row) => first.rows.find(({ id }) => id === row.id) ?? row);
    const worse = after.map((row, index) => {
      const status = index < 4 ? "ERROR" : "ACTIVE";
      return serverOf(row.id, { status });
    });
    const next = plan(after, { listed: worse, lookedUp: [["cloud-4", "unknown"]], target: 10 });
    assert.ok(next.rows.every((row) => row.id !== "4" || row.state === "inService"));
    assert.deepEqual(conditionOf(next, "held")?.causes[0]?.facts["suspected"], 4);
  });
});

describe("B9.2 holds and people", () => {
  const { rows, ...seen } = ill(5, 10, "unknown");

  test("a person is asked again every 15 minutes", () => {
    const first = plan(rows, seen);
    assert.deepEqual(first.doc.hold, { sinceMs: t0, askedAtMs: t0 });
    const doc = { hold: first.doc.hold! };
    const asked = (nowMs: number) =>
      eventsOf(plan(rows, { ...seen, doc, nowMs })).filter((one) => one === "group.held").length;
    assert.equal(asked(t0 + 15 * minute - 1), 0);
    assert.equal(asked(t0 + 15 * minute), 1);
  });

  test("acknowledged, replacement goes on at the ramp until the time is over", () => {
    const acknowledged = {
      ...{ atMs: t0, untilMs: t0 + 15 * minute },
      ...{ reason: "r", principal: "ann" },
    };
    const doc = { acknowledged, hold: { sinceMs: t0 - minute, askedAtMs: t0 - minute } };
    const made = plan(rows, { ...seen, doc });
    assert.equal(leaving(made), 1);
    assert.equal(made.doc.hold, undefined);
    assert.equal(conditionOf(made, "held")?.holds, false);
    const over = plan(rows, { ...seen, doc, nowMs: acknowledged.untilMs });
    assert.equal(leaving(over), 0);
    assert.equal(over.doc.acknowledged, undefined);
    assert.ok(eventsOf(over).includes("group.held"), "asked anew");
  });

  test("what is no longer held is forgotten, but not while the cloud cannot be seen", () => {
    const hold = { sinceMs: t0, askedAtMs: t0 };
    assert.equal(plan(many(3), { doc: { hold } }).doc.hold, undefined);
    const cause = { rule: "B4.3", code: "LISTING_PARTIAL", facts: {} } as const;
    const blind = plan(many(3), { doc: { hold }, cloud: { kind: "unavailable", cause } });
    assert.deepEqual(blind.doc.hold, hold);
  });

  test("10 % of a colo's servers over several accounts are held; of one account they are not", () => {
    const few = ill(3, 10, "unknown");
    const elsewhere = { known: 40, suspected: 4, suspectedOfOtherAccounts: 2 };
    const held = plan(few.rows, { ...few, elsewhere });
    assert.equal(leaving(held), 0);
    assert.deepEqual(waitsOf(held), ["COLO_UNHEALTHY"]);
    assert.deepEqual(held.suspicion, { known: 10, suspected: 3 });
    const alone = { ...elsewhere, suspectedOfOtherAccounts: 0 };
    assert.equal(leaving(plan(few.rows, { ...few, elsewhere: alone })), 3);
    const wide = { ...elsewhere, known: 400 };
    assert.equal(leaving(plan(few.rows, { ...few, elsewhere: wide })), 3);
  });
});

describe("B9.7 clouds without projects", () => {
  const blind = (count: number, of: number, accountServers: number, project?: string) => {
    const { rows, listed, lookedUp } = missing(count, of);
    const pin = project === undefined ? {} : { project };
    const cloud = {
      ...{ kind: "listed" as const, askedAtMs: t0, servers: listed, accountServers, ...pin },
      lookedUp: new Map(lookedUp) as never,
    };
    return { rows, cloud };
  };

  test("a whole account that is gone at once is held, be it of one server", () => {
    for (const count of [1, 3, 20]) {
      const { rows, cloud } = blind(count, count, 0);
      const held = plan(rows, { cloud, target: count + 1 });
      assert.deepEqual([held.creates, leaving(held), held.steps], [0, 0, []]);
      assert.equal(conditionOf(held, "held")?.causes[0]?.code, "ACCOUNT_MISSING");
      const acknowledged = { atMs: t0, untilMs: t0 + minute, reason: "r", principal: "ann" };
      const known = rows.map((row) => ({ ...row, missingSinceMs: t0 - minute }));
      assert.ok(leaving(plan(known, { cloud, doc: { acknowledged } })) > 0);
    }
  });

  test("one of several that is gone, or all of them in the pinned project, is a loss", () => {
    const one = blind(1, 2, 1);
    assert.equal(leaving(plan(one.rows, { cloud: one.cloud })), 1);
    const pinned = blind(2, 2, 0, "p-1");
    assert.equal(leaving(plan(pinned.rows, { cloud: pinned.cloud })), 2);
  });
});

test("B4.9 ready says whether the minimum is there, healthy whether what is there is well", () => {
  const ready = plan(many(2), { doc: docOf({ min: 3, target: 5 }), target: 5 });
  assert.deepEqual(conditionOf(ready, "ready")?.causes[0]?.facts, { target: 3, inService: 2 });
  assert.equal(conditionOf(plan(many(3), { doc: { min: 3 }, target: 5 }), "ready")?.holds, true);
  assert.equal(conditionOf(plan([], { target: 0 }), "ready")?.holds, true);
  assert.equal(conditionOf(plan(many(3)), "healthy")?.holds, true);
});
