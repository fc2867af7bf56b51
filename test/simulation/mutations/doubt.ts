import type { Mutation } from "./mutation.js";

const checkPlan = "core/plan/check-plan.js";
const quarantine = "core/plan/quarantine.js";
const rebuildTest = "supervisor/rebuild.test";
const quarantineTest = "supervisor/quarantine.test";
const fileSwitch = "supervisor/colo/file-switch.js";
const fileTest = "supervisor/file-switch.test";
const guards = "simulation/guards/guards.test";
const findings = "supervisor/monitor/findings.js";
const bites = "supervisor/monitor-bites.test";

/** What is not proven is left alone, and what breaks a promise is stopped: B9.1, B9.5. */
export const doubtMutations: readonly Mutation[] = [
  {
    id: "quarantine-until-proven",
    guard: "after a start, surplus stays until ledger and listing agree",
    rule: "B9.5",
    edits: [
      { file: quarantine, from: "return doubt && !agrees(sheet)", to: "return false" },
      { file: checkPlan, from: "doubt && !plan.agrees", to: "false" },
    ],
    caughtBy: { file: guards, test: "B9.5 after a start, what may be gone" },
  },
  {
    id: "quarantine-of-a-backup",
    guard: "a ledger that went back deletes nothing until a person confirms it",
    rule: "B9.5",
    edits: [
      { file: quarantine, from: "return isAlike && claims > newestServer", to: "return false" },
    ],
    caughtBy: { file: quarantineTest, test: "B9.5 M6.2 an old backup restored" },
  },
  {
    id: "lost-ledger-unheard",
    guard: "a server that would prove the ledger lost holds the plan until it was looked up",
    rule: "B9.5",
    edits: [{ file: "core/plan/orphans.js", from: "sheet.hold()", to: "void 0" }],
    caughtBy: {
      file: "core/plan/orphans.test",
      test: "while newer servers are not asked for",
    },
  },
  {
    id: "rebuilt-is-confirmed",
    guard: "a rebuilt ledger removes nothing until a person confirms it",
    rule: "B9.5",
    edits: [
      {
        file: "supervisor/commands/rebuild-ledger.js",
        from: "quarantine: doc.quarantine ?? { sinceMs: nowMs, reason, principal }",
        to: "quarantine: undefined",
      },
    ],
    caughtBy: { file: rebuildTest, test: "B9.5 a rebuilt ledger removes nothing" },
  },
  {
    id: "sweep",
    guard: "what carries the name of a group that is gone is looked for",
    rule: "B9.6",
    edits: [{ file: "supervisor/sweeper.js", from: "if (tagged === colo.id)", to: "if (false)" }],
    caughtBy: { file: "supervisor/sweeper.test", test: "B9.6 M6.1 a server in the name" },
  },
  {
    id: "switch-file",
    guard: "the switch file stops calls while the store is down",
    rule: "B9.1",
    edits: [{ file: fileSwitch, from: "return operations.map(", to: "return [].map(" }],
    caughtBy: { file: fileTest, test: "B9.1 the switch file stops everything" },
  },
  {
    id: "switch-file-unreadable",
    guard: "a switch file that cannot be read stops everything",
    rule: "B9.1",
    edits: [
      {
        file: fileSwitch,
        from: "await one.read().catch(",
        to: "await one.read().catch(() => undefined).catch(",
      },
    ],
    caughtBy: { file: fileTest, test: "B9.1 a switch file can name colos and classes" },
  },
  {
    id: "monitor-pauses",
    guard: "a placement that breaks a promise is paused",
    rule: "M6.1",
    edits: [{ file: findings, from: "if (!pauses)", to: "if (true)" }],
    caughtBy: { file: bites, test: "I3 more creates than the target" },
  },
  {
    id: "monitor-brakes",
    guard: "calls that break a promise of the colo's are stopped for all of it",
    rule: "M6.1",
    edits: [{ file: findings, from: "if (found.coloWide !== undefined)", to: "if (false)" }],
    caughtBy: { file: bites, test: "I9 more calls at once than the allowance" },
  },
];
