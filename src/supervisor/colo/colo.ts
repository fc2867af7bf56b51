import { Fault } from "../../core/errors/fault.js";
import type {
  AccountId,
  ColoId,
  LoadBalancerId,
  NodeId,
  PlacementKey,
} from "../../core/model/ids.js";
import type { Member } from "../../core/model/server.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type { CloudDriver } from "../../core/ports/cloud.js";
import type { LoadBalancerDriver } from "../../core/ports/load-balancer.js";
import type { Log } from "../../core/ports/log.js";
import type { Store } from "../../core/ports/store.js";
import { type AccountListing, createWatch, listAll, type Watch } from "../converge/watch.js";
import { withDeadline } from "../deadline.js";
import type { PlacementState } from "../placements/placement-state.js";
import { type Brakes, createBrakes } from "./brakes.js";
import { type ColoQueue, type ColoQueueLimits, createColoQueue } from "./colo-queue.js";
import { createGate, type Gate } from "./gate.js";
import { createLeases, type Leases, type LeaseTimes } from "./leases.js";

/** A colo as configured: its drivers, already opened. */
export interface ColoSetup {
  readonly id: ColoId;
  readonly cloud: CloudDriver;
  readonly cloudName: string;
  readonly loadBalancer?: LoadBalancerDriver;
  readonly loadBalancerName?: string;
  /** How often the cloud is looked at while something is on its way. */
  readonly pollMs: number;
  readonly queue: ColoQueueLimits;
}

/** A colo at work on this node: one queue, one gate, one set of brakes. */
export interface Colo {
  readonly id: ColoId;
  readonly setup: ColoSetup;
  readonly queue: ColoQueue;
  readonly gate: Gate;
  readonly brakes: Brakes;
  readonly leases: Leases;
  readonly servers: Watch<AccountId, AccountListing>;
  readonly members: Watch<LoadBalancerId, readonly Member[]>;
}

export interface ColoDeps {
  readonly setup: ColoSetup;
  readonly installation: string;
  readonly node: NodeId;
  readonly leaseTimes: LeaseTimes;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly isStopping: () => boolean;
  readonly peek: (key: PlacementKey) => PlacementState | undefined;
  /** Leases were gained or brakes changed: what waited here is looked at again. */
  readonly stirred: (colo: ColoId) => void;
}

/** A look at the outside is given up after this; the next turn looks again. */
export const lookDeadlineMs = 30_000;

export function createColo(deps: ColoDeps): Colo {
  const { setup, clock, signal, installation } = deps;
  const brakes = createBrakes({ ...deps, colo: setup.id, changed: () => deps.stirred(setup.id) });
  const leases = createLeases({
    ...deps,
    colo: setup.id,
    times: deps.leaseTimes,
    gained: () => deps.stirred(setup.id),
  });
  const gate = createGate({
    brakes,
    holdsLease: (key) => leases.holds(key),
    peek: deps.peek,
    isStopping: deps.isStopping,
  });
  const look = <Value>(run: (signal: AbortSignal) => Promise<Value>) =>
    withDeadline(clock, { deadlineMs: lookDeadlineMs, signal }, run);
  return {
    id: setup.id,
    setup,
    queue: createColoQueue(setup.queue),
    gate,
    brakes,
    leases,
    servers: createWatch(clock, (account: AccountId) =>
      look((within) => listAll(setup.cloud, { account, installation }, within)),
    ),
    members: createWatch(clock, (id: LoadBalancerId) =>
      look((within) => balancerOf(setup).listMembers(id, { signal: within })),
    ),
  };
}

/** @throws Fault `UNSUPPORTED` where the colo has no load balancers. */
export function balancerOf(setup: ColoSetup): LoadBalancerDriver {
  if (setup.loadBalancer) return setup.loadBalancer;
  throw new Fault("UNSUPPORTED", { say: `colo ${setup.id} has no load-balancer driver` });
}
