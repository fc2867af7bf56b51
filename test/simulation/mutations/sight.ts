import type { Mutation } from "./mutation.js";

const losses = "core/plan/losses.js";
const judge = "core/plan/judge.js";
const watch = "supervisor/converge/watch.js";
const faults = "supervisor/cloud-faults.test";
const listings = "simulation/stories/listings.test";

/** What is not seen is not gone: B4.3, B9.2, B9.6, B9.7. */
export const sightMutations: readonly Mutation[] = [
  {
    id: "partial-listing",
    guard: "a listing that broke off makes no plan",
    rule: "B4.3",
    edits: [
      {
        file: watch,
        from: 'look = { kind: "failed"',
        to: 'look = kind !== "notFound" ? { kind: "seen", askedAtMs, value: { byPlacement: new Map(), byAddress: new Map() } } : { kind: "failed"',
      },
    ],
    caughtBy: { file: faults, test: "B4.3 a partial listing (pageFails)" },
  },
  {
    id: "page-repeated",
    guard: "a page that comes twice breaks a listing off",
    rule: "B4.3",
    edits: [
      {
        file: watch,
        from: "if (listed.next === cursor || (fresh === 0 && listed.servers.length > 0))",
        to: "if (listed.next === cursor) return { byPlacement, byAddress };\n        if (false)",
      },
    ],
    caughtBy: { file: faults, test: "B4.3 a partial listing (pageRepeated)" },
  },
  {
    id: "look-up-before-loss",
    guard: "what a listing lacks is looked up before it counts as gone",
    rule: "B4.3",
    edits: [
      {
        file: judge,
        from: 'if (found === "gone" && (why || doubts.missing.has(row)))',
        to: "if (doubts.missing.has(row))",
      },
    ],
    caughtBy: { file: listings, test: "B4.3 a listing cut off after 19 of 20" },
  },
  {
    id: "unknown-is-not-gone",
    guard: "a look-up that failed says nothing",
    rule: "B4.3",
    edits: [
      {
        file: judge,
        from: 'if (found === "gone" && (why',
        to: 'if ((found === "gone" || found === "unknown") && (why',
      },
    ],
    caughtBy: { file: listings, test: "B4.3 a few are not listed and cannot be looked up" },
  },
  {
    id: "orphans-reported",
    guard: "a server with our tags and without a row is reported",
    rule: "B9.6",
    edits: [
      {
        file: "core/plan/orphans.js",
        from: 'sheet.event("server.orphan"',
        to: 'void ("server.orphan"',
      },
    ],
    caughtBy: {
      file: "simulation/stories/orphans.test",
      test: "B9.5 B9.6 a customer's servers with copied tags",
    },
  },
  {
    id: "older-copy-is-ours",
    guard: "of two servers with the same tag, the one that was there first is ours",
    rule: "B9.6",
    edits: [
      {
        file: judge,
        from: "server.createdAtMs < other.createdAtMs",
        to: "server.createdAtMs > other.createdAtMs",
      },
      {
        file: "core/plan/tags.js",
        from: "a.createdAtMs - b.createdAtMs",
        to: "b.createdAtMs - a.createdAtMs",
      },
    ],
    caughtBy: {
      file: "simulation/stories/orphans.test",
      test: "B4.5 B9.6 a copy made while our create's answer is lost",
    },
  },
  {
    id: "older-than-its-intention",
    guard: "a server that was there before the intention whose tag it carries is not ours",
    rule: "B9.6",
    edits: [
      {
        file: "core/plan/tags.js",
        from: "createdAtMs < row.createdAtMs - clockSkewMsMax",
        to: "false",
      },
    ],
    caughtBy: {
      file: "simulation/stories/orphans.test",
      test: "B4.5 B9.6 a customer's older server with our copied tags",
    },
  },
  {
    id: "loss-ramp",
    guard: "much that is lost for certain is replaced at a ramp",
    rule: "B9.2",
    edits: [{ file: losses, from: "isFew ? fewOf(known) : aMinute", to: "known" }],
    caughtBy: { file: "simulation/stories/host-failure.test", test: "B9.2 a host failure" },
  },
  {
    id: "what-may-pass-stays",
    guard: "what may pass gives up no server while a pause or a brake keeps it from being replaced",
    rule: "B9.1",
    edits: [
      { file: "core/plan/stays.js", from: "passing.has(why.code) ?", to: "false ?" },
      { file: "core/plan/check-plan.js", from: "!(halts && isGivenUp", to: "!(false" },
    ],
    caughtBy: { file: "supervisor/stays.test", test: "B8.3 B4.2 a maintenance longer" },
  },
  {
    id: "no-second-fleet",
    guard: "servers that may be newer than the ledger hold all work until they are asked for",
    rule: "B9.5",
    edits: [
      {
        file: "core/plan/orphans.js",
        from: "if (!isKnown && provesLoss(sheet, claims))",
        to: "if (false)",
      },
      { file: "core/plan/quarantine.js", from: ": withheld;", to: ": 0;" },
    ],
    caughtBy: {
      file: "simulation/stories/backup.test",
      test: "B9.5 M6.2 a backup restored while look-ups",
    },
  },
  {
    id: "ramp-to-the-end",
    guard: "what is left of many goes at the ramp too",
    rule: "B9.2",
    edits: [{ file: losses, from: "!goesOn && doubted", to: "doubted" }],
    caughtBy: { file: "simulation/stories/host-failure.test", test: "B9.2 a host failure" },
  },
  {
    id: "suspicion-holds",
    guard: "much that is only suspected waits for a person",
    rule: "B9.2",
    edits: [
      {
        file: "core/plan/suspects.js",
        from: "if (held && !sheet.isAcknowledged())",
        to: "if (false)",
      },
    ],
    caughtBy: { file: "core/plan/losses.test", test: "few that cannot be confirmed" },
  },
];
