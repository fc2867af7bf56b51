import { Fault } from "../../core/errors/fault.js";
import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { Cause } from "../../core/model/cause.js";
import type { OperationClass } from "../../core/model/colo.js";
import type { LoadBalancerId, PlacementKey } from "../../core/model/ids.js";
import type { CloudServer, Member } from "../../core/model/server.js";
import type { Call } from "../../core/ports/call.js";
import type { Clock } from "../../core/ports/clock.js";
import type {
  CloudCapabilities,
  CloudDriver,
  CloudPage,
  CreateServer,
  LaunchProblem,
  ListServers,
  ServerRef,
} from "../../core/ports/cloud.js";
import type {
  LoadBalancerCapabilities,
  LoadBalancerDriver,
  MemberChange,
} from "../../core/ports/load-balancer.js";
import { withDeadline } from "../deadline.js";
import { joinSignals } from "../join-signals.js";
import type { Gate } from "./gate.js";

/**
 * The one way to a colo's cloud and load balancers: nothing else holds the drivers. A change asks
 * the gate immediately before its call (B9.1); every call has a deadline (B4.11) and is observed.
 * Throws `OutsideFault`s.
 */
export interface Outside {
  readonly cloud: CloudCapabilities;
  /** Undefined: the colo has no load balancers. */
  readonly loadBalancer: LoadBalancerCapabilities | undefined;

  createServer(change: Change, request: CreateServer): Promise<Answer<CloudServer>>;
  deleteServer(change: Change, request: ServerRef): Promise<Answer<"accepted" | "gone">>;
  /** What the gate refuses is left out, the rest is sent in one call. */
  changeMembers(loadBalancer: LoadBalancerId, parts: readonly MemberPart[]): Promise<MembersSent>;

  getServer(request: ServerRef, limit?: ReadLimit): Promise<CloudServer | undefined>;
  listServers(request: ListServers, limit?: ReadLimit): Promise<CloudPage>;
  findByIntention(request: FindRequest, limit?: ReadLimit): Promise<readonly CloudServer[]>;
  checkLaunch(request: CheckRequest, limit?: ReadLimit): Promise<readonly LaunchProblem[]>;
  /** @throws Fault `UNSUPPORTED` where the colo has no load balancers. */
  listMembers(loadBalancer: LoadBalancerId, limit?: ReadLimit): Promise<readonly Member[]>;
}

export type FindRequest = Parameters<CloudDriver["findByIntention"]>[0];
export type CheckRequest = Parameters<CloudDriver["checkLaunch"]>[0];

/** A call that changes something, for one placement. */
export interface Change {
  readonly key: PlacementKey;
  /** Asked together with the gate, after every wait: a cause keeps the call from being made. */
  readonly unless?: () => Cause | undefined;
}

/** `refused`: for certain never sent. */
export type Answer<Value> =
  | { readonly kind: "answered"; readonly value: Value }
  | { readonly kind: "refused"; readonly cause: Cause };

export interface MemberPart {
  readonly key: PlacementKey;
  /** Asked right before the call, since servers may have begun to leave meanwhile. */
  readonly changes: () => readonly MemberChange[];
}

export interface MembersSent {
  readonly refused: readonly { readonly key: PlacementKey; readonly cause: Cause }[];
}

export interface ReadLimit {
  readonly deadlineMs?: number;
  /** Ends the call with its caller, beside the node's own end. */
  readonly signal?: AbortSignal;
}

/** A colo's drivers, already opened. Held here alone. */
export interface Drivers {
  readonly cloud: CloudDriver;
  readonly loadBalancer?: LoadBalancerDriver;
}

/** A look at the outside is given up after this; the next turn looks again. */
export const lookDeadlineMs = 30_000;
/** Deletes and member changes that are not answered by then are asked again by a later turn. */
const changeDeadlineMs = 30_000;

export interface OutsideDeps {
  readonly drivers: Drivers;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export function createOutside(deps: OutsideDeps): Outside {
  const { gate, clock } = deps;
  const { cloud, loadBalancer } = deps.drivers;

  async function send<Value>(
    limit: Required<ReadLimit>,
    run: (call: Call) => Promise<Value>,
  ): Promise<Value> {
    try {
      return await withDeadline(clock, limit, (signal) => run({ signal }));
    } catch (error) {
      throw outsideFaultOf(error);
    }
  }

  async function read<Value>(
    limit: ReadLimit | undefined,
    run: (call: Call) => Promise<Value>,
  ): Promise<Value> {
    const deadlineMs = limit?.deadlineMs ?? lookDeadlineMs;
    if (!limit?.signal) return send({ deadlineMs, signal: deps.signal }, run);
    const both = joinSignals(deps.signal, limit.signal);
    try {
      return await send({ deadlineMs, signal: both.signal }, run);
    } finally {
      both.release();
    }
  }

  async function change<Value>(
    operation: OperationClass,
    { key, unless }: Change,
    deadlineMs: number,
    run: (call: Call) => Promise<Value>,
  ): Promise<Answer<Value>> {
    const cause = gate.refusal(operation, key) ?? unless?.();
    if (cause) return { kind: "refused", cause };
    return { kind: "answered", value: await send({ deadlineMs, signal: deps.signal }, run) };
  }

  function balancer(): LoadBalancerDriver {
    if (loadBalancer) return loadBalancer;
    throw new Fault("UNSUPPORTED", { say: "this colo has no load-balancer driver" });
  }

  return {
    cloud: cloud.capabilities,
    loadBalancer: loadBalancer?.capabilities,
    createServer: (one, request) =>
      change("create", one, cloud.capabilities.createDeadlineMs, (call) =>
        cloud.createServer(request, call),
      ),
    deleteServer: (one, request) =>
      change("delete", one, changeDeadlineMs, (call) => cloud.deleteServer(request, call)),
    async changeMembers(id, parts) {
      const asked = parts.map(({ key, changes }) => {
        const cause = gate.refusal("loadBalancer", key);
        return { refused: cause ? [{ key, cause }] : [], changes: cause ? [] : changes() };
      });
      const refused = asked.flatMap((one) => one.refused);
      const merged = asked.flatMap((one) => one.changes);
      if (merged.length === 0) return { refused };
      const driver = balancer();
      const limit = { deadlineMs: changeDeadlineMs, signal: deps.signal };
      await send(limit, (call) => driver.changeMembers(id, merged, call));
      return { refused };
    },
    getServer: (request, limit) => read(limit, (call) => cloud.getServer(request, call)),
    listServers: (request, limit) => read(limit, (call) => cloud.listServers(request, call)),
    findByIntention: (request, limit) =>
      read(limit, (call) => cloud.findByIntention(request, call)),
    checkLaunch: (request, limit) => read(limit, (call) => cloud.checkLaunch(request, call)),
    async listMembers(id, limit) {
      const driver = balancer();
      return read(limit, (call) => driver.listMembers(id, call));
    },
  };
}
