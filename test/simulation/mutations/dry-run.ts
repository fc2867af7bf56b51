import type { Mutation } from "./mutation.js";

/** What a dry run must not have (decision 0010). */
export const dryRunMutations: readonly Mutation[] = [
  {
    id: "dry-run-hands",
    guard: "a dry run has nothing to commit with",
    rule: "B9.1",
    edits: [
      {
        file: "supervisor/supervisor.js",
        from: "placements.open(key).state(within)",
        to: "placements.open(key).change((s) => ({ change: { doc: { ...s.doc } }, reply: s }))",
      },
    ],
    caughtBy: {
      file: "supervisor/plan-group.test",
      test: "B9.1 a dry run with plenty to do leaves no trace",
    },
  },
];
