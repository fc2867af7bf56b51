import type { SimulatedFault } from "../../src/drivers/cloud-simulated/index.js";
import type { BalancerFault } from "../../src/drivers/lb-simulated/faults.js";
import type { StoreFaultName } from "../../src/drivers/store-memory/index.js";
import type { Dice } from "./dice.js";
import type { Action, Scenario } from "./scenario.js";

type Sizes = Pick<Scenario, "nodes" | "colos" | "groups" | "durationMs">;
type Draw = (dice: Dice, sizes: Sizes) => Omit<Action, "atMs"> & { readonly kind: string };

const all = ["create", "delete", "get", "list", "find"] as const;

/** Faults of clouds by what they are counted as. */
const cloudFaults: Readonly<Record<string, (dice: Dice) => SimulatedFault>> = {
  answerLost: (dice) => ({ kind: "answerLost", on: "create", hang: dice.chance(0.3) }),
  deleteAnswerLost: (dice) => ({ kind: "answerLost", on: "delete", hang: dice.chance(0.3) }),
  requestLost: (dice) => ({ kind: "requestLost", on: "create", hang: dice.chance(0.3) }),
  deleteRequestLost: () => ({ kind: "requestLost", on: "delete" }),
  lateCreate: (dice) => ({ kind: "lateCreate", delayMs: dice.spanMs(500, 60_000) }),
  noCapacity: () => ({ kind: "refuse", on: ["create"], with: "noCapacity" }),
  throttled: (dice) => ({
    ...{ kind: "refuse", on: all, with: "throttled" },
    ...(dice.chance(0.7) ? { retryAfterMs: dice.spanMs(500, 30_000) } : {}),
  }),
  "5xx": (dice) => ({
    ...{ kind: "refuse", on: dice.chance(0.5) ? all : ["create"], with: "temporary" },
    ambiguous: dice.chance(0.7),
  }),
  denied: () => ({ kind: "refuse", on: all, with: "denied" }),
  deleteRefused: () => ({ kind: "refuse", on: ["delete"], with: "conflict" }),
  slowCall: (dice) => ({
    ...{ kind: "slowCall", on: dice.chance(0.5) ? all : ["create", "list"] },
    delayMs: dice.spanMs(500, 20_000),
  }),
  hangingCall: (dice) => ({
    ...{ kind: "slowCall", on: [dice.pick(all)], delayMs: 300_000 },
  }),
  listingLag: (dice) => ({ kind: "listingLag", lagMs: dice.pick([500, 900]) }),
  pageFails: () => ({ kind: "pageFails" }),
  pageRepeated: () => ({ kind: "pageRepeated" }),
  listTruncated: (dice) => ({ kind: "listTruncated", serversMax: dice.whole(0, 5) }),
  slowBuild: (dice) => ({ kind: "slowBuild", extraMs: dice.spanMs(10_000, 400_000) }),
  buildError: () => ({ kind: "buildError", text: "no valid host was found" }),
  laterError: (dice) => ({
    ...{ kind: "laterError", text: "host down" },
    afterMs: dice.spanMs(1_000, 600_000),
  }),
  laterStatus: (dice) => ({
    ...{ kind: "laterStatus", afterMs: dice.spanMs(1_000, 300_000) },
    status: dice.pick(["SHUTOFF", "REBOOT", "RESCUE", "NEVER_HEARD_OF", "VERIFY_RESIZE"]),
  }),
  laterVanish: (dice) => ({ kind: "laterVanish", afterMs: dice.spanMs(1_000, 600_000) }),
  addressReused: () => ({ kind: "addressReused" }),
  deleteIgnored: () => ({ kind: "deleteIgnored" }),
  otherProject: () => ({ kind: "otherProject" }),
  cellDown: (dice) => ({ kind: "cellDown", cell: dice.whole(0, 1) }),
};

const storeFaults: readonly StoreFaultName[] = [
  "lostAfterCommit",
  "lostBeforeCommit",
  "hintsStale",
  "feedLate",
  "unavailable",
  "slow",
];

/** None denies itself for a while: a load balancer that answers 404 is gone (decision 0012). */
const balancerFaults: Readonly<Record<string, (dice: Dice) => BalancerFault>> = {
  immutable: () => ({ kind: "immutable" }),
  throttled: (dice) => ({ kind: "throttled", retryAfterMs: dice.spanMs(500, 20_000) }),
  unavailable: () => ({ kind: "unavailable" }),
  denied: () => ({ kind: "denied" }),
  lostAnswer: () => ({ kind: "lostAnswer" }),
  partial: () => ({ kind: "partial" }),
  slow: (dice) => ({ kind: "slow", delayMs: dice.spanMs(500, 60_000) }),
};

