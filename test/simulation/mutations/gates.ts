import type { Mutation } from "./mutation.js";

const gate = "supervisor/colo/gate.js";
const brakes = "supervisor/brakes.test";
const guards = "simulation/guards/guards.test";

/** What is asked right before a call: B9.1 and B8.3. */
export const gateMutations: readonly Mutation[] = [
  {
    id: "gate-stopping",
    guard: "a node that shuts down begins nothing",
    rule: "B9.1",
    edits: [{ file: gate, from: "if (deps.isStopping())", to: "if (false)" }],
    caughtBy: { file: guards, test: "B9.1 a node that shuts down begins no delete" },
  },
  {
    id: "gate-lease",
    guard: "a node whose lease ran out begins nothing",
    rule: "M2.5",
    edits: [{ file: gate, from: "if (!deps.holdsLease(key))", to: "if (false)" }],
    caughtBy: { file: guards, test: "M2.5 a node that was stopped for longer" },
  },
  {
    id: "gate-switch",
    guard: "what waited when the kill switch was thrown does not begin",
    rule: "B9.1",
    edits: [{ file: gate, from: "if (brake)", to: "if (false)" }],
    caughtBy: { file: brakes, test: "B9.1 kill switch: no create after it" },
  },
  {
    id: "gate-switch-age",
    guard: "a node that has not read the kill switch for a second creates nothing",
    rule: "B9.1",
    edits: [{ file: gate, from: "deps.brakes.ageMs() > switchAgeMsMax", to: "false" }],
    caughtBy: { file: guards, test: "B9.1 M2.1 when the store stops" },
  },
  {
    id: "switch-reading-order",
    guard: "a reading of the switch that was under way does not undo a setting",
    rule: "B9.1",
    edits: [
      {
        file: "supervisor/colo/brakes.js",
        from: "if (loaded.revision < revision)",
        to: "if (false)",
      },
    ],
    caughtBy: { file: guards, test: "B9.1 a reading of the switch that began before" },
  },
  {
    id: "gate-pause",
    guard: "what waited when the group was paused does not begin",
    rule: "B8.3",
    edits: [{ file: gate, from: "if (paused && pauseStops(paused, operation))", to: "if (false)" }],
    caughtBy: { file: brakes, test: "B8.3 pause is asked right before each call" },
  },
  {
    id: "gate-unknown",
    guard: "nothing begins for a placement whose state has to be read again",
    rule: "B8.3",
    edits: [
      { file: gate, from: "if (!state)", to: "if (false)" },
      { file: gate, from: "state.doc?.paused", to: "state?.doc?.paused" },
      { file: gate, from: "server && state.servers", to: "server && state?.servers" },
      { file: gate, from: "state.doc && row", to: "state?.doc && row" },
    ],
    caughtBy: { file: guards, test: "B8.3 a placement that has to be read again" },
  },
  {
    id: "plan-pause",
    guard: "a paused group is not planned for, and its plan would not pass",
    rule: "B8.3",
    edits: [
      {
        file: "core/plan/plan-placement.js",
        from: '=== "listed" && !stopsAll(seen.doc.paused)',
        to: '=== "listed"',
      },
      { file: "core/plan/check-plan.js", from: '!pauseStops(paused, "create")', to: "true" },
      { file: "core/plan/check-plan.js", from: "!pauseStops(paused, operation)", to: "true" },
      { file: gate, from: "if (paused && pauseStops(paused, operation))", to: "if (false)" },
    ],
    caughtBy: { file: "simulation/stories/removal.test", test: "B8.3 otter: a pause survives" },
  },
  {
    id: "lease-from-before-the-write",
    guard: "a lease is measured from before it was asked for, not from its answer",
    rule: "M2.5",
    edits: [
      {
        file: "supervisor/colo/leases.js",
        from: "shard.untilMs = beforeMs + times.ttlMs",
        to: "shard.untilMs = clock.monotonicMs() + times.ttlMs",
      },
    ],
    caughtBy: { file: guards, test: "M2.5 a lease whose answer came late" },
  },
];
