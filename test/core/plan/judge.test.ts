import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { sayCause } from "../../../src/core/model/say-cause.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import { meaningOf } from "../../../src/core/plan/cloud-status.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  conditionOf,
  eventsOf,
  groupOf,
  isEmptyPlan,
  limits,
  rowOf,
  seenOf,
  serverOf,
  statesOf,
  t0,
  tagsOf,
  waitsOf,
} from "./fixtures.js";

const plan = (...given: Parameters<typeof seenOf>) => planPlacement(seenOf(...given), limits);
const many = (count: number, state: "inService" | "building" = "inService"): ServerRow[] =>
  Array.from({ length: count }, (_, index) => rowOf(String(index + 1), state));

describe("B4.2 the cloud's words", () => {
  test("each known word means one thing, and words never heard of mean nothing", () => {
    const mean = (status: string, taskState?: string) =>
      meaningOf(taskState === undefined ? { status } : { status, taskState });
    assert.equal(mean("ACTIVE"), "available");
    assert.equal(mean("ACTIVE", "deleting"), "going");
    assert.equal(mean("BUILD"), "building");
    for (const word of ["REBOOT", "HARD_REBOOT", "MIGRATING", "PASSWORD", "REBUILD", "RESIZE"])
      assert.equal(mean(word), "waiting");
    for (const word of ["RESCUE", "VERIFY_RESIZE", "SUSPENDED", "PAUSED", "SHELVED"])
      assert.equal(mean(word), "leftAlone");
    assert.equal(mean("ERROR"), "failed");
    assert.equal(mean("SHUTOFF"), "stopped");
    assert.equal(mean("DELETED"), "going");
    for (const word of ["UNKNOWN", "", "active", "toString", "__proto__", "constructor"])
      assert.equal(mean(word), "unknown", word);
  });

  test("BUILD waits within the build timeout, then is deleted and backed off from", () => {
    const row = rowOf("1", "building", { sinceMs: t0, cloudStatus: "BUILD" });
    const listed = [serverOf("1", { status: "BUILD" })];
    const timeoutMs = groupOf().buildTimeoutMs;
    const early = plan([row], { listed, nowMs: t0 + timeoutMs - 1 });
    assert.deepEqual(statesOf(early), []);
    const late = plan([row], { listed, nowMs: t0 + timeoutMs });
    assert.deepEqual(statesOf(late), ["1:deleting"]);
    assert.equal(late.rows[0]?.leaving?.code, "BUILD_TIMEOUT");
    assert.equal(late.doc.backoff?.failures, 1);
    assert.equal(late.creates, 0, "not at once: the backoff runs");
  });

  test("B4.11 builds that take long are waited for by name, from when until when", () => {
    const rows = many(3, "building").map((row, index) => {
      return { ...row, sinceMs: t0 + index * 1_000, cloudStatus: "BUILD" };
    });
    const listed = rows.map(({ id }) => serverOf(id, { status: "BUILD" }));
    const early = plan(rows, { listed, nowMs: t0 + 59_999 });
    assert.deepEqual(waitsOf(early), []);
    const late = plan(rows, { listed, nowMs: t0 + 61_000 });
    const [why, ...more] = conditionOf(late, "waiting")?.causes ?? [];
    assert.deepEqual(more, []);
    assert.equal(
      why && sayCause(why),
      "The cloud is still building 2 servers, since 2026-01-01T00:00:00.000Z;" +
        " a build is given up at 2026-01-01T01:00:00.000Z.",
    );
    assert.equal(conditionOf(late, "degraded")?.holds ?? false, false, "large images are slow");
    const done = plan(rows, { nowMs: t0 + 61_000 });
    assert.deepEqual(waitsOf(done), []);
  });

  test("ACTIVE ends the build and the backoff", () => {
    const backoff = { failures: 4, retryAtMs: t0 + 60_000, reason: "x" };
    const done = plan([rowOf("1", "building")], { doc: { backoff } });
    assert.deepEqual(statesOf(done), ["1:inService"]);
    assert.deepEqual(eventsOf(done), ["server.active:1", "server.in_service:1"]);
    assert.equal(done.doc.backoff, undefined);
  });

  for (const state of ["building", "launching", "inService", "draining"] as const) {
    test(`ERROR while ${state}: deleted, with the cloud's own text`, () => {
      const ill = serverOf("1", { status: "ERROR", fault: "disk full" });
      const failed = plan([rowOf("1", state)], { listed: [ill], lookedUp: [["cloud-1", ill]] });
      assert.equal(failed.rows[0]?.state, "deleting");
      assert.equal(failed.rows[0]?.fault, "disk full");
      const isBuild = state === "building";
      assert.equal(failed.doc.backoff?.reason, isBuild ? "disk full" : undefined);
    });

    test(`${state} and going by another's hand: it leaves, and is deleted until the 404`, () => {
      const gone = plan([rowOf("1", state)], {
        listed: [serverOf("1", { taskState: "deleting" })],
      });
      assert.equal(gone.rows[0]?.state, "deleting");
      assert.deepEqual(gone.steps, [{ kind: "delete", server: "1", cloudId: "cloud-1" }]);
    });
  }

  test("SHUTOFF: notice first, replaced after its grace", () => {
    const row = rowOf("1", "inService", { cloudStatus: "SHUTOFF", cloudStatusSinceMs: t0 });
    const listed = [serverOf("1", { status: "SHUTOFF" })];
    const noticed = plan([row], { listed, nowMs: t0 + 1_000 });
    assert.deepEqual(statesOf(noticed), []);
    assert.deepEqual(waitsOf(noticed), ["STOPPED"]);
    assert.equal(noticed.wakeAtMs, t0 + 600_000);
    const replaced = plan([row], { listed, nowMs: t0 + 600_000 });
    assert.deepEqual(statesOf(replaced), ["1:deleting"]);
    assert.equal(replaced.creates, 1);
  });

  test("SHUTOFF: kept where the group says so, but one that drains anyway goes", () => {
    const group = groupOf({ stoppedServers: "keep" });
    const change = { cloudStatus: "SHUTOFF", cloudStatusSinceMs: 0 };
    const listed = [serverOf("1", { status: "SHUTOFF" })];
    assert.deepEqual(statesOf(plan([rowOf("1", "inService", change)], { listed, group })), []);
    const drained = plan([rowOf("1", "draining", change)], { listed, group, target: 0 });
    assert.deepEqual(statesOf(drained), ["1:deleting"]);
  });

  for (const status of ["RESCUE", "SUSPENDED", "UNKNOWN", "BRAND_NEW", "", "__proto__"])
    test(`"${status}" is left alone and counted, for however long`, () => {
      const row = rowOf("1", "inService", { cloudStatus: status, cloudStatusSinceMs: 0 });
      const left = plan([row], { listed: [serverOf("1", { status })] });
      assert.deepEqual(statesOf(left), []);
      assert.equal(left.creates, 0);
      assert.deepEqual(left.steps, []);
    });

  test("words never heard of are warned about, once", () => {
    const listed = [serverOf("1", { status: "UNKNOWN" })];
    const first = plan([rowOf("1", "inService")], { listed });
    assert.ok(waitsOf(first).includes("STATUS_UNHEARD_OF"));
    assert.ok(first.events.some((event) => event.server === "1"));
    const next = seenOf(first.rows, { listed, doc: first.doc });
    assert.ok(isEmptyPlan(planPlacement(next, limits), next));
  });

  test("a reboot that passes its bound is reported, and not replaced", () => {
    const row = rowOf("1", "inService", { cloudStatus: "REBOOT", cloudStatusSinceMs: t0 });
    const listed = [serverOf("1", { status: "REBOOT" })];
    const within = plan([row], { listed, nowMs: t0 + 599_999 });
    assert.deepEqual(waitsOf(within), []);
    assert.equal(within.wakeAtMs, t0 + 600_000, "somebody must look when the bound passes");
    const beyond = plan([row], { listed, nowMs: t0 + 600_000 });
    assert.deepEqual(waitsOf(beyond), ["WAIT_EXPIRED"]);
    assert.deepEqual(statesOf(beyond), []);
    const building = rowOf("1", "building", { ...row, state: "building" });
    assert.deepEqual(waitsOf(plan([building], { listed, nowMs: t0 + 600_000 })), ["WAIT_EXPIRED"]);
  });
});

