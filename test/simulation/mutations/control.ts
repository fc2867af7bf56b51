import type { Mutation } from "./mutation.js";

const gate = "supervisor/colo/gate.js";
const checkPlan = "core/plan/check-plan.js";
const balance = "core/plan/balance.js";
const pausedTest = "supervisor/paused-processes.test";
const plans = "core/plan/paused-processes.test";
const standBy = "core/plan/stand-by.test";
const standsTest = "supervisor/stand-by.test";

/** What a person pauses alone, and who stands by: B8.1. */
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
      { file: balance, from: 'room("replacement", vacant + surge)', to: "(vacant + surge)" },
      { file: checkPlan, from: "!isReplaced || replaces === 0", to: "true" },
      { file: checkPlan, from: "!isReplaced || creates === 0", to: "true" },
    ],
    caughtBy: { file: plans, test: "a lost server is told as the shortage" },
  },
  {
    id: "vacant-counted",
    guard: "a server that served and is lost is told apart from what the target asks for",
    rule: "B8.1",
    edits: [{ file: "core/plan/vacancies.js", from: "vacant + lost", to: "vacant" }],
    caughtBy: { file: plans, test: "a lost server is told as the shortage" },
  },
  {
    id: "scale-out-waits",
    guard: "while scaling out is paused a raised target makes no server",
    rule: "B8.1",
    edits: [
      {
        file: balance,
        from: 'room("scaleOut", missing - surge - vacant)',
        to: "(missing - surge - vacant)",
      },
      { file: checkPlan, from: "!isOut || creates === replaces", to: "true" },
    ],
    caughtBy: { file: plans, test: "more are asked for and none is made" },
  },
  {
    id: "scale-in-waits",
    guard: "while scaling in is paused nobody is chosen to leave",
    rule: "B8.1",
    edits: [
      { file: balance, from: '"unconfirmed" || paused', to: '"unconfirmed"' },
      {
        file: checkPlan,
        from: 'isScaledIn(row, doc) && processStopped(doc, "scaleIn")',
        to: "false",
      },
    ],
    caughtBy: { file: plans, test: "nobody is chosen, and what has begun" },
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
    caughtBy: { file: plans, test: "nobody is chosen, and what has begun" },
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
        from: "says.every((one) => said.has(one))",
        to: "said.size > 0",
      },
    ],
    caughtBy: { file: pausedTest, test: "B11.3 B8.1 a cut-off colo hears" },
  },
  {
    id: "stands-by-out",
    guard: "who stands by leaves its load balancers",
    rule: "B8.1",
    edits: [
      {
        file: "core/plan/plan-members.js",
        from: 'case "standingBy":\n                plan.drain(row, limits);',
        to: 'case "standingBy":',
      },
    ],
    caughtBy: { file: standBy, test: "B5.3 it finishes its connections" },
  },
  {
    id: "stands-by-lost",
    guard: "who is lost while standing by is no loss of those that serve",
    rule: "B8.1",
    edits: [{ file: "core/plan/judge.js", from: ' || row.state === "standingBy"', to: "" }],
    caughtBy: { file: standBy, test: "once it is gone for certain" },
  },
  {
    id: "stands-by-ends",
    guard: "who stands by goes with its group",
    rule: "B8.4",
    edits: [{ file: "core/plan/stand-by.js", from: "!doc.deleting && spec", to: "true" }],
    caughtBy: { file: standBy, test: "B8.4 it goes with its group" },
  },
  {
    id: "recall-room",
    guard: "who stood by comes back only while there is room below max",
    rule: "B8.1",
    edits: [
      {
        file: "supervisor/commands/stand-by.js",
        from: "doc.deleting || counted >= max",
        to: "doc.deleting",
      },
    ],
    caughtBy: { file: standsTest, test: "B8.1 it comes back only while there is room" },
  },
  {
    id: "recalled-stays",
    guard: "the surplus that a return makes never costs the server that returns",
    rule: "B8.1",
    edits: [
      {
        file: "supervisor/commands/stand-by.js",
        from: "raised ? {} :",
        to: "true ? {} :",
      },
    ],
    caughtBy: { file: standsTest, test: "B8.1 with --replace another takes its place" },
  },
];
