import type { Mutation } from "./mutation.js";

const rebuild = "core/plan/rebuild.js";
const fleet = "core/plan/fleet.js";
const table = "core/plan/rebuild.test";

/** What a rebuild must not do: B8.5. */
export const rebuildMutations: readonly Mutation[] = [
  {
    id: "successor-first",
    guard: "no server is taken out before as many serve as a rebuild has to leave",
    rule: "B8.5",
    edits: [
      { file: rebuild, from: "(serves.has(row) ? available : counted) <= fewest", to: "false" },
    ],
    caughtBy: { file: table, test: "B8.5 an old server goes once its successor serves" },
  },
  {
    id: "successor-is-active",
    guard: "who is not ACTIVE in the cloud stands in for nobody",
    rule: "B8.5",
    edits: [{ file: fleet, from: "active.has(row.cloudId)", to: "true" }],
    caughtBy: { file: table, test: "B8.5 a successor that the cloud does not show" },
  },
  {
    id: "successor-is-healthy",
    guard: "who is unhealthy in a load balancer stands in for nobody",
    rule: "B8.5",
    edits: [{ file: fleet, from: "!row.memberships.some(", to: "!([]).some(" }],
    caughtBy: { file: table, test: "B8.5 a successor that a load balancer has unhealthy" },
  },
  {
    id: "successor-has-served",
    guard: "a new server is counted on only after the group's warm-up",
    rule: "B8.5",
    edits: [{ file: fleet, from: "sheet.seen.nowMs >= provenAtMs", to: "true" }],
    caughtBy: { file: table, test: "B8.5 a successor has to serve for the group's warm-up" },
  },
  {
    id: "rebuild-heeds-brakes",
    guard: "a rebuild takes nobody out whom it could not replace",
    rule: "B9.1",
    edits: [{ file: rebuild, from: "replacementStopped(sheet) ??", to: "" }],
    caughtBy: { file: table, test: "B8.5 B9.1 under a brake" },
  },
  {
    id: "rebuild-heeds-quarantine",
    guard: "a rebuild takes nobody out while the ledger is in doubt",
    rule: "B9.5",
    edits: [{ file: rebuild, from: "keepsSurplus(sheet) ??", to: "" }],
    caughtBy: { file: table, test: "B8.5 B9.5 in quarantine" },
  },
  {
    id: "rebuild-leaves-protected",
    guard: "a rebuild leaves protected servers",
    rule: "B4.4",
    edits: [{ file: rebuild, from: "!isPinned(row) && ", to: "" }],
    caughtBy: { file: table, test: "B8.5 B4.4 who is protected stays" },
  },
  {
    id: "failures-stop-a-rebuild",
    guard: "so many failed new servers stop a rebuild",
    rule: "B8.5",
    edits: [
      {
        file: "core/plan/proven.js",
        from: "counted.failures >= mark.options.stopAfter",
        to: "false",
      },
    ],
    caughtBy: { file: table, test: "B8.5 B2.6 what is unproven is not scaled out with" },
  },
  {
    id: "unproven-waits-for-a-rebuild",
    guard: "scaling out uses the last proven launch revision",
    rule: "B8.5",
    edits: [{ file: "core/model/launches.js", from: "return isKept && ", to: "return false && " }],
    caughtBy: { file: table, test: "B8.5 B2.6 what is unproven is not scaled out with" },
  },
  {
    id: "checkpoints-wait",
    guard: "a rebuild waits at its checkpoints",
    rule: "B8.5",
    edits: [{ file: "core/plan/rebuild-phases.js", from: "reached > mark.passed", to: "false" }],
    caughtBy: { file: table, test: "B8.5 a checkpoint that is reached" },
  },
  {
    id: "colo-after-colo",
    guard: "a colo is rebuilt once those before it are",
    rule: "B8.5",
    edits: [
      {
        file: "supervisor/converge/rebuild-turn.js",
        from: 'marks.every((mark) => mark?.phase === "completed")',
        to: "true",
      },
    ],
    caughtBy: {
      file: "supervisor/rolling-rebuild-colos.test",
      test: "B8.5 B11.1 colos are rebuilt one after the other",
    },
  },
];
