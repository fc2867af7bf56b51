import type { Mutation } from "./mutation.js";

const guards = "simulation/guards/guards.test";
const members = "core/plan/plan-members.js";

/** What leaves, leaves in order, and nothing else does: B5.2, B5.3, B8.2, B9.5. */
export const deleteMutations: readonly Mutation[] = [
  {
    id: "drain-before-delete",
    guard: "a server is deleted only when it is no member any more",
    rule: "B5.3",
    edits: [
      { file: members, from: "return row.memberships.length === 0 ||", to: "return true ||" },
    ],
    caughtBy: { file: guards, test: "B5.3 no server is deleted while it is a member" },
  },
  {
    id: "drain-waits",
    guard: "a drain waits for its connections",
    rule: "B5.3",
    edits: [{ file: members, from: "if (idle || nowMs >= deadlineMs)", to: "if (true)" }],
    caughtBy: { file: "supervisor/members.test", test: "B5.3 a drain waits for connections" },
  },
  {
    id: "removed-once",
    guard: "removing a server twice lowers the target once",
    rule: "B8.2",
    edits: [
      {
        file: "supervisor/commands/servers.js",
        from: "if (!isKept(row))",
        to: "if (false)",
      },
      {
        file: "supervisor/commands/servers.js",
        from: "doc && counts && !replace",
        to: "doc && !replace",
      },
      {
        file: "supervisor/commands/servers.js",
        from: 'throw new Fault("OVERLOADED"',
        to: 'if (!isKept(row)) return row; throw new Fault("OVERLOADED"',
      },
    ],
    caughtBy: {
      file: "simulation/stories/removal.test",
      test: "B8.2 otter: a server that is removed twice",
    },
  },
  {
    id: "protected-stays",
    guard: "a protected server is not scaled in",
    rule: "B4.4",
    edits: [
      { file: "core/plan/balance.js", from: "!(row.protected || isGuest(sheet, row))", to: "true" },
      {
        file: "core/plan/check-plan.js",
        from: "!row.protected || doc.deleting",
        to: "true",
      },
    ],
    caughtBy: { file: "supervisor/servers.test", test: "B4.4 B8.1 protected servers stay" },
  },
  {
    id: "group-gone-when-empty",
    guard: "a deleted group is gone only when every server is",
    rule: "B8.4",
    edits: [
      {
        file: "supervisor/placements/finish-delete.js",
        from: "if (!leaves || !isEmptied(context, state))",
        to: "if (!leaves)",
      },
      {
        file: "supervisor/placements/finish-delete.js",
        from: "if (another || !isEmptied(context, now))",
        to: "if (another)",
      },
    ],
    caughtBy: { file: "supervisor/groups.test", test: "B8.4 a forced delete drains to zero" },
  },
  {
    id: "reused-address",
    guard: "a member whose address is another server's by now is not removed",
    rule: "B5.2",
    edits: [
      { file: members, from: "isWanted(one) || hasOtherOwner(sheet, row, one)", to: "false" },
    ],
    caughtBy: {
      file: "core/plan/members.test",
      test: "a member is not removed when another server",
    },
  },
  {
    id: "witness-tags",
    guard: "a delete needs our tags on the server, read right before",
    rule: "B9.5",
    edits: [
      {
        file: "supervisor/converge/act-delete.js",
        from: "if (seen && !isOurs(seen, ownershipOf(context.installation, key, row)))",
        to: "if (false)",
      },
    ],
    caughtBy: {
      file: "simulation/stories/orphans.test",
      test: "B9.5 a server whose tags somebody changed is not deleted",
    },
  },
  {
    id: "witness-ledger",
    guard:
      "a delete needs a row that is leaving: by the planner, its second opinion, and right before",
    rule: "B9.5",
    edits: [
      {
        file: "core/plan/plan-placement.js",
        from: 'if (row.state !== "deleting" || row.cloudId === undefined)',
        to: "if (row.cloudId === undefined)",
      },
      { file: "core/plan/check-plan.js", from: "isStateFor(step.kind, row?.state);", to: "true;" },
      {
        file: "supervisor/converge/act-delete.js",
        from: 'row?.state === "deleting" && row.cloudId === cloudId ? row',
        to: "row ? row",
      },
    ],
    caughtBy: { file: guards, test: "M2.1 what was decided is decided once" },
  },
];
