import type { Mutation } from "./mutation.js";

const colos = "supervisor/colos.test";
const spill = "supervisor/spill.test";
const carry = "core/policy/carry.js";

/** What colos do for each other while they hear little of each other: B11, M3, M7. */
export const coloMutations: readonly Mutation[] = [
  {
    id: "raise-after-lowering",
    guard: "a max that an edit moves is raised only once it is lowered where it comes from",
    rule: "B11.4",
    edits: [
      {
        file: "core/policy/limit-moves.js",
        from: "doc.groupGeneration < lowered",
        to: "false",
      },
      {
        file: "core/policy/limit-moves.js",
        from: "return doc.max > maxIn(group.placements, colo);",
        to: "return false;",
      },
    ],
    caughtBy: { file: colos, test: "B11.4 M3.1 while the colo that gives is stopped" },
  },
  {
    id: "raise-on-the-newest",
    guard: "an edit that others have gone beyond raises nothing",
    rule: "B11.4",
    edits: [
      {
        file: "core/policy/limit-moves.js",
        from: "return doc.max > maxIn(group.placements, colo);",
        to: "return false;",
      },
    ],
    caughtBy: {
      file: "core/policy/limit-moves.test",
      test: "B11.4 whatever edits each placement skips",
    },
  },
  {
    id: "spill-waits-for-its-grace",
    guard: "a colo that comes and goes moves nothing",
    rule: "B11.4",
    edits: [
      {
        file: "supervisor/peers/colo-watch.js",
        from: "clock.monotonicMs() - sinceMs < steadyAfterMs",
        to: "false",
      },
    ],
    caughtBy: { file: spill, test: "B11.4 a colo that comes and goes" },
  },
  {
    id: "spill-within-max",
    guard: "what is carried stays within the placement's own max",
    rule: "B11.4",
    edits: [
      {
        file: carry,
        from: "max: Math.max(current, maxes.get(colo))",
        to: "max: 2_000",
      },
      {
        file: "core/model/carried.js",
        from: "Math.min(doc.target + carried, doc.max)",
        to: "doc.target + carried",
      },
    ],
    caughtBy: { file: spill, test: "B11.4 a share is carried only as far" },
  },
  {
    id: "spill-is-counted-back",
    guard: "a share goes back no faster than the colo's own servers come into service",
    rule: "B11.4",
    edits: [
      {
        file: carry,
        from: 'return health === "well" ? Math.min(part, had?.servers ?? 0) : part;',
        to: 'return health === "well" ? 0 : part;',
      },
    ],
    caughtBy: { file: spill, test: "B11.4 a share goes back as fast" },
  },
  {
    id: "older-pause-order",
    guard: "a pause that comes late does not undo what was said after it",
    rule: "B11.3",
    edits: [
      {
        file: "supervisor/placements/pause-order.js",
        from: '(doc.pauseOrder ?? "") >= order.id',
        to: "false",
      },
    ],
    caughtBy: { file: colos, test: "B11.3 of a pause and its end" },
  },
  {
    id: "alerts-handed-over",
    guard: "of two colos that led one alone repeats what an alert asks for",
    rule: "B11.2",
    edits: [{ file: "supervisor/converge/look-after.js", from: "if (lead) {", to: "if (false) {" }],
    caughtBy: { file: colos, test: "B3.3 B11.2 a colo that does not lead any more" },
  },
  {
    id: "late-commands",
    guard: "a command that the network has kept is not begun once its sender has given it up",
    rule: "B11.2",
    edits: [
      { file: "drivers/peers-http2/silence.js", from: "isLong(side.heardAtMs)", to: "false" },
    ],
    caughtBy: {
      file: "drivers/peers/peers.test",
      test: "M7.2 B11.2 a command that the network has kept",
    },
  },
  {
    id: "asleep-commands",
    guard: "a node that stood still does not begin with what came meanwhile",
    rule: "B11.2",
    edits: [
      { file: "drivers/peers-http2/listener.js", from: "|| silence.slept()", to: "|| false" },
    ],
    caughtBy: { file: "drivers/peers/peers.test", test: "M7.2 a node that slept does not begin" },
  },
];
