import { type PausableProcess, pausableProcesses } from "../../src/core/model/pausable.js";
import type { Amount } from "../../src/core/model/rebuild.js";
import { createCup, type Dice } from "./dice.js";
import { drawFaults } from "./draw-faults.js";
import type {
  Action,
  ColoPlan,
  GroupPlan,
  NodePlan,
  OperatorAction,
  Scenario,
  TenantAction,
} from "./scenario.js";
import { nameOf } from "./scenario.js";
import { drawSchedules } from "./schedules.js";

/** About so many groups times hours in the first phase of each scenario. */
const groupHours = 9.2;
const minute = 60_000;
/** Many for a short time and some for longer: groups cost their beginning, time its polling. */
const groupsCounts = [10, 20, 20, 30, 30, 30, 30, 40, 40, 60, 80];

/** Everything that a seed stands for: sizes, which faults there are, and who does what when. */
export function drawScenario(seed: number): Scenario {
  const cup = createCup(seed);
  const sizes = cup.dice("sizes");
  const groupsCount = sizes.pick(groupsCounts);
  const durationMs = Math.round((groupHours * 60 * minute) / groupsCount);
  const nodesCount = sizes.chance(0.2) ? 3 : 2;
  const colosTogether = sizes.chance(0.2) ? 2 : 1;
  const colosApart = drawColosApart(cup.dice("colos apart"));
  const colos = ["iad", "dfw", "ams"]
    .slice(0, colosApart.length || colosTogether)
    .map((id) => drawColo(cup.dice(`colo ${id}`), id));
  const nodes: NodePlan[] = colosApart.flatMap((count, at) =>
    Array.from({ length: count }, (_, index) => ({
      ...drawNode(cup.dice(`node ${at} ${index}`), 3 * at + index),
      colo: colos[at]!.id,
    })),
  );
  if (nodes.length === 0)
    for (let index = 0; index < nodesCount; index++)
      nodes.push(drawNode(cup.dice(`node ${index}`), index));
  const groups = Array.from({ length: groupsCount }, (_, index) =>
    drawGroup(cup.dice(`group ${index}`), index, colos),
  );
  const actions: Action[] = [
    ...groups.flatMap((group) =>
      drawTenant(cup.dice(`tenant ${nameOf(group)}`), group, durationMs),
    ),
    ...groups.flatMap((group) =>
      drawSchedules(cup.dice(`schedules ${nameOf(group)}`), group, durationMs),
    ),
    ...groups.flatMap((group) =>
      drawRebuilds(cup.dice(`rebuilds ${nameOf(group)}`), group, durationMs),
    ),
    ...colos.flatMap((colo) => drawOperator(cup.dice(`operator ${colo.id}`), colo.id, durationMs)),
    ...colos.map((colo) => badImageIn(colo.id, durationMs)),
    ...drawFaults(cup.dice, { nodes, colos, groups, durationMs }),
  ];
  const inOrder = actions.toSorted((a, b) => a.atMs - b.atMs);
  return { seed, durationMs, nodes, colos, groups, actions: inOrder };
}

/** How many nodes each colo has of its own; none: every node serves all that there is. */
function drawColosApart(dice: Dice): readonly number[] {
  if (!dice.chance(0.15)) return [];
  return Array.from({ length: dice.whole(2, 3) }, () => dice.whole(1, 2));
}

function drawNode(dice: Dice, index: number): NodePlan {
  const isWrong = dice.chance(0.4);
  return {
    name: `node-${index + 1}`,
    wallMs: isWrong ? dice.whole(-1_500, 1_500) : 0,
    driftPpm: dice.whole(-200, 200),
  };
}

function drawColo(dice: Dice, id: string): ColoPlan {
  const slowestMs = dice.pick([20, 120, 600]);
  return {
    id,
    pollMs: dice.pick([4_000, 12_000]),
    slots: dice.pick([3, 8, 32]),
    latencyMs: { fromMs: 5, toMs: slowestMs },
    buildMs: { fromMs: 2_000, toMs: dice.pick([4_000, 8_000, 30_000, 90_000]) },
    listingLagMs: dice.pick([1_000, 5_000, 20_000]),
    createDeadlineMs: dice.pick([5_000, 20_000, 60_000]),
    pageServersMax: dice.pick([3, 10, 50]),
    balancers: dice.chance(0.6) ? ["lb-1", "lb-2"] : [],
  };
}

