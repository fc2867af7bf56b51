import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ColoId, EventId } from "../../../src/core/model/ids.js";
import type { AlertMark, Policy } from "../../../src/core/model/policy.js";
import { sayCause } from "../../../src/core/model/say-cause.js";
import type { ScaleEvent } from "../../../src/core/model/scale-event.js";
import { circleBack } from "../../../src/core/policy/circle-back.js";
import { decide } from "../../../src/core/policy/decide.js";
import type { DecideInput, LeadFacts, PlacementFacts } from "../../../src/core/policy/decision.js";
import { effectiveLimits } from "../../../src/core/policy/limits.js";
import { marksUntil } from "../../../src/core/policy/marks.js";
import { after, t0, upId } from "./fixtures.js";

const odd = fc.oneof(
  fc.constantFrom(0, -1, 1, 8.64e15, -8.64e15, Number.MAX_SAFE_INTEGER, 1e300),
  fc.integer(),
  fc.double({ noNaN: true }),
);
const near = fc.integer({ min: -200_000, max: 200_000 }).map((ms) => t0 + ms);
const time = fc.oneof({ weight: 9, arbitrary: near }, { weight: 1, arbitrary: odd });
const span = fc.oneof(fc.constantFrom(0, 1_000, 10_000, 60_000, 600_000), fc.nat(100_000));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const state = fc.constantFrom("ok", "warning", "critical", "unknown");
const key = fc.constantFrom("a", "b", "c");

/** Takes the undefined out, as exact optional properties want it. */
const dense = <T extends object>(value: object): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

const action = fc.oneof(
  fc.record({ kind: fc.constant("change"), change: fc.integer({ min: -20, max: 20 }) }),
  fc.record({
    kind: fc.constant("percent"),
    partsPerMillion: fc.integer({ min: -2_000_000, max: 2_000_000 }),
  }),
  fc.record({ kind: fc.constant("exact"), capacity: fc.nat(60) }),
);
const policy: fc.Arbitrary<Policy> = fc
  .record({
    action,
    cooldownMs: span,
    debounceMs: span,
    alert: fc.record({
      actsOn: fc.constantFrom("warning", "critical"),
      holdMs: span,
      timeToLiveMs: span,
      repeatMs: span,
      repeatsMax: fc.nat(3),
    }),
  })
  .map((some) => {
    const facts = { id: upId, uid: "u", generation: 1, createdAtMs: 0, updatedAtMs: 0 };
    return { ...facts, displayName: "p", ...some } as Policy;
  });

const window = fc.record({ openedAtMs: time, eventId: fc.constant("e0") });
const windows = fc.dictionary(fc.constantFrom("critical/out", "asked/out", "asked/in"), window);
const cooling = { lastOutMs: maybe(time), lastInMs: maybe(time) };
const policyMarks = fc
  .record({
    ...cooling,
    windows: maybe(windows),
    enteredAtMs: maybe(time),
    actedAtMs: maybe(time),
    repeats: maybe(fc.nat(4)),
  })
  .map((marks) => dense<LeadFacts["policyMarks"][typeof upId]>(marks));
const lead = fc
  .record({
    paused: rarely(fc.record({ sinceMs: time, reason: fc.string(), principal: fc.string() })),
    deleting: fc.integer({ min: 0, max: 19 }).map((one) => one === 0),
    groupMarks: fc.record(cooling).map((marks) => dense<LeadFacts["groupMarks"]>(marks)),
    policyMarks: maybe(policyMarks).map((marks) => (marks === undefined ? {} : { [upId]: marks })),
  })
  .map((facts) => dense<LeadFacts>(facts));

const forced = fc.record({
  expiresAtMs: time,
  reason: fc.constant("launch"),
  max: fc.nat(60),
});
const legal = fc
  .record({ a: fc.nat(20), b: fc.nat(20), c: fc.nat(20), weight: fc.nat(5), forced: maybe(forced) })
  .map(({ a, b, c, ...rest }) => {
    const [min, target, max] = [a, b, c].sort((x, y) => x - y) as [number, number, number];
    return dense<Omit<PlacementFacts, "colo">>({ min, target, max, ...rest });
  });
