import type { Mutation } from "./mutation.js";

const guards = "simulation/guards/guards.test";
const actor = "supervisor/placements/placement-actor.js";

/** What was decided is kept, once, within its limits: B2, B3, M2.1. */
export const recordMutations: readonly Mutation[] = [
  {
    id: "conditional-commit",
    guard: "a decision on an old state is made again, not written over a newer one",
    rule: "M2.5",
    edits: [
      {
        file: actor,
        from: "expectedRevision: before.revision,",
        to: "expectedRevision: (await store.load(partition, [], call)).revision,",
      },
    ],
    caughtBy: { file: guards, test: "M2.5 two nodes that are asked at once" },
  },
  {
    id: "unknown-commit-is-read-back",
    guard: "a commit whose answer was lost is looked up before it is decided again",
    rule: "M2.1",
    edits: [{ file: actor, from: "if (!(await readBack(commitId)))", to: "if (true)" }],
    caughtBy: {
      file: guards,
      test: "M2.1 what was decided is decided once",
    },
  },
  {
    id: "lost-commit-is-made-again",
    guard: "a commit that was lost on its way is not taken for done",
    rule: "M2.1",
    edits: [{ file: actor, from: "if (!(await readBack(commitId)))", to: "if (false)" }],
    caughtBy: {
      file: "supervisor/receipts.test",
      test: "B2.9 M2.1 what was acknowledged is never lost",
    },
  },
  {
    id: "idempotency-key",
    guard: "the same key is the same event",
    rule: "B3.1",
    edits: [{ file: "supervisor/scaling.js", from: "if (stored)", to: "if (false)" }],
    caughtBy: { file: "supervisor/receipts.test", test: "B3.1 the same request_id is one event" },
  },
  {
    id: "clamp",
    guard: "a target stays within the limits",
    rule: "B2.4",
    edits: [
      {
        file: "core/policy/arithmetic.js",
        from: "const within = clamp(wanted, min, max);",
        to: "const within = wanted;",
      },
    ],
    caughtBy: { file: "supervisor/deciding.test", test: "B2.4 results are clamped" },
  },
  {
    id: "debounce",
    guard: "what repeats within the window merges into the first",
    rule: "B3.1",
    edits: [{ file: "core/policy/checks.js", from: "if (window === undefined)", to: "if (true)" }],
    caughtBy: { file: "supervisor/receipts.test", test: "B3.1 debounce: what repeats" },
  },
  {
    id: "cooldown",
    guard: "a policy waits for its cooldowns",
    rule: "B2.5",
    edits: [{ file: "core/policy/checks.js", from: "if (refusals.length === 0)", to: "if (true)" }],
    caughtBy: { file: "supervisor/deciding.test", test: "B2.5 both cooldowns refuse policies" },
  },
  {
    id: "no-windup",
    guard: "an alert waits for the answer to what was asked before",
    rule: "B2.6",
    edits: [
      {
        file: "core/policy/checks.js",
        from: "if (input.unanswered <= 0 || direction === undefined)",
        to: "if (true)",
      },
    ],
    caughtBy: {
      file: guards,
      test: "B2.6 an alert that comes anew",
    },
  },
  {
    id: "older-delivery",
    guard: "a target decided elsewhere does not undo a newer one",
    rule: "B11.2",
    edits: [
      {
        file: "supervisor/converge/deliver.js",
        from: "doc.lastDecision.id >= delivery.decisionId",
        to: "false",
      },
    ],
    caughtBy: {
      file: guards,
      test: "B11.2 a node cut off",
    },
  },
  {
    id: "hard-limit",
    guard: "no force passes the hard limit of servers",
    rule: "B1.1",
    edits: [
      {
        file: "core/policy/limits.js",
        from: "max: Math.min(max, serversPerPlacementMax)",
        to: "max",
      },
    ],
    caughtBy: {
      file: "core/policy/limits.test",
      test: "B2.7 force widens limits until it expires",
    },
  },
  {
    id: "no-second-life",
    guard: "a group that was deleted does not live on from a node's memory",
    rule: "B8.4",
    edits: [
      {
        file: "supervisor/placements/ensure.js",
        from: "doc ? known : await newestOf(context, known, signal)",
        to: "known",
      },
    ],
    caughtBy: {
      file: "supervisor/found.test",
      test: "B8.4 M6.1 a group that was deleted does not come to life",
    },
  },
];