function drawGroup(dice: Dice, index: number, colos: readonly ColoPlan[]): GroupPlan {
  const several = dice.chance(0.4);
  const first = dice.whole(0, colos.length - 1);
  const where = several ? colos : [colos[first]!];
  const max = dice.pick([2, 3, 5, 5, 12]);
  return {
    account: `acc-${(index % dice.pick([1, 2, 3])) + 1}`,
    group: `g${index + 1}`,
    placements: where.map(({ id, balancers }) => ({
      colo: id,
      min: dice.chance(0.3) ? 1 : 0,
      max,
      balancers: balancers.filter(() => dice.chance(0.5)),
      drainTimeoutMs: dice.pick([0, 5_000, 60_000]),
    })),
    target: dice.whole(0, Math.min(dice.pick([1, 2, 6]), max)),
    surge: dice.pick([0, 0, 1]),
    buildTimeoutMs: dice.pick([3, 10]) * minute,
    stoppedGraceMs: dice.pick([10_000, minute]),
    scaleInOrder: dice.pick(["oldestFirst", "newestFirst", "oldestLaunchFirst"] as const),
    cooldownMs: dice.pick([0, 0, 30_000]),
    step: dice.whole(1, 2),
    spill: several && dice.chance(0.5),
    isStepped: dice.chance(0.3),
    scaleInMax: dice.pick([undefined, undefined, 1, 3]),
  };
}

type Asked = TenantAction extends infer One
  ? One extends TenantAction
    ? Omit<One, "group" | "via">
    : never
  : never;

/** What tenants do, each so often for one of what all do. */
const asks: readonly (readonly [number, (dice: Dice, group: GroupPlan) => Asked])[] = [
  [30, (dice, { placements }) => ({ ...targetOf(dice, placements[0]!.max) })],
  [14, (dice) => ({ kind: "change", change: dice.pick([-2, -1, 1, 2]), twice: twice(dice) })],
  [8, (dice) => ({ kind: "policy", policy: dice.pick(["up", "down"]), twice: twice(dice) })],
  [
    12,
    (dice) => ({
      kind: "alert",
      state: dice.pick(["critical", "critical", "ok", "warning", "unknown"] as const),
      key: dice.pick(["cpu", "disk"]),
      value: dice.pick([0.5, 0.9, 1.1]),
    }),
  ],
  [
    12,
    (dice) => ({
      kind: "metric",
      value: dice.pick([0, 0.1, 0.3, 0.5, 0.7, 1, undefined]),
      key: dice.pick(["s1", "s2"]),
    }),
  ],
  [3, (dice) => ({ kind: "force", target: dice.whole(0, 8), forMs: dice.spanMs(10_000, 600_000) })],
  [5, (dice, { placements }) => limitsOf(dice, placements.length)],
  [3, (dice) => ({ kind: "launch", image: dice.pick(["debian", "alpine", "arch"]) })],
  [3, () => ({ kind: "pause" })],
  [6, () => ({ kind: "resume" })],
  [4, (dice) => ({ kind: "pause", processes: drawProcesses(dice) })],
  [4, (dice) => ({ kind: "resume", processes: drawProcesses(dice) })],
  [3, (dice) => ({ kind: "protect", nth: dice.whole(0, 9), protect: dice.chance(0.5) })],
  [5, (dice) => ({ kind: "standBy", ...drawOf(dice), standBy: dice.chance(0.5) })],
  [8, (dice) => ({ kind: "deleteServer", nth: dice.whole(0, 9), replace: dice.chance(0.5) })],
  [2, (dice) => ({ kind: "deleteGroup", force: dice.chance(0.8) })],
  [3, () => ({ kind: "createGroup" })],
];
const asksTotal = asks.reduce((sum, [weight]) => sum + weight, 0);

function drawAsk(place: number) {
  let end = 0;
  for (const [weight, draw] of asks) {
    end += weight;
    if (place < end) return draw;
  }
  return asks[0]![1];
}

const drawOf = (dice: Dice) => ({ nth: dice.whole(0, 9), replace: dice.chance(0.5) });

