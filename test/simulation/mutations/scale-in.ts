import type { Mutation } from "./mutation.js";

const guards = "core/policy/guards.js";
const together = "core/policy/together.js";

/** What keeps scaling in from harm that monitors do: B3.4, B3.5, B3.6. */
export const scaleInMutations: readonly Mutation[] = [
  {
    id: "policies-at-once",
    guard: "no policy scales in what another one needs at the same time",
    rule: "B3.5",
    edits: [
      {
        file: together,
        from: "const wanted = Math.min(one.from, highest.wanted);",
        to: "const wanted = one.wanted;",
      },
    ],
    caughtBy: { file: "core/policy/together.test", test: "B3.5 an alert that stands for more" },
  },
  {
    id: "silent-policy",
    guard: "a policy whose data went missing keeps others from scaling in",
    rule: "B3.4",
    edits: [{ file: together, from: "if (silent)", to: "if (false)" }],
    caughtBy: {
      file: "core/policy/together.test",
      test: "B3.4 B3.5 a metric whose data went missing",
    },
  },
  {
    id: "stabilisation",
    guard: "scaling in goes no lower than the highest recommendation of its window",
    rule: "B3.6",
    edits: [{ file: guards, from: "if (highest === undefined)", to: "if (true)" }],
    caughtBy: {
      file: "core/policy/guards.test",
      test: "B3.6 target tracking scales in to the highest",
    },
  },
  {
    id: "stabilisation-takes-data",
    guard: "scaling in takes data for the whole window",
    rule: "B3.4",
    edits: [{ file: guards, from: "if (dataForMs < windowMs)", to: "if (false)" }],
    caughtBy: {
      file: "supervisor/scale-in-guards.test",
      test: "B3.4 a metric that is reported no more",
    },
  },
  {
    id: "flap-forecast",
    guard: "what would have to come back at once does not go",
    rule: "B3.6",
    edits: [{ file: guards, from: "if (worst === undefined)", to: "if (true)" }],
    caughtBy: { file: "core/policy/guards.test", test: "B3.6 a scale-in that by estimate crosses" },
  },
  {
    id: "scale-in-limit",
    guard: "no more goes within a time than the group allows",
    rule: "B3.5",
    edits: [
      { file: guards, from: "from - Math.max(0, most - taken)", to: "from - Math.max(0, most)" },
    ],
    caughtBy: { file: "core/policy/guards.test", test: "B3.5 scaling in takes no more than" },
  },
  {
    id: "demand-anomaly",
    guard: "demand that falls for many groups at once is not believed at first",
    rule: "B3.5",
    edits: [{ file: guards, from: "if (last === undefined)", to: "if (true)" }],
    caughtBy: {
      file: "supervisor/scale-in-guards.test",
      test: "B3.5 while many groups drop at once",
    },
  },
];
