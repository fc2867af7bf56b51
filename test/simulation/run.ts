import type { LoadBalancerId } from "../../src/core/model/ids.js";
import { defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import { createCluster } from "./cluster.js";
import { createCup } from "./dice.js";
import { createNature } from "./nature.js";
import { createNodes } from "./nodes.js";
import type { Finding } from "./oracle/finding.js";
import { type Oracle, watch } from "./oracle/oracle.js";
import type { Action, Scenario } from "./scenario.js";
import { createTenants } from "./tenants.js";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.js";

export interface Outcome {
  readonly findings: readonly Finding[];
  /** Groups times simulated hours, both phases. */
  readonly hours: number;
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** How long the second phase took. */
  readonly settledAfterMs: number;
}

export interface RunOptions {
  /** Told of all that happens, to print it. */
  readonly onLine?: (line: Line) => void;
  /** Puts a bug between nodes and clouds, to see it found. */
  readonly sabotage?: NonNullable<Parameters<typeof createCluster>[0]["sabotage"]>;
}

export interface Line {
  /** From the start of the run. */
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

/** The bound of the second phase: backoffs of half an hour may have to pass first (B4.6). */
const settleMsMax = 2 * 3_600_000;
const lookMs = 5_000;
const catchUpMsMax = 420_000;
/** So long a run of nothing but timers of quiet nodes would be a bug of the simulation. */
const beginMsMax = 600_000;

/** Runs a scenario: safety while faults strike, then convergence once they stop. Pure. */
export async function runScenario(scenario: Scenario, options: RunOptions = {}): Promise<Outcome> {
  const clock = createVirtualClock();
  const startMs = clock.nowMs();
  const { onLine } = options;
  const say = (who: string, what: string) => {
    onLine?.({ atMs: clock.nowMs() - startMs, who, what });
  };
  const world = createWorldOf(scenario, clock, say, options);
  const { tenants, nodes, nature, oracle } = world;
  if (onLine) tellAll(world.cluster.taps, say);
  const kept = () => oracle.findings.length === 0;

  await during(world, beginMsMax, tenants.begin());
  for (const action of scenario.actions) {
    await advanceTo(world, startMs + action.atMs);
    if (!kept()) break;
    say(`> ${action.kind}`, JSON.stringify(action));
    act(world, action);
  }
  await advanceTo(world, startMs + scenario.durationMs);
  const healedAtMs = clock.nowMs();
  if (kept()) {
    say("nature", "all faults stop");
    nature.heal();
    nodes.heal();
    await settle(world);
  }
  const endMs = clock.nowMs();
  return {
    findings: oracle.findings,
    hours: (scenario.groups.length * (endMs - startMs)) / 3_600_000,
    faults: { ...nature.fired(), ...world.struck },
    settledAfterMs: endMs - healedAtMs,
  };
}

type World = ReturnType<typeof createWorldOf>;

function createWorldOf(
  scenario: Scenario,
  clock: VirtualClock,
  say: (who: string, what: string) => void,
  { onLine, sabotage }: RunOptions,
) {
  const { stream } = createCup(scenario.seed);
  const struck: Record<string, number> = {};
  const count = (fault: string) => {
    struck[fault] = (struck[fault] ?? 0) + 1;
  };
  const nobody = { next: () => "nobody's", random: stream("nobody") };
  const cluster = createCluster({
    clock,
    ids: nobody,
    random: stream("clouds"),
    shards: 3,
    balancerIds: { ...nobody, random: stream("balancers") },
    store: {
      latencyMsMin: 2,
      latencyMsMax: 14,
      fork: (label) => (label === "latency" ? wholeSteps(stream("store latency")) : stream(label)),
    },
    colos: scenario.colos.map((plan) => ({
      id: plan.id,
      pollMs: plan.pollMs,
      queue: { concurrency: plan.slots, reservedForDeletes: 1 },
      cloud: {
        ...{ latencyMs: plan.latencyMs, buildMs: plan.buildMs, listingLagMs: plan.listingLagMs },
        ...{ createDeadlineMs: plan.createDeadlineMs, pageServersMax: plan.pageServersMax },
        hasProjects: true,
      },
      balancers: {
        loadBalancers: ["lb-1", "lb-2"] as unknown as LoadBalancerId[],
        callMs: 20,
        behaviour: { healthyAfterMs: 1_000, connections: 2, drainedAfterMs: 2_000 },
      },
    })),
    ...(scenario.nodes.some(({ colo }) => colo !== undefined) ? { apart: { lagMs: 300 } } : {}),
    ...(sabotage ? { sabotage } : {}),
    ...(onLine
      ? { onLog: (level, message, fields) => say(level, `${message} ${JSON.stringify(fields)}`) }
      : {}),
  });
  const leaseMs = defaultLeaseTimes.ttlMs;
  const nodes = createNodes({
    ...{ cluster, stream, count, say, leaseMs },
    plans: scenario.nodes,
  });
  let unwellUntilMs = 0;
  const isStoreWell = () => {
    const sick = Object.values(cluster.storeFaults.chance).some((chance) => chance > 0);
    if (sick) unwellUntilMs = clock.monotonicMs() + leaseMs;
    return clock.monotonicMs() >= unwellUntilMs;
  };
  const oracle: Oracle = watch(
    { cluster },
    {
      skewMs: Math.max(0, ...scenario.nodes.map(({ wallMs }) => Math.abs(wallMs))),
      isWell: (node) => isStoreWell() && nodes.isWell(node),
      onFinding: (finding) => say("ORACLE", JSON.stringify(finding)),
    },
  );
  const nature = createNature(cluster, say);
  const tenants = createTenants({ cluster, nodes, oracle, plans: scenario.groups, say });
  nodes.start();
  return { clock, cluster, nodes, oracle, nature, tenants, struck, isStoreWell };
}

/** Whole steps of latency: many answers come at one moment, which the clock then turns to once. */
function wholeSteps(real: () => number): () => number {
  return () => Math.floor(real() * 7) / 6;
}

function act({ tenants, nodes, nature }: World, action: Action): void {
  switch (action.kind) {
    case "brake":
    case "unbrake":
      tenants.operate(action);
      return;
    case "cloud":
    case "store":
    case "balancer":
    case "quota":
    case "partition":
    case "vanish":
    case "status":
    case "foreign":
    case "foreignMember":
    case "balancerGone":
      nature.strike(action);
      return;
    case "crash":
      nodes.crash(action.node, action.downMs);
      return;
    case "crashAtCall":
      nodes.crashAtCall(action.node, action);
      return;
    case "freeze":
      nodes.freeze(action.node, action.forMs);
      return;
    case "storeCut":
      nodes.cutFromStore(action.node, action.forMs);
      return;
    case "restart":
      nodes.restart(action.node, action);
      return;
    default:
      tenants.ask(action);
  }
}

async function advanceTo({ clock, oracle }: World, atMs: number): Promise<void> {
  while (clock.nowMs() < atMs && oracle.findings.length === 0)
    await clock.advance(Math.min(1_000, atMs - clock.nowMs()));
}

/** Lets time pass until the work is done, a promise is broken, or the bound is reached. */
async function during(world: World, boundMs: number, work: Promise<unknown>): Promise<void> {
  const { clock, oracle } = world;
  const left = { isOpen: true, error: undefined as unknown };
  work
    .catch((error: unknown) => {
      left.error = error;
    })
    .finally(() => {
      left.isOpen = false;
    });
  const untilMs = clock.nowMs() + boundMs;
  while (left.isOpen && clock.nowMs() < untilMs && oracle.findings.length === 0)
    await clock.advance(100);
  if (!left.error && !left.isOpen) return;
  const facts = { error: String(left.error ?? "not answered") };
  if (oracle.findings.length === 0)
    oracle.note({ id: "L1", rule: "M6.1", key: "L1:answer", facts });
}

async function settle(world: World): Promise<void> {
  const { clock, oracle, tenants } = world;
  await catchUp(world);
  const untilMs = clock.nowMs() + settleMsMax;
  await during(world, settleMsMax, tenants.putRight());
  await during(world, settleMsMax, tenants.askAgain());
  let left = oracle.unsettled();
  while (left.length > 0 && clock.nowMs() < untilMs && oracle.findings.length === 0) {
    await clock.advance(lookMs);
    left = oracle.unsettled();
  }
  if (left.length === 0) return;
  const facts = { left: left.slice(0, 5).join("; "), count: left.length };
  oracle.note({ id: "L1", rule: "B4.9", key: "L1:unsettled", facts });
}

/** What fell due while faults struck runs soon: the patrol's round finds what nothing else does. */
async function catchUp({ clock, oracle }: World): Promise<void> {
  const untilMs = clock.nowMs() + catchUpMsMax;
  while (oracle.overdue().length > 0 && clock.nowMs() < untilMs && oracle.findings.length === 0)
    await clock.advance(lookMs);
  const left = oracle.overdue();
  if (left.length === 0) return;
  const facts = { left: left.slice(0, 5).join("; "), count: left.length };
  oracle.note({ id: "L1", rule: "B7.2", key: "L1:overdue", facts });
}

function tellAll(taps: World["cluster"]["taps"], say: (who: string, what: string) => void): void {
  taps.listen({
    committed({ partition, events, puts, deletes }) {
      if (partition.scope === "lease") return;
      for (const { colo, group, type, server, message } of events)
        say(`${group}/${colo}`, `${type}${server ? ` ${server}` : ""}: ${message}`);
      if (events.length === 0)
        say(partition.key, `commit of ${[...puts, ...deletes].map((one) => one.kind).join(" ")}`);
    },
    called(call) {
      const { node, colo, api: _, kind, ...rest } = call;
      if (kind !== "look") say(`${node} → ${colo}`, `${kind} ${JSON.stringify(rest)}`);
    },
    done(colo, { kind, id, intention }) {
      say(`cloud ${colo}`, `${kind} ${id} for ${intention}`);
    },
  });
}
