import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ColoId, EventId, PolicyId } from "../../../src/core/model/ids.js";
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
const value = fc.oneof(fc.double(), fc.constantFrom(0, 0.3, 0.5, 0.55, 0.8, 0.9, 1, 2));
const key = fc.constantFrom("a", "b", "c");

/** Takes the undefined out, as exact optional properties want it. */
const dense = <T extends object>(value: object): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

const fixed = fc.oneof(
  fc.record({ kind: fc.constant("change"), change: fc.integer({ min: -20, max: 20 }) }),
  fc.record({
    kind: fc.constant("percent"),
    partsPerMillion: fc.integer({ min: -2_000_000, max: 2_000_000 }),
  }),
  fc.record({ kind: fc.constant("exact"), capacity: fc.nat(60) }),
);
const steps = fc.record({
  kind: fc.constant("steps"),
  threshold: fc.constantFrom(0.5, 0.8, -1, 0),
  steps: fc.tuple(fixed, fixed, fc.boolean()).map(([near, far, above]) =>
    above
      ? [
          { lower: 0, upper: 0.1, action: near },
          { lower: 0.1, action: far },
        ]
      : [
          { upper: 0, lower: -0.1, action: near },
          { upper: -0.1, action: far },
        ],
  ),
});
const tracking = fc.record({
  kind: fc.constant("tracking"),
  metric: fc.constant("cpu"),
  target: fc.constantFrom(0.5, 1, 1e-7),
  tolerancePartsPerMillion: fc.constantFrom(0, 100_000),
  stabilisationMs: span,
});
const action = fc.oneof(fixed, steps, tracking);
const policyOf = (id: PolicyId): fc.Arbitrary<Policy> =>
  fc
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
        votesPartsPerMillion: fc.constantFrom(0, 510_000, 1_000_000),
      }),
    })
    .map((some) => {
      const facts = { id, uid: "u", generation: 1, createdAtMs: 0, updatedAtMs: 0 };
      return { ...facts, displayName: "p", ...some } as Policy;
    });
const policy = policyOf(upId);
const otherId = "other" as PolicyId;

const window = fc.record({ openedAtMs: time, eventId: fc.constant("e0") });
const windows = fc.dictionary(fc.constantFrom("critical/out", "asked/out", "asked/in"), window);
const cooling = { lastOutMs: maybe(time), lastInMs: maybe(time) };
const recommended = fc.record({
  sinceMs: time,
  lastAtMs: time,
  highest: fc.array(fc.record({ atMs: time, servers: fc.nat(40) }), { minLength: 1, maxLength: 3 }),
});
const policyMarks = fc
  .record({
    ...cooling,
    windows: maybe(windows),
    enteredAtMs: maybe(time),
    actedAtMs: maybe(time),
    repeats: maybe(fc.nat(4)),
    recommended: maybe(recommended),
  })
  .map((marks) => dense<LeadFacts["policyMarks"][typeof upId]>(marks));
const removals = fc.array(fc.record({ atMs: time, servers: fc.nat(5) }), { maxLength: 3 });
const lead = fc
  .record({
    paused: rarely(fc.record({ sinceMs: time, reason: fc.string(), principal: fc.string() })),
    deleting: fc.integer({ min: 0, max: 19 }).map((one) => one === 0),
    groupMarks: fc
      .record({ ...cooling, removals: maybe(removals) })
      .map((marks) => dense<LeadFacts["groupMarks"]>(marks)),
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
      policy: fc.constantFrom(upId, otherId),
      key,
      state,
      sinceMs: time,
      refreshedAtMs: time,
      value: maybe(value),
    }),
    { selector: (mark) => `${mark.policy}/${mark.key}` },
  )
  .map((marks) => marks.map((mark) => dense<AlertMark>(mark)));

const limit = fc.oneof(
  fc.record({ servers: fc.integer({ min: 1, max: 9 }), withinMs: span }),
  fc.record({ partsPerMillion: fc.integer({ min: 1, max: 1_000_000 }), withinMs: span }),
);

const inputFrom = (
  placements: fc.Arbitrary<readonly PlacementFacts[]>,
): fc.Arbitrary<DecideInput> =>
  fc
    .record({
      nowMs: time,
      group: fc
        .record({ cooldownMs: span, deleting: fc.constant(false), scaleInLimit: maybe(limit) })
        .map((group) => dense<DecideInput["group"]>(group)),
      demandDrop: rarely(
        fc.record({ sinceMs: time, groups: fc.constant(6), ofGroups: fc.constant(9) }),
      ),
      placements,
      lead,
      policies: fc
        .tuple(maybe(policy), maybe(policyOf(otherId)))
        .map((both) => both.filter((one) => one !== undefined)),
      alertMarks,
      unanswered: fc.oneof(fc.constant(0), fc.nat(5)),
    })
    .map((input) => dense<DecideInput>(input));

const ask = fc.oneof(
  fc.record({ kind: fc.constant("target"), target: fc.oneof(fc.nat(60), odd) }),
  fc.record({ kind: fc.constant("change"), change: fc.integer({ min: -20, max: 20 }) }),
  fc.record({ kind: fc.constant("policy"), policy: fc.constant(upId) }),
  fc
    .record({
      ...{ kind: fc.constant("alert"), policy: fc.constant(upId), key, state },
      value: maybe(value),
    })
    .map((given) => dense<ScaleEvent["ask"]>(given)),
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
const guards: ReadonlySet<string> = new Set([
  ...["OTHER_WANTS_MORE", "STABILISING", "STABILISING_FIRST", "FLAP_FORECAST"],
  ...["SCALE_IN_LIMIT", "DEMAND_ANOMALY"],
]);
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
      circleBack({ ...input, total: receipt.newTarget });
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
      const own = input.policies.find(({ id }) => id === upId);
      const change =
        asked.kind === "change"
          ? asked.change
          : own?.action.kind === "change" && asked.kind !== "target"
            ? own.action.change
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

test("B2.7 B3.5 guards never turn a change round, and never ask for more to go or to come", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(event, legalInput, (given, input) => {
      const { receipt, wanted } = decide(given, input);
      const { oldTarget, newTarget, outcome } = receipt;
      const codes = receipt.causes.map(({ code }) => code);
      for (const code of codes) seen.set(code, (seen.get(code) ?? 0) + 1);
      if (wanted >= oldTarget) assert.ok(newTarget >= oldTarget, "no scale-out removes servers");
      if (wanted <= oldTarget) assert.ok(newTarget <= oldTarget, "no scale-in adds any");
      // Less goes than was asked for; more comes only where another policy wants it.
      if (wanted < oldTarget) assert.ok(newTarget >= wanted || oldTarget - newTarget <= 0);
      if (wanted > oldTarget && !codes.includes("OTHER_WANTS_MORE"))
        assert.ok(newTarget <= Math.max(wanted, oldTarget));
      const guarded = codes.some((code) => guards.has(code));
      if (guarded && newTarget === oldTarget)
        assert.ok(outcome === "held" || outcome === "noChange");
    }),
    { numRuns: 4_000 },
  );
  // Each takes coincidences of its own, some of them rare; guards.test.ts is about each.
  assert.ok([...guards].filter((code) => seen.has(code)).length >= 2, "guards were at work");
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
      const timely = marksUntil(input.lead, named ? input.policies[0]?.id : undefined, input.nowMs);
      const { demandHold: _hold, ...groupMarks } = decision.marks.groupMarks;
      assert.deepEqual(groupMarks, timely.groupMarks);
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
      const { receipt } = decide(asked, { ...input, policies: [of], alertMarks: marks });
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
