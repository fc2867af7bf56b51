import type { Cluster, Node } from "./cluster.js";
import type { NodePlan } from "./scenario.js";

/** The nodes of a simulated installation: each has a plan, and one life after another. */
export interface Nodes {
  start(): void;
  /** Those that serve requests now, in the plan's order. */
  up(): readonly Node[];
  crash(name: string, downMs: number): void;
  crashAtCall(name: string, at: { calls: number; sent: boolean; downMs: number }): void;
  freeze(name: string, forMs: number): void;
  cutFromStore(name: string, forMs: number): void;
  restart(name: string, times: { graceMs: number; downMs: number }): void;
  /** Thaws the frozen, and lets nobody die any more. */
  heal(): void;
  /** Whether it has been up, and neither frozen nor new, for a while. */
  isWell(name: string): boolean;
}

interface Slot {
  readonly plan: NodePlan;
  node?: Node | undefined;
  isUp: boolean;
  lives: number;
  /** Since when nothing strange has happened to it. */
  wellSinceMs: number;
}

const bootRetryMs = 1_000;
const wellAfterMs = 10_000;

export function createNodes(of: {
  readonly cluster: Cluster;
  readonly plans: readonly NodePlan[];
  readonly stream: (label: string) => () => number;
  readonly leaseMs: number;
  readonly count: (fault: string) => void;
  readonly say: (who: string, what: string) => void;
}): Nodes {
  const { cluster, stream, count, say } = of;
  const { clock } = cluster;
  let healed = false;
  const slots = new Map(
    of.plans.map((plan): [string, Slot] => [
      plan.name,
      { plan, isUp: false, lives: 0, wellSinceMs: 0 },
    ]),
  );

  /** Sortable by time over all nodes, and unique; no draw of one node moves another's. */
  function idsOf({ plan, lives }: Slot) {
    const mark = `${plan.name.replace("node-", "n")}l${lives}`;
    let made = 0;
    // By the node's own watch, as in production: whoever compares ids compares watches.
    const atMs = () => clock.nowMs() + plan.wallMs;
    const next = () => `${atMs().toString(36)}${mark}c${String(++made).padStart(6, "0")}`;
    return { next, random: stream(`ids ${plan.name} ${lives}`) };
  }

  function boot(slot: Slot): void {
    if (slot.node) return;
    slot.lives += 1;
    const { name, wallMs, driftPpm, colo } = slot.plan;
    const served = colo === undefined ? {} : { colos: [colo] };
    const skew = { wallMs, driftPpm };
    const node = cluster.create(name, { skew, ids: idsOf(slot), ...served });
    if (wallMs !== 0) count("node.skew");
    slot.node = node;
    slot.wellSinceMs = clock.monotonicMs();
    node.supervisor.start().then(
      () => {
        if (slot.node !== node) return;
        slot.isUp = true;
        say(name, `is up, its life ${slot.lives}`);
      },
      (error: unknown) => {
        if (slot.node !== node) return;
        say(name, `did not start: ${String(error)}`);
        end(slot, bootRetryMs);
      },
    );
  }

  function end(slot: Slot, downMs: number): void {
    slot.node?.wires.cut();
    slot.node = undefined;
    slot.isUp = false;
    clock.after(downMs, () => boot(slot));
  }

  const slotOf = (name: string) => slots.get(name);

  return {
    start() {
      for (const slot of slots.values()) boot(slot);
    },
    up: () =>
      [...slots.values()].flatMap(({ node, isUp }) =>
        node && isUp && node.wires.standing === "alive" ? [node] : [],
      ),
    crash(name, downMs) {
      const slot = slotOf(name);
      if (!slot?.node) return;
      count("node.crash");
      say(name, "crashes");
      end(slot, downMs);
    },
    crashAtCall(name, { calls, sent, downMs }) {
      const slot = slotOf(name);
      const node = slot?.node;
      if (!slot || !node) return;
      const done = () => {
        if (slot.node !== node) return;
        count(sent ? "node.crashAfterCall" : "node.crashBeforeCall");
        say(name, `crashes right ${sent ? "after" : "before"} a call`);
        end(slot, downMs);
      };
      node.wires.cutAt({ calls, sent, done });
    },
    freeze(name, forMs) {
      const slot = slotOf(name);
      const node = slot?.node;
      if (!slot || node?.wires.standing !== "alive") return;
      count(forMs > of.leaseMs ? "node.zombie" : "node.freeze");
      say(name, `freezes for ${forMs} ms`);
      node.wires.freeze();
      clock.after(forMs, () => {
        if (node.wires.standing !== "frozen") return;
        say(name, "goes on as if nothing had been");
        slot.wellSinceMs = clock.monotonicMs();
        node.wires.thaw();
      });
    },
    cutFromStore(name, forMs) {
      const slot = slotOf(name);
      const wires = slot?.node?.storeWires;
      if (!slot || wires?.standing !== "alive") return;
      count("node.cutFromStore");
      say(name, `is cut from the store for ${forMs} ms`);
      wires.freeze();
      slot.wellSinceMs = clock.monotonicMs() + forMs;
      clock.after(forMs, () => {
        say(name, "reaches the store again");
        wires.thaw();
      });
    },
    restart(name, { graceMs, downMs }) {
      const slot = slotOf(name);
      const node = slot?.node;
      if (!slot || !node || !slot.isUp || node.wires.standing !== "alive") return;
      count("node.restart");
      say(name, "is stopped");
      slot.isUp = false;
      const ended = () => {
        if (slot.node === node) end(slot, downMs);
      };
      node.supervisor.stop(graceMs).then(ended, ended);
    },
    heal() {
      healed = true;
      for (const slot of slots.values()) {
        slot.node?.wires.cutAt({ calls: Number.POSITIVE_INFINITY, sent: false, done() {} });
        slot.node?.wires.thaw();
        slot.node?.storeWires.thaw();
        slot.wellSinceMs = clock.monotonicMs();
      }
    },
    isWell(name) {
      const slot = slotOf(name);
      if (!slot?.isUp && !healed) return false;
      return clock.monotonicMs() - (slot?.wellSinceMs ?? 0) > wellAfterMs;
    },
  };
}