const nodeFaults: Readonly<Record<string, Draw>> = {
  crash: (dice, { nodes }) => ({
    ...{ kind: "crash", node: dice.pick(nodes).name },
    downMs: dice.spanMs(200, 120_000),
  }),
  crashAtCall: (dice, { nodes }) => ({
    ...{ kind: "crashAtCall", node: dice.pick(nodes).name, calls: dice.whole(1, 60) },
    ...{ sent: dice.chance(0.5), downMs: dice.spanMs(200, 30_000) },
  }),
  freeze: (dice, { nodes }) => ({
    ...{ kind: "freeze", node: dice.pick(nodes).name, forMs: dice.spanMs(1_000, 120_000) },
  }),
  storeCut: (dice, { nodes }) => ({
    ...{ kind: "storeCut", node: dice.pick(nodes).name, forMs: dice.spanMs(500, 60_000) },
  }),
  restart: (dice, { nodes }) => ({
    ...{ kind: "restart", node: dice.pick(nodes).name, graceMs: dice.spanMs(100, 20_000) },
    downMs: dice.spanMs(200, 20_000),
  }),
};

const misfortunes: Readonly<Record<string, Draw>> = {
  quota: (dice, { colos }) => ({
    ...{ kind: "quota", colo: dice.pick(colos).id, servers: dice.whole(0, 20) },
    forMs: dice.spanMs(10_000, 300_000),
  }),
  vanish: (dice, { colos }) => ({
    ...{ kind: "vanish", colo: dice.pick(colos).id, nth: dice.whole(0, 40) },
  }),
  status: (dice, { colos }) => ({
    ...{ kind: "status", colo: dice.pick(colos).id, nth: dice.whole(0, 40) },
    status: dice.pick(["SHUTOFF", "ERROR", "PAUSED", "REBOOT", "UNKNOWN", "ODD"]),
  }),
  foreign: (dice, { colos, groups }) => ({
    ...{ kind: "foreign", colo: dice.pick(colos).id, account: dice.pick(groups).account },
    copyOf: dice.chance(0.6) ? dice.whole(0, 40) : undefined,
  }),
  foreignMember: (dice, { colos }) => ({
    ...{ kind: "foreignMember", colo: dice.pick(colos).id, balancer: "lb-1" },
  }),
  balancerGone: (dice, { colos }) => ({
    ...{ kind: "balancerGone", colo: dice.pick(colos).id, balancer: "lb-2" },
  }),
};

/** Between colos with nodes of their own. */
function drawPartition(dice: Dice, { colos }: Sizes) {
  const at = dice.whole(0, colos.length - 1);
  const one = colos[at]!.id;
  const two = colos[(at + 1) % colos.length]!.id;
  const cuts = dice.pick([["store", "peers"], ["store", "peers"], ["store"], ["peers"]]);
  return { kind: "partition", one, two, cuts, forMs: dice.spanMs(2_000, 600_000) };
}

/** Which faults exist is drawn first, so that each meets the others in some and is alone in some. */
export function drawFaults(cup: (label: string) => Dice, sizes: Sizes): Action[] {
  const actions: Action[] = [];
  const shareHere = cup("faults").pick([0.05, 0.15, 0.4]);
  const { colos, durationMs } = sizes;

  const strew = (label: string, draw: (dice: Dice) => object) => {
    const dice = cup(`fault ${label}`);
    if (!dice.chance(shareHere)) return;
    for (let count = dice.whole(1, 3); count > 0; count--) {
      const atMs = dice.whole(20_000, durationMs);
      actions.push({ atMs, ...draw(dice) } as Action);
    }
  };
  const shareOf = (dice: Dice) => dice.pick([0.1, 0.4, 0.8, 1]);

  for (const [label, draw] of Object.entries(cloudFaults))
    strew(label, (dice) => ({
      ...{ kind: "cloud", label, colo: dice.pick(colos).id, fault: draw(dice) },
      ...{ share: shareOf(dice), forMs: dice.spanMs(2_000, 240_000) },
    }));
  for (const fault of storeFaults)
    strew(`store ${fault}`, (dice) => ({
      ...{ kind: "store", fault, share: dice.pick([0.05, 0.2, 0.6, 1]) },
      forMs: dice.spanMs(500, fault === "unavailable" ? 90_000 : 240_000),
    }));
  for (const [label, draw] of Object.entries(balancerFaults))
    strew(`balancer ${label}`, (dice) => ({
      ...{ kind: "balancer", colo: dice.pick(colos).id, fault: draw(dice), share: shareOf(dice) },
      methods: dice.pick([["changeMembers"], ["changeMembers", "listMembers"]]),
      forMs: dice.spanMs(2_000, 240_000),
    }));
  for (const [label, draw] of Object.entries({ ...nodeFaults, ...misfortunes }))
    strew(label, (dice) => draw(dice, sizes));
  if (sizes.nodes.some(({ colo }) => colo !== undefined)) {
    const dice = cup("partitions");
    for (let count = dice.whole(1, 4); count > 0; count--) {
      const atMs = dice.whole(20_000, durationMs);
      actions.push({ atMs, ...drawPartition(dice, sizes) } as Action);
    }
  }
  return actions;
}
