import type { Mutation } from "./mutation.js";

const act = "supervisor/converge/act.js";
const judge = "core/plan/judge.js";
const actor = "supervisor/placements/placement-actor.js";
const faults = "supervisor/cloud-faults.test";
const lost = "simulation/stories/lost-creates.test";
const first = "core/plan/deletes-first.js";
const firstTest = "supervisor/deletes-first.test";
const guards = "simulation/guards/guards.test";

/** Nothing is made that is not on record, and nothing twice: B4.5, B9.3. */
export const createMutations: readonly Mutation[] = [
  {
    id: "intention-first",
    guard: "an intention is durable before its create is called",
    rule: "B4.5",
    edits: [
      {
        file: actor,
        from: "revision = (await store.commit(commit, call)).revision;",
        to: "store.commit(commit, call).catch(() => {}); revision = before.revision + 1;",
      },
    ],
    caughtBy: { file: guards, test: "B4.5 M3.2 what cannot be written down is not made" },
  },
  {
    id: "open-intentions-count",
    guard: "an open intention counts as a server",
    rule: "B9.3",
    edits: [{ file: "core/plan/lifecycle.js", from: 'case "intended":\n', to: "" }],
    caughtBy: { file: lost, test: "B4.5 otter #660" },
  },
  {
    id: "unconfirmed-counts",
    guard: "a create whose answer was lost counts as a server",
    rule: "B9.3",
    edits: [{ file: "core/plan/lifecycle.js", from: 'case "unconfirmed":\n', to: "" }],
    caughtBy: {
      file: lost,
      test: "B4.5 otter #1629: lost answers and a listing at its promised worst",
    },
  },
  {
    id: "ambiguous-is-looked-up",
    guard: "a create whose answer was lost is looked up, not repeated",
    rule: "B4.5",
    edits: [{ file: act, from: "if (!fault.ambiguous)", to: "if (true)" }],
    caughtBy: { file: faults, test: "B4.5 an answer lost at once" },
  },
  {
    id: "call-deadline",
    guard: "a create that waited too long gets a new deadline on record before its call",
    rule: "B4.5",
    edits: [
      {
        file: act,
        from: "if (!row || clock.nowMs() + createDeadlineMs <= row.attempt.callDeadlineMs)",
        to: "if (true)",
      },
      {
        file: act,
        from: "clock.nowMs() + createDeadlineMs > row.attempt.callDeadlineMs",
        to: "false",
      },
    ],
    caughtBy: { file: guards, test: "B4.5 a create that waited in the queue" },
  },
  {
    id: "given-up-after-the-lag",
    guard: "an intention is given up only when deadline and listing lag have passed",
    rule: "B4.5",
    edits: [
      { file: judge, from: "row.attempt.callDeadlineMs + limits.listingLagMs", to: "0" },
      { file: act, from: "askedAtMs < row.attempt.callDeadlineMs + listingLagMs", to: "false" },
    ],
    caughtBy: {
      file: lost,
      test: "B4.5 otter #1629: lost answers and a listing at its promised worst",
    },
  },
  {
    id: "abandoned-kept",
    guard: "a given-up intention is kept for a server that comes late",
    rule: "B4.5",
    edits: [{ file: judge, from: "nowMs >= row.sinceMs + abandonedKeptMs", to: "true" }],
    caughtBy: { file: faults, test: "B4.5 M3.2 a server that comes late" },
  },
  {
    id: "create-backoff",
    guard: "builds that fail in a row are backed off from",
    rule: "B4.6",
    edits: [
      {
        file: "core/plan/balance.js",
        from: "if (doc.backoff && nowMs < doc.backoff.retryAtMs)",
        to: "if (false)",
      },
    ],
    caughtBy: { file: faults, test: "B4.6 builds that end in ERROR" },
  },
  {
    id: "check-plan",
    guard: "a second opinion ends a turn that would create too much",
    rule: "B9.3",
    edits: [
      {
        file: "core/plan/balance.js",
        from: "const creates = Math.min(missing, limits.createsMax)",
        to: "const creates = Math.min(missing + 1, limits.createsMax)",
      },
      { file: "core/plan/check-plan.js", from: "counted + plan.creates <= most", to: "true" },
    ],
    caughtBy: { file: lost, test: "B4.5 otter #660" },
  },
  {
    id: "deletes-first",
    guard: "creates that would go beyond max wait for what leaves to be asked to go",
    rule: "B9.3",
    edits: [
      { file: first, from: "leaving.length === 0 || room >= asked", to: "true" },
      { file: "core/plan/check-plan.js", from: "undeleted === 0", to: "true" },
    ],
    caughtBy: { file: firstTest, test: "B9.3 a target that falls and rises" },
  },
  {
    id: "deletes-first-taken-over",
    guard: "who starts or takes over waits for its own first asking",
    rule: "B9.3",
    edits: [{ file: first, from: "[sinceMs, ", to: "[0, " }],
    caughtBy: { file: firstTest, test: "B9.3 M2.5 what a dead node has not asked" },
  },
  {
    id: "deletes-first-bounded",
    guard: "a cloud that takes no deletes holds up creates for half a minute",
    rule: "B4.11",
    edits: [{ file: first, from: "nowMs < askedByMs(seen, row)", to: "true" }],
    caughtBy: { file: firstTest, test: "B9.3 B4.11 a cloud that refuses deletes" },
  },
  {
    id: "throttled-is-no-failure",
    guard: "throttling is the cloud's wish, and starts no backoff of the group",
    rule: "B9.4",
    edits: [
      {
        file: act,
        from: 'denied || fault.kind === "throttled" ? undefined : build',
        to: "build",
      },
    ],
    caughtBy: {
      file: "simulation/stories/throttling.test",
      test: "B9.4 B4.6 cluster-autoscaler #5271",
    },
  },
  {
    id: "own-attempt",
    guard: "an intention that a successor took over is not called any more (behind the lease)",
    rule: "B4.5",
    edits: [
      { file: "supervisor/colo/gate.js", from: "if (!deps.holdsLease(key))", to: "if (false)" },
      {
        file: act,
        from: 'row?.state === "intended" && row.attempt.id === context.attemptId ? row',
        to: "row ? row",
      },
    ],
    caughtBy: { file: guards, test: "M2.5 B4.5 creates that waited in a node that was stopped" },
  },
];
