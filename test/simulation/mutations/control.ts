import type { Mutation } from "./mutation.js";

const gate = "supervisor/colo/gate.js";
const checkPlan = "core/plan/check-plan.js";
const balance = "core/plan/balance.js";
const pausedTest = "supervisor/paused-processes.test";
const plans = "core/plan/paused-processes.test";

/** What a person pauses alone: B8.1. */
export const controlMutations: readonly Mutation[] = [
  {
    id: "gate-process",
    guard: "what waited when its process was paused does not begin",
    rule: "B8.1",
    edits: [{ file: gate, from: "if (stop)", to: "if (false)" }],
    caughtBy: { file: pausedTest, test: "B8.1 what scaling out had queued" },
  },
  {
    id: "vacant-stays",
    guard: "while replacement is paused a lost server's place stays vacant",
    rule: "B8.1",
    edits: [
      { file: balance, from: 'room("replacement", vacant)', to: "vacant" },
      { file: checkPlan, from: "!isReplaced || replaces === 0", to: "true" },
      { file: checkPlan, from: "!isReplaced || creates === 0", to: "true" },
    ],
    caughtBy: { file: plans, test: "B8.1 replacement is paused" },
  },
  {
    id: "vacant-counted",
    guard: "a server that served and is lost is told apart from what the target asks for",
    rule: "B8.1",
    edits: [{ file: "core/plan/vacancies.js", from: "vacant + lost", to: "vacant" }],
    caughtBy: { file: plans, test: "B8.1 replacement is paused" },
  },
  {
    id: "scale-out-waits",
    guard: "while scaling out is paused a raised target makes no server",
    rule: "B8.1",
    edits: [
      { file: balance, from: 'room("scaleOut", missing - vacant)', to: "missing - vacant" },
      { file: checkPlan, from: "!isOut || creates === replaces", to: "true" },
    ],
    caughtBy: { file: plans, test: "B8.1 scaling out is paused" },
  },
  {
    id: "scale-in-waits",
    guard: "while scaling in is paused nobody is chosen to leave",
    rule: "B8.1",
    edits: [
      { file: balance, from: '"unconfirmed" || paused', to: '"unconfirmed"' },
      {
        file: checkPlan,
        from: 'isScaledIn(row, seen.doc) && processStopped(seen.doc, "scaleIn")',
        to: "false",
      },
    ],
    caughtBy: { file: plans, test: "B8.1 scaling in is paused" },
  },
  {
    id: "drain-stands-still",
    guard: "a drain that scaling in began stands still while that is paused",
    rule: "B8.1",
    edits: [
      {
        file: "core/plan/plan-members.js",
        from: 'if (callStopped(sheet.seen.doc, "loadBalancer", row))',
        to: "if (false)",
      },
    ],
    caughtBy: { file: pausedTest, test: "B8.1 B5.3 a drain that scaling in began" },
  },
  {
    id: "alerts-refused",
    guard: "what monitors say asks for nothing while alerts are paused",
    rule: "B8.1",
    edits: [
      {
        file: "core/policy/checks.js",
        from: 'source === "manual" && ask.kind !== "alert" ? undefined : "alerts"',
        to: "undefined",
      },
    ],
    caughtBy: { file: pausedTest, test: "B8.1 B3.5 paused alerts are taken in" },
  },
  {
    id: "refused-runs-later",
    guard: "an occurrence that paused schedules refused runs once after it",
    rule: "B7.2",
    edits: [{ file: "core/policy/agenda.js", from: "last?.waits && !isPaused", to: "false" }],
    caughtBy: { file: pausedTest, test: "B8.1 B7.2 an occurrence that a pause refused" },
  },
  {
    id: "orders-compose",
    guard: "a colo that was cut off hears of each process, not of the last word alone",
    rule: "B11.3",
    edits: [
      {
        file: "core/model/pause.js",
        from: "saysOf(older).every((one) => said.includes(one))",
        to: "true",
      },
    ],
    caughtBy: { file: pausedTest, test: "B11.3 B8.1 a cut-off colo hears" },
  },
];
