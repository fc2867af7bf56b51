import type { Mutation } from "./mutation.js";

/** The one way by which a dry run and a check read what a placement is. */
const hands = {
  file: "supervisor/supervisor.js",
  from: "nearState(context, key, within)",
  to: "placements.open(key).change((s) => ({ change: { doc: { ...s.doc } }, reply: s }))",
};

/** What a dry run must not have (decision 0010). */
export const dryRunMutations: readonly Mutation[] = [
  {
    id: "dry-run-hands",
    guard: "a dry run has nothing to commit with",
    rule: "B9.1",
    edits: [hands],
    caughtBy: {
      file: "supervisor/plan-group.test",
      test: "B9.1 a dry run with plenty to do leaves no trace",
    },
  },
  {
    id: "check-hands",
    guard: "a check of a group has nothing to commit with",
    rule: "B9.1",
    edits: [hands],
    caughtBy: {
      file: "supervisor/check-group.test",
      test: "B9.1 sixty checks with plenty to do leave no trace",
    },
  },
  {
    id: "check-pins",
    guard: "a check of a group pins no account to a project",
    rule: "B9.7",
    edits: [
      {
        file: "supervisor/commands/check-group.js",
        from: "pinned: (account) => credentials.pinned(account)",
        to: "pinned: (account) => credentials.pinOf(account, () => outside.project(account))",
      },
    ],
    caughtBy: {
      file: "supervisor/check-group.test",
      test: "B9.7 credentials that are refused, or answer for another project",
    },
  },
  {
    id: "simulation-marks",
    guard: "a simulation remembers what it decided as the supervisor does",
    rule: "B2.9",
    edits: [
      {
        file: "core/simulate/replay.js",
        from: "lead.doc = { ...lead.doc, ...decision.marks };",
        to: "",
      },
    ],
    caughtBy: {
      file: "supervisor/simulation-agrees.test",
      test: "B2 B3 B7 a simulation decides as the supervisor decided (seed 1)",
    },
  },
];