/** One or two of what can be paused alone. */
function drawProcesses(dice: Dice): readonly PausableProcess[] {
  const one = dice.pick(pausableProcesses);
  const other = dice.pick(pausableProcesses);
  return one === other || dice.chance(0.5) ? [one] : [one, other];
}

const twice = (dice: Dice) => dice.chance(0.2);

function targetOf(dice: Dice, max: number): Asked {
  return { kind: "target", target: dice.whole(0, Math.min(6, max + 1)), twice: twice(dice) };
}

function limitsOf(dice: Dice, placements: number): Asked {
  if (placements > 1 && dice.chance(0.7))
    return { kind: "moveMax", nth: dice.whole(0, placements - 1), servers: dice.whole(1, 6) };
  const min = dice.whole(0, 2);
  return { kind: "limits", min, max: min + dice.pick([0, 2, 5, 8]) };
}

function drawTenant(dice: Dice, plan: GroupPlan, durationMs: number): Action[] {
  const everyMs = dice.spanMs(15 * minute, 240 * minute);
  const actions: Action[] = [];
  let atMs = dice.whole(0, everyMs);
  while (atMs < durationMs) {
    const asked = drawAsk(dice.real() * asksTotal)(dice, plan);
    actions.push({ atMs, group: nameOf(plan), via: dice.whole(0, 2), ...asked } as Action);
    // People do things in bursts.
    atMs += dice.chance(0.3) ? dice.spanMs(50, 5_000) : dice.whole(1_000, 2 * everyMs);
  }
  return actions;
}

/** Servers of it never come up, wherever they are made. */
const badImage = "broken";

function badImageIn(colo: string, forMs: number): Action {
  const fault = { kind: "buildError", text: "no such kernel", image: badImage } as const;
  return { atMs: 0, ...{ kind: "cloud", label: "badImage", colo, fault, share: 1, forMs } };
}

const amount = (dice: Dice): Amount =>
  dice.chance(0.5)
    ? { kind: "servers", servers: dice.whole(0, 3) }
    : { kind: "percent", percent: dice.pick([0, 10, 50, 100]) };

/** Somebody brings in another image, which may be a bad one, and says this or that while it goes. */
function drawRebuilds(dice: Dice, plan: GroupPlan, durationMs: number): Action[] {
  if (!dice.chance(0.4)) return [];
  const actions: Action[] = [];
  const about = () => ({ group: nameOf(plan), via: dice.whole(0, 2) });
  for (let atMs = dice.spanMs(5 * minute, 120 * minute); atMs < durationMs; ) {
    const image = dice.pick(["debian", "alpine", "arch", badImage]);
    const options = {
      ...{ surge: amount(dice), unavailable: amount(dice), pauseMs: dice.pick([0, 0, 30_000]) },
      ...{ checkpoints: dice.pick([[], [], [20], [10, 50]]), stopAfter: dice.whole(1, 4) },
      // Nobody is there in the end to say continue in one colo after the other.
      ...{ checkpointWaitMs: dice.spanMs(10_000, 10 * minute), rollBack: dice.chance(0.5) },
    };
    actions.push({ atMs, ...about(), kind: "rebuild", image, options });
    if (dice.chance(0.5)) {
      const word = dice.pick(["cancel", "continue", "rollBack"] as const);
      const laterMs = dice.spanMs(5_000, 10 * minute);
      actions.push({ atMs: atMs + laterMs, ...about(), kind: "rebuildWord", word });
    }
    atMs += dice.spanMs(10 * minute, 240 * minute);
  }
  return actions;
}

function drawOperator(dice: Dice, colo: string, durationMs: number): Action[] {
  const actions: Action[] = [];
  for (let atMs = dice.spanMs(2 * minute, 60 * minute); atMs < durationMs; ) {
    const of: OperatorAction = dice.chance(0.6)
      ? {
          kind: "brake",
          colo,
          via: dice.whole(0, 2),
          operations: dice.pick([
            ["create"],
            ["delete"],
            ["loadBalancer"],
            ["create", "delete", "loadBalancer"],
          ] as const),
          forMs: dice.spanMs(5_000, 10 * minute),
        }
      : { kind: "unbrake", colo, via: dice.whole(0, 2) };
    actions.push({ atMs, ...of });
    atMs += dice.spanMs(minute, 60 * minute);
  }
  return actions;
}