test("B4.2 B4.11 a server that somebody stopped while it was built is told of after a while", () => {
  for (const status of ["SUSPENDED", "PAUSED", "SHELVED", "RESCUE"]) {
    const row = rowOf("1", "building", { sinceMs: t0, cloudStatus: status });
    const listed = [serverOf("1", { status })];
    const timeoutMs = groupOf().buildTimeoutMs;
    const early = plan([row], { listed, nowMs: t0 + timeoutMs - 1 });
    assert.deepEqual([statesOf(early), waitsOf(early)], [[], []]);
    const late = plan([row], { listed, nowMs: t0 + timeoutMs });
    assert.deepEqual([statesOf(late), waitsOf(late)], [[], ["WAIT_EXPIRED"]], status);
    assert.equal(conditionOf(late, "degraded")?.holds, true);
    assert.equal(late.creates, 0, "it counts");
  }
});

describe("B4.2 every word, in every state of a life", () => {
  const words: Readonly<Record<string, readonly string[]>> = {
    available: ["ACTIVE"],
    building: ["BUILD"],
    waiting: [
      "HARD_REBOOT",
      "REBOOT",
      "MIGRATING",
      "PASSWORD",
      "REBUILD",
      "RESIZE",
      "REVERT_RESIZE",
    ],
    leftAlone: ["RESCUE", "VERIFY_RESIZE", "SUSPENDED", "PAUSED", "SHELVED", "SHELVED_OFFLOADED"],
    failed: ["ERROR"],
    stopped: ["SHUTOFF"],
    going: ["DELETED", "SOFT_DELETED"],
    unknown: ["UNKNOWN", "NEVER_HEARD_OF", ""],
  };
  /** Of a server that came into service an hour ago and has had this status since. */
  const fates: Readonly<Record<string, string>> = {
    available: "inService",
    building: "inService",
    waiting: "inService WAIT_EXPIRED",
    leftAlone: "inService",
    failed: "deleting CLOUD_ERROR",
    stopped: "deleting STOPPED",
    going: "deleting CLOUD_GONE",
    unknown: "inService STATUS_UNHEARD_OF",
  };
  for (const [meaning, list] of Object.entries(words))
    for (const status of list)
      test(`"${status}" of a server in service: ${fates[meaning]}`, () => {
        const since = { cloudStatus: status, cloudStatusSinceMs: t0 - 3_600_000 };
        const server = serverOf("1", { status });
        const made = plan([rowOf("1", "inService", since)], {
          listed: [server],
          lookedUp: [["cloud-1", server]],
        });
        const row = made.rows[0] ?? rowOf("1", "inService", since);
        const why = row.leaving?.code ?? waitsOf(made)[0];
        assert.equal(`${row.state}${why ? ` ${why}` : ""}`, fates[meaning]);
        assert.equal(made.creates, row.state === "deleting" ? 1 : 0);
      });

  test("a wait past its bound is replaced only where the group says so", () => {
    const since = { cloudStatus: "RESIZE", cloudStatusSinceMs: t0 - 600_000 };
    const listed = [serverOf("1", { status: "RESIZE" })];
    const group = groupOf({ overdueServers: "replace" });
    const replaced = plan([rowOf("1", "inService", since)], { listed, group });
    assert.equal(replaced.rows[0]?.leaving?.code, "WAIT_EXPIRED");
    const building = plan([rowOf("1", "building", since)], { listed, group });
    assert.equal(building.rows[0]?.leaving?.code, "WAIT_EXPIRED");
    assert.match(building.doc.backoff?.reason ?? "", /RESIZE/);
    const kept = plan([rowOf("1", "inService", since)], { listed });
    assert.deepEqual(statesOf(kept), []);
  });

  test("no word ever throws, whatever else the cloud says with it", () => {
    const word = fc.oneof(fc.string(), fc.constantFrom(...Object.values(words).flat()));
    const maybe = fc.option(fc.oneof(fc.constantFrom("deleting", "DOWN", "UP"), fc.string()));
    const state = fc.constantFrom("building", "launching", "inService", "draining" as const);
    fc.assert(
      fc.property(word, maybe, maybe, state, (status, task, host, at) => {
        const server = serverOf("1", {
          status,
          ...(task === null ? {} : { taskState: task }),
          ...(host === null ? {} : { hostStatus: host }),
        });
        const seen = { listed: [server], lookedUp: [["cloud-1", server] as const] };
        const made = plan([rowOf("1", at as "building")], seen);
        assert.ok(made.doc.conditions.length > 0);
        for (const { causes } of made.doc.conditions)
          for (const one of causes) assert.notEqual(sayCause(one), "");
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("B4.3 what the list lacks", () => {
  test("is looked up, and nothing moves before the answer", () => {
    const first = plan(many(3), { listed: [serverOf("1")], target: 9 });
    assert.deepEqual(first.lookUps, ["cloud-2", "cloud-3"]);
    assert.deepEqual([first.creates, first.steps, statesOf(first)], [0, [], []]);
  });

  test("only the cloud's own 404 is a loss; what is found or cannot be told stays", () => {
    const rows = many(3);
    const answers = plan(rows, {
      listed: [],
      lookedUp: [
        ["cloud-1", "gone"],
        ["cloud-2", "unknown"],
        ["cloud-3", serverOf("3")],
      ],
    });
    assert.deepEqual(statesOf(answers), ["1:deleting"]);
    assert.deepEqual(eventsOf(answers), ["server.lost:1"]);
    assert.equal(answers.rows[0]?.leaving?.code, "CLOUD_GONE");
    assert.equal(answers.creates, 1);
    assert.deepEqual(answers.lookUps, []);
  });

  test("a listing from before, or within its lag, says nothing of a young server", () => {
    const young = rowOf("1", "building", { createdAtMs: t0 - 4_999, sinceMs: t0 - 4_000 });
    const seen = plan([young], { listed: [] });
    assert.deepEqual([seen.lookUps, statesOf(seen)], [[], []]);
    const bound = rowOf("1", "building", { sinceMs: t0 - 4_999 });
    assert.deepEqual(plan([bound], { listed: [] }).lookUps, []);
    const old = rowOf("1", "building", { createdAtMs: t0 - 9_000, sinceMs: t0 - 9_000 });
    assert.deepEqual(plan([old], { listed: [] }).lookUps, ["cloud-1"]);
  });

  test("a look-up that is only begun turns no condition", () => {
    const settled = plan(many(2));
    const seen = seenOf(many(2), { doc: settled.doc, listed: [serverOf("1")] });
    const begun = planPlacement(seen, limits);
    assert.equal(begun.doc, seen.doc);
    assert.deepEqual(begun.events, []);
  });

  test("without a listing there is no plan at all", () => {
    const cause = { rule: "B4.3", code: "LISTING_PARTIAL", facts: { fault: "503" } } as const;
    const rows = [...many(2), rowOf("3", "deleting"), rowOf("4", "intended")];
    const blind = plan(rows, { target: 9, cloud: { kind: "unavailable", cause } });
    assert.deepEqual([blind.creates, blind.steps, blind.rows], [0, [], []]);
    assert.deepEqual(waitsOf(blind), ["LISTING_PARTIAL"]);
    assert.equal(conditionOf(blind, "degraded")?.holds, true);
    assert.equal(blind.wakeAtMs, t0 + limits.pollMs);
  });
});

describe("B4.5 intentions", () => {
  const other = { id: "an-earlier-life", callDeadlineMs: t0 + 60_000 };

  test("one whose call waits or runs here is left to it", () => {
    for (const standing of ["queued", "running"] as const) {
      const underWay = new Map([["create:1", standing]]);
      const waits = plan([rowOf("1", "intended")], { underWay });
      assert.deepEqual([statesOf(waits), waits.steps, waits.creates], [[], [], 0]);
    }
  });

  test("one that another life committed, or whose call is gone, is unconfirmed", () => {
    const underWay = new Map([["create:1", "running" as const]]);
    const foreign = plan([rowOf("1", "intended", { attempt: other })], { underWay });
    assert.deepEqual(statesOf(foreign), ["1:unconfirmed"]);
    assert.deepEqual(statesOf(plan([rowOf("1", "intended")])), ["1:unconfirmed"]);
  });

  test("an unconfirmed one is asked for only after deadline and listing lag", () => {
    const row = rowOf("1", "unconfirmed", { attempt: other });
    const dueMs = other.callDeadlineMs + limits.listingLagMs;
    const early = plan([row], { nowMs: dueMs - 1 });
    assert.deepEqual([early.steps, early.creates, early.wakeAtMs], [[], 0, dueMs]);
    const due = plan([row], { nowMs: dueMs });
    assert.deepEqual(due.steps, [{ kind: "findIntention", server: "1" }]);
    assert.equal(due.creates, 0, "it counts until it is given up");
  });

  test("its server is known by its tag as soon as it is listed; the oldest is ours", () => {
    const copies = [
      serverOf("1", { id: "copy" as never, createdAtMs: t0 }),
      serverOf("1", { status: "BUILD" }),
    ];
    const found = plan([rowOf("1", "unconfirmed")], { listed: copies });
    assert.deepEqual(statesOf(found), ["1:building"]);
    assert.equal(found.rows[0]?.cloudId, "cloud-1");
    assert.deepEqual(found.steps, [], "the copy is another's and left alone");
  });

  test("a tag copied from a bound row makes nothing of another's server", () => {
    const copy = serverOf("9", { ownership: tagsOf("1"), createdAtMs: t0 });
    const listed = [serverOf("1"), copy];
    const lookedUp: [string, typeof copy][] = [["cloud-9", copy]];
    const seen = plan([rowOf("1", "inService")], { listed, lookedUp, target: 0 });
    assert.deepEqual(
      seen.events.map((one) => one.type).filter((type) => type === "server.orphan"),
      ["server.orphan"],
      "it is reported",
    );
    assert.deepEqual(seen.steps, [{ kind: "delete", server: "1", cloudId: "cloud-1" }]);
  });

  test("late: a server of an abandoned intention is ours and surplus", () => {
    const late = plan([rowOf("1", "abandoned")], { target: 0, listed: [serverOf("1")] });
    assert.deepEqual(statesOf(late), ["1:deleting"]);
    assert.equal(late.rows[0]?.leaving?.code, "LATE_SURPLUS");
    assert.deepEqual(late.steps, [{ kind: "delete", server: "1", cloudId: "cloud-1" }]);
  });

  test("an abandoned intention is kept for three days and does not count", () => {
    const days = 24 * 3_600_000;
    const row = rowOf("1", "abandoned", { sinceMs: t0 });
    const kept = plan([row], { target: 1, nowMs: t0 + 3 * days - 1 });
    assert.deepEqual([statesOf(kept), kept.creates], [[], 1]);
    assert.deepEqual(statesOf(plan([row], { target: 0, nowMs: t0 + 3 * days })), ["1:gone"]);
  });
});