const anything = fc
  .record({ min: odd, max: odd, target: odd, weight: odd, forced: maybe(forced) })
  .map((placement) => dense<Omit<PlacementFacts, "colo">>(placement));
const placementsOf = (one: fc.Arbitrary<Omit<PlacementFacts, "colo">>) =>
  fc
    .array(one, { minLength: 0, maxLength: 4 })
    .map((all) => all.map((some, index) => ({ ...some, colo: `colo-${index}` as ColoId })));

const alertMarks = fc
  .uniqueArray(
    fc.record({
      policy: fc.constant(upId),
      key,
      state,
      sinceMs: time,
      refreshedAtMs: time,
    }),
    { selector: (mark) => mark.key },
  )
  .map((marks) => marks as readonly AlertMark[]);

const inputFrom = (
  placements: fc.Arbitrary<readonly PlacementFacts[]>,
): fc.Arbitrary<DecideInput> =>
  fc
    .record({
      nowMs: time,
      group: fc.record({ cooldownMs: span, deleting: fc.constant(false) }),
      placements,
      lead,
      policy: maybe(policy),
      alertMarks,
      unanswered: fc.oneof(fc.constant(0), fc.nat(5)),
    })
    .map((input) => dense<DecideInput>(input));

const ask = fc.oneof(
  fc.record({ kind: fc.constant("target"), target: fc.oneof(fc.nat(60), odd) }),
  fc.record({ kind: fc.constant("change"), change: fc.integer({ min: -20, max: 20 }) }),
  fc.record({ kind: fc.constant("policy"), policy: fc.constant(upId) }),
  fc.record({ kind: fc.constant("alert"), policy: fc.constant(upId), key, state }),
);
const force = fc.record({ reason: fc.constant("launch"), expiresAtMs: time });
const event: fc.Arbitrary<ScaleEvent> = fc
  .record({
    id: fc.constant("e1" as EventId),
    atMs: time,
    source: fc.constantFrom("manual", "alert", "webhook", "schedule", "circleBack"),
    ask,
    principal: fc.constant("ann"),
    force: rarely(force),
  })
  .map((some) => dense<ScaleEvent>(some));

const legalInput = inputFrom(placementsOf(legal));
const anyInput = inputFrom(placementsOf(anything));
const runs = { numRuns: 1_000 };

test("B2.9 deciding is total: any input, at any odd clock, gets a receipt with a reason", () => {
  fc.assert(
    fc.property(event, fc.oneof(legalInput, anyInput), (given, input) => {
      const { receipt, targets, marks } = decide(given, input);
      assert.ok(receipt.causes.length > 0);
      for (const why of receipt.causes) assert.match(sayCause(why), /^[A-Z0-9].*\.$/s);
      assert.equal(targets !== undefined, receipt.outcome === "applied");
      for (const target of Object.values(targets ?? {}))
        assert.ok(Number.isSafeInteger(target) && target >= 0);
      assert.doesNotThrow(() => structuredClone(marks));
      const policies = input.policy === undefined ? [] : [input.policy];
      circleBack({ ...input, policies, total: receipt.newTarget });
    }),
    runs,
  );
});

test("B2.4 B2.7 targets stay within limits, and what force passes is within the hard limit", () => {
  let beyond = 0;
  fc.assert(
    fc.property(event, legalInput, (given, input) => {
      const decision = decide(given, input);
      const next = after(input, decision);
      const sum = decision.receipt.placements.reduce((total, one) => total + one.newTarget, 0);
      assert.equal(sum, decision.receipt.newTarget);
      for (const placement of next.placements) {
        const { min, max } = effectiveLimits(placement, input.nowMs);
        assert.ok(placement.target >= min && placement.target <= max, JSON.stringify(placement));
        assert.ok(placement.target <= 2_000);
        if (placement.target > placement.max) beyond++;
      }
    }),
    runs,
  );
  assert.ok(beyond > 0, "some were forced beyond");
});

