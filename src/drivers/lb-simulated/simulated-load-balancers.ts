import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { LoadBalancerId } from "../../core/model/ids.js";
import type { Member } from "../../core/model/server.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type {
  LoadBalancerCapabilities,
  LoadBalancerDriver,
} from "../../core/ports/load-balancer.js";
import {
  type BalancerState,
  createBalancerState,
  type Forced,
  type MemberAddress,
  type MemberBehaviour,
} from "./balancer-state.js";
import { checkChanges } from "./check-changes.js";
import {
  type BalancerFault,
  type BalancerMethod,
  createFaultBoard,
  type FaultRule,
  type InjectedFault,
  refusalOf,
} from "./faults.js";
import { waitFor } from "./wait.js";

export interface SimulatedLoadBalancersOptions {
  readonly clock: Clock;
  /** Chance of its own, so that its draws move nobody else's. */
  readonly ids: Ids;
  readonly loadBalancers: readonly LoadBalancerId[];
  /** How long every call takes; default 0. */
  readonly callMs?: number;
  readonly behaviour?: Partial<MemberBehaviour>;
  readonly capabilities?: Partial<LoadBalancerCapabilities>;
}

/** Load balancers that outlive the drivers which talk to them, as real ones do. */
export interface SimulatedLoadBalancers {
  /** Another driver over the same load balancers: a restart, or a second node. */
  openDriver(): LoadBalancerDriver;
  inject(rule: FaultRule): InjectedFault;
  /** Stops all faults. */
  heal(): void;
  /** Those that exist. */
  ids(): readonly LoadBalancerId[];
  has(loadBalancer: LoadBalancerId): boolean;
  /** How often each kind of fault has struck, stopped or not. */
  fired(): ReadonlyMap<BalancerFault["kind"], number>;
  /** The truth, past all faults. @throws RangeError on a load balancer that is not there */
  members(loadBalancer: LoadBalancerId): readonly Member[];
  /** Sets what is otherwise derived from time. @throws RangeError when it is not a member */
  force(loadBalancer: LoadBalancerId, address: MemberAddress, forced: Forced): void;
  /** Puts a member past all drivers: another's. */
  addForeign(loadBalancer: LoadBalancerId, member: MemberAddress & { weight?: number }): void;
  /** The load balancer is gone for good, with its members (B5.5). */
  removeLoadBalancer(loadBalancer: LoadBalancerId): void;
  addLoadBalancer(loadBalancer: LoadBalancerId): void;
  /** Changes that began while another of the same load balancer ran: must stay 0 (B5.4). */
  overlaps(): number;
  calls(method: BalancerMethod): number;
}

const defaultBehaviour: MemberBehaviour = {
  healthyAfterMs: 0,
  connections: 0,
  drainedAfterMs: 0,
  membersMax: 10_000,
};

export function createSimulatedLoadBalancers(
  options: SimulatedLoadBalancersOptions,
): SimulatedLoadBalancers {
  const { clock, ids, callMs = 0 } = options;
  const behaviour = { ...defaultBehaviour, ...options.behaviour };
  const capabilities = { checksHealth: true, countsConnections: true, ...options.capabilities };
  const balancers = new Map<LoadBalancerId, BalancerState>();
  const faults = createFaultBoard(ids);
  const calls = { listMembers: 0, changeMembers: 0 };
  const changing = new Map<LoadBalancerId, number>();
  let overlaps = 0;

  const addLoadBalancer = (id: LoadBalancerId) =>
    void balancers.set(id, balancers.get(id) ?? createBalancerState(behaviour));
  for (const id of options.loadBalancers) addLoadBalancer(id);

  const truth = (id: LoadBalancerId): BalancerState => {
    const state = balancers.get(id);
    if (!state) throw new RangeError(`there is no load balancer ${id}`);
    return state;
  };

  /** What every call goes through. Returns the load balancer and the faults still to strike. */
  const enter = async (method: BalancerMethod, id: LoadBalancerId, signal: AbortSignal) => {
    calls[method]++;
    if (signal.aborted) throw new OutsideFault("temporary", "the call was aborted");
    const struck = faults.strike(method, id);
    await waitFor(clock, callMs + delayOf(struck), signal);
    for (const fault of struck) {
      const refusal = refusalOf(fault);
      if (refusal) throw refusal;
    }
    const state = balancers.get(id);
    if (!state) throw new OutsideFault("notFound", `there is no load balancer ${id}`);
    return { state, struck: new Set(struck.map(({ kind }) => kind)) };
  };

  const openDriver = (): LoadBalancerDriver => ({
    capabilities,
    async listMembers({ id }, { signal }) {
      const { state, struck } = await enter("listMembers", id, signal);
      if (struck.has("lostAnswer")) throw lostAnswer();
      return state.list(clock.nowMs()).map((member) => shown(member, capabilities));
    },
    async changeMembers({ id }, changes, { signal }) {
      const running = changing.get(id) ?? 0;
      if (running > 0) overlaps++;
      changing.set(id, running + 1);
      try {
        const { state, struck } = await enter("changeMembers", id, signal);
        checkChanges(changes);
        const taken = struck.has("partial") ? changes.slice(0, changes.length / 2) : changes;
        state.change(taken, clock.nowMs());
        if (struck.has("partial")) throw new OutsideFault("temporary", "batch broke off half-way");
        if (struck.has("lostAnswer")) throw lostAnswer();
      } finally {
        changing.set(id, (changing.get(id) ?? 1) - 1);
      }
    },
    close: async () => {},
  });

  return {
    openDriver,
    inject: faults.inject,
    heal: faults.heal,
    ids: () => [...balancers.keys()],
    has: (id) => balancers.has(id),
    fired: faults.fired,
    members: (id) => truth(id).list(clock.nowMs()),
    force: (id, address, forced) => truth(id).override(address, forced),
    addForeign(id, { host, port, weight = 1 }) {
      const change = { kind: "put", host, port, weight, draining: false } as const;
      truth(id).change([change], clock.nowMs());
    },
    removeLoadBalancer: (id) => void balancers.delete(id),
    addLoadBalancer,
    overlaps: () => overlaps,
    calls: (method) => calls[method],
  };
}

function delayOf(struck: readonly BalancerFault[]): number {
  return struck.reduce((sum, fault) => sum + (fault.kind === "slow" ? fault.delayMs : 0), 0);
}

function lostAnswer(): OutsideFault {
  return new OutsideFault("temporary", "connection lost before the answer", { ambiguous: true });
}

/** What is not claimed is not told. */
function shown(member: Member, capabilities: LoadBalancerCapabilities): Member {
  const { connections, ...rest } = member;
  const health = capabilities.checksHealth ? member.health : "unknown";
  if (!capabilities.countsConnections || connections === undefined) return { ...rest, health };
  return { ...rest, health, connections };
}
