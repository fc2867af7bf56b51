import type { Mutation } from "./mutation.js";

const admit = "core/admission/admit.js";
const allowance = "core/admission/allowance.js";
const found = "supervisor/found.test";
const guards = "simulation/guards/guards.test";
const outage = "core/admission/outage.test";
const lanes = "supervisor/converge/balancer-lanes.js";
const sends = "supervisor/converge/send-members.js";
const waves = "simulation/drill/waves.test";
const wave = "M6.3 B9.4 no wave of demand after an outage hurts those who share the cloud, seed 4";
const members = "supervisor/members.test";

/** What the outside can bear, and whose it is: B5.4, B9.4, B9.7. */
export const outsideMutations: readonly Mutation[] = [
  {
    id: "allowance",
    guard: "no more calls are in flight than the allowance",
    rule: "B9.4",
    edits: [
      {
        file: admit,
        from: "if (atCloud >= inFlightAllowed(state, moment.share))",
        to: "if (false)",
      },
    ],
    caughtBy: { file: guards, test: "B9.4 two nodes of a colo" },
  },
  {
    id: "probe-alone",
    guard: "an open circuit lets one probe through at a time",
    rule: "B9.4",
    edits: [{ file: admit, from: "if (state.inFlight > 0)", to: "if (false)" }],
    caughtBy: { file: guards, test: "B9.4 an open circuit lets" },
  },
  {
    id: "probe-waits",
    guard: "probes come ever more rarely, and no call before Retry-After",
    rule: "B9.4",
    edits: [{ file: admit, from: "if (nowMs < state.notBeforeMs)", to: "if (false)" }],
    caughtBy: { file: outage, test: "B9.4 a cloud that answers 5xx to everything" },
  },
  {
    id: "rate",
    guard: "a cloud that throttles gets no more calls a second than it takes",
    rule: "B9.4",
    edits: [{ file: admit, from: "if (state.tokens < 1)", to: "if (false)" }],
    caughtBy: { file: outage, test: "B9.4 a cloud that takes 20 calls a second" },
  },
  {
    id: "slow-alone",
    guard: "a call that is slow though it is alone tells of an outage, open circuit or not",
    rule: "B9.4",
    edits: [
      { file: allowance, from: "const isDown = round.peak === 1", to: "const isDown = false" },
    ],
    caughtBy: { file: waves, test: wave },
  },
  {
    id: "proven",
    guard: "after an outage the allowance is not far above what was used of it",
    rule: "B9.4",
    edits: [{ file: allowance, from: "...(isGentle ? proven(", to: "...(false ? proven(" }],
    caughtBy: { file: waves, test: wave },
  },
  {
    id: "nodes-share",
    guard: "a node takes its share of the colo's allowance",
    rule: "B9.4",
    edits: [
      { file: admit, from: "Math.floor(window * share + epsilon)", to: "Math.floor(window)" },
    ],
    caughtBy: { file: guards, test: "B9.4 two nodes of a colo" },
  },
  {
    id: "call-ends",
    guard: "a call that is not answered is given up on",
    rule: "B4.11",
    edits: [
      {
        file: "supervisor/deadline.js",
        from: "clock.after(limit.deadlineMs, ",
        to: "clock.after(limit.deadlineMs * 1_000, ",
      },
    ],
    caughtBy: { file: members, test: "B5.4 a load balancer that does not answer" },
  },
  {
    id: "credentials-pin",
    guard: "credentials that answer for another project than the pinned one stop the account",
    rule: "B9.7",
    edits: [
      {
        file: "supervisor/colo/pinned.js",
        from: "read({ ...request, ...pin }, limit)",
        to: "read(request, limit)",
      },
      {
        file: "supervisor/colo/pinned.js",
        from: "send(one, { ...request, ...pin })",
        to: "send(one, request)",
      },
    ],
    caughtBy: {
      file: "simulation/stories/credentials.test",
      test: "B9.7 credentials that answer for another project are no loss of 3",
    },
  },
  {
    id: "lane-alone",
    guard: "a load balancer is changed by one call at a time",
    rule: "B5.4",
    edits: [{ file: lanes, from: "if (lane.busy || !first)", to: "if (!first)" }],
    caughtBy: { file: members, test: "B5.4 groups that share a load balancer" },
  },
  {
    id: "lane-account",
    guard: "members are changed only as the account that they belong to",
    rule: "M9.4",
    edits: [{ file: lanes, from: "key.account === account", to: "true" }],
    caughtBy: { file: members, test: "M9.4 B5.4 accounts that share a load balancer" },
  },
  {
    id: "member-anothers",
    guard: "a member stays whose address another account's server has",
    rule: "B5.2",
    edits: [
      {
        file: sends,
        from: "return other !== undefined && other !== server;",
        to: "return false;",
      },
    ],
    caughtBy: { file: found, test: "B5.2 a member stays whose address" },
  },
  {
    id: "removal-waits",
    guard: "a removal that waited is not sent for a server that is back in service",
    rule: "B5.3",
    edits: [
      {
        file: sends,
        from: '(step.kind === "remove") === (one.state === "removing")',
        to: '(step.kind === "remove" || one.state !== "removing")',
      },
    ],
    caughtBy: { file: found, test: "B5.2 B5.3 a server that is back in service" },
  },
];
