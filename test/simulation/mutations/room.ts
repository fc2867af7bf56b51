import type { Mutation } from "./mutation.js";

const choose = "core/plan/choose-launch.js";
const caught = (test: string) => ({ file: "supervisor/no-room.test", test });

/** Where a cloud has no room, what else may be tried is, and it is not stormed: B4.7. */
export const roomMutations: readonly Mutation[] = [
  {
    id: "no-room-is-left-out",
    guard: "what there is no room for is not asked for again yet",
    rule: "B4.7",
    edits: [
      { file: choose, from: "return nowMs >= mark.untilMs &&", to: "return" },
      { file: "core/plan/check-plan.js", from: "!mark || seen.nowMs >= mark.untilMs", to: "true" },
    ],
    caughtBy: caught("B4.7 no room in a zone"),
  },
  {
    id: "one-tries-first",
    guard: "where there lately was no room one server tries it before others follow",
    rule: "B4.7",
    edits: [{ file: choose, from: "if (tried.has(pair))", to: "if (false)" }],
    caughtBy: caught("B4.7 no room for a flavor"),
  },
  {
    id: "zones-balanced",
    guard: "servers are balanced over zones",
    rule: "B4.7",
    edits: [{ file: choose, from: "(inZone.get(pair.zone) ?? 0) <", to: "0 >" }],
    caughtBy: caught("B4.7 zones are balanced"),
  },
  {
    id: "all-out-backs-off",
    guard: "a group whose every choice is out backs off",
    rule: "B4.6",
    edits: [
      {
        file: "core/plan/no-room.js",
        from: "if (!pairs.every((pair) => isOut(marked, pair, nowMs)))",
        to: "if (true)",
      },
    ],
    caughtBy: caught("B4.7 B4.6 no room anywhere"),
  },
];