test("B11.1 B2.7 a +n lowers no placement, a -n raises none", () => {
  let moved = 0;
  fc.assert(
    fc.property(event, fc.oneof(legalInput, anyInput), (given, input) => {
      const { ask: asked } = given;
      const change =
        asked.kind === "change"
          ? asked.change
          : input.policy?.action.kind === "change" && asked.kind !== "target"
            ? input.policy.action.change
            : undefined;
      if (change === undefined) return;
      for (const { oldTarget, newTarget } of decide(given, input).receipt.placements) {
        if (newTarget !== oldTarget) moved++;
        assert.ok(change > 0 ? newTarget >= oldTarget : newTarget <= oldTarget);
      }
    }),
    runs,
  );
  assert.ok(moved > 0, "some placements moved");
});

test("B2.5 B3.1 only what is applied starts cooldowns and opens windows", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(event, legalInput, (given, input) => {
      const decision = decide(given, input);
      const { outcome } = decision.receipt;
      seen.add(outcome);
      if (outcome === "applied") return;
      const named = given.ask.kind === "policy" || given.ask.kind === "alert";
      const timely = marksUntil(input.lead, named ? input.policy?.id : undefined, input.nowMs);
      assert.deepEqual(decision.marks.groupMarks, timely.groupMarks);
      const lasting = (marks: LeadFacts["policyMarks"][typeof upId] | undefined) => {
        const { lastOutMs, lastInMs, windows: opened } = marks ?? {};
        return { lastOutMs, lastInMs, opened };
      };
      const before = lasting(timely.policyMarks[upId]);
      assert.deepEqual(lasting(decision.marks.policyMarks[upId]), before);
      assert.equal(decision.targets, undefined);
      if (outcome !== "noChange") assert.deepEqual(decision.forced, {});
      assert.ok(decision.receipt.placements.every((one) => one.newTarget === one.oldTarget));
    }),
    runs,
  );
  assert.deepEqual([...seen].sort(), ["applied", "held", "merged", "noChange", "refused"]);
});

test("B3.4 no alert scales in while all its data is UNKNOWN", () => {
  const silent = fc.record({ input: legalInput, of: policy, how: fc.boolean() });
  fc.assert(
    fc.property(event, silent, (given, { input, of, how }) => {
      const old = input.nowMs - of.alert.timeToLiveMs - 1;
      const marks = input.alertMarks.map((mark) => ({ ...mark, sinceMs: old, refreshedAtMs: old }));
      const asked: ScaleEvent = how
        ? { ...given, source: "circleBack", ask: { kind: "policy", policy: upId } }
        : { ...given, ask: { kind: "alert", policy: upId, key: "a", state: "unknown" } };
      const { receipt } = decide(asked, { ...input, policy: of, alertMarks: marks });
      if (Math.abs(input.nowMs) < 1e14) assert.equal(receipt.newTarget, receipt.oldTarget);
    }),
    runs,
  );
});

test("B2.5 B3.3 whoever waits until retryAtMs is not refused for the same reason again", () => {
  let waited = 0;
  fc.assert(
    fc.property(event, legalInput, (given, input) => {
      const first = decide(given, input);
      const { retryAtMs, causes } = first.receipt;
      const codes = causes.map(({ code }) => code);
      if (retryAtMs === undefined || !codes.some((code) => code.startsWith("COOLDOWN"))) return;
      if (Math.abs(retryAtMs) > 1e14) return;
      waited++;
      const later = decide(given, { ...after(input, first), nowMs: retryAtMs });
      assert.ok(!later.receipt.causes.some(({ code }) => code.startsWith("COOLDOWN")));
    }),
    runs,
  );
  assert.ok(waited > 0);
});
