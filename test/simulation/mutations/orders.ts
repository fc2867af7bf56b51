import type { Mutation } from "./mutation.js";

const adopt = "supervisor/commands/adopt-server.js";
const adoptTest = "supervisor/adopt.test";
const checkPlan = "core/plan/check-plan.js";

/** What a person orders, and what a person is asked for: B8.1, B9.2, B9.5, B9.6. */
export const orderMutations: readonly Mutation[] = [
  {
    id: "colo-suspicion-hold",
    guard: "ill servers of several accounts are the colo's trouble: a person is asked",
    rule: "B9.2",
    edits: [
      {
        file: "core/plan/suspects.js",
        from: "if (all.suspected <= Math.max(coloFewMax, all.known * coloShareMax))",
        to: "if (true)",
      },
    ],
    caughtBy: { file: "core/plan/losses.test", test: "10 % of a colo's servers" },
  },
  {
    id: "adopt-what-runs",
    guard: "only a server that runs is adopted",
    rule: "B8.1",
    edits: [{ file: adopt, from: 'if (meaningOf(server) === "available")', to: "if (true)" }],
    caughtBy: { file: adoptTest, test: "B8.1 only a server that runs" },
  },
  {
    id: "adopted-stays",
    guard: "the surplus that an adoption makes never costs the adopted server",
    rule: "B8.1",
    edits: [
      {
        file: "core/plan/balance.js",
        from: "row.protected || isGuest(sheet, row)",
        to: "row.protected",
      },
    ],
    caughtBy: { file: adoptTest, test: "B8.1 B9.5 an adopted server that keeps the target" },
  },
  {
    id: "adopt-looks-twice",
    guard: "of two groups that adopt one server at once, one at least sees the other",
    rule: "B8.1",
    edits: [
      {
        file: adopt,
        from: "await refuseClaimed(context, actor.key, server, { signal, except: key.group });",
        to: "",
      },
    ],
    caughtBy: { file: adoptTest, test: "B8.1 of two groups that adopt one server" },
  },
  {
    id: "tags-are-no-ones-to-make-up",
    guard: "the tags that a delete goes by are not written for it",
    rule: "B9.5",
    edits: [
      {
        file: "core/plan/tags.js",
        from: 'else if (row.state === "deleting") {',
        to: "else if (false) {",
      },
      { file: checkPlan, from: 'if (kind === "tag" && state === "deleting")', to: "if (false)" },
    ],
    caughtBy: { file: "core/plan/check-plan.test", test: "B9.5 tags are not written for a delete" },
  },
  {
    id: "orphan-order",
    guard: "an orphan is deleted by an order on record alone",
    rule: "B9.6",
    edits: [
      {
        file: "core/plan/orphans.js",
        from: ".filter(({ deleteOrder }) => deleteOrder !== undefined)",
        to: "",
      },
      { file: checkPlan, from: "insist(order !== undefined,", to: "insist(true," },
      {
        file: "supervisor/converge/act-orphans.js",
        from: "orphan?.deleteOrder &&",
        to: "orphan &&",
      },
    ],
    caughtBy: { file: adoptTest, test: "B9.6 B9.5 a person deletes a reported orphan" },
  },
  {
    id: "quarantine-holds-queued",
    guard: "quarantine holds deletes that are asked for already",
    rule: "B9.5",
    edits: [
      {
        file: "supervisor/converge/act-delete.js",
        from: "if (row && quarantine && isInDoubt(row, quarantine))",
        to: "if (false)",
      },
    ],
    caughtBy: { file: "supervisor/quarantine.test", test: "B9.5 quarantine holds deletes" },
  },
];
