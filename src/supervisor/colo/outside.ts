import { type CallEnd, type CallOutcome, outcomeOf } from "../../core/admission/model.js";
import { Fault } from "../../core/errors/fault.js";
import { type OutsideFault, outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { Cause } from "../../core/model/cause.js";
import type { OperationClass } from "../../core/model/colo.js";
import type { AccountId, ColoId, PlacementKey, ServerId } from "../../core/model/ids.js";
import type { QuotaLimit } from "../../core/model/quota.js";
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
  MadeServer,
  ServerRef,
  TagServer,
  TailConsole,
} from "../../core/ports/cloud.js";
import type {
  LoadBalancerCapabilities,
  LoadBalancerDriver,
  LoadBalancerRef,
  MemberChange,
} from "../../core/ports/load-balancer.js";
import type { Meter } from "../../core/ports/meter.js";
import { withDeadline } from "../deadline.js";
import { joinSignals } from "../join-signals.js";
import type { Admission, Api, CallClass, Ticket } from "./admission.js";
import type { Gate } from "./gate.js";

/**
 * The one way to a colo's cloud and load balancers: nothing else holds the drivers. Every call
 * waits until the admission lets it begin (B9.4), a change then asks the gate immediately before
 * its call (B9.1), and every call has a deadline (B4.11) and is observed. Throws `OutsideFault`s.
 */
export interface Outside {
  readonly cloud: CloudCapabilities;
  /** Undefined: the colo has no load balancers. */
  readonly loadBalancer: LoadBalancerCapabilities | undefined;

  createServer(change: Change, request: CreateServer): Promise<Answer<MadeServer>>;
  deleteServer(change: Change, request: ServerRef): Promise<Answer<"accepted" | "gone">>;
  /** Tags change nothing of the server itself, so no brake stops them; pause and lease do. */
  tagServer(change: Change, request: TagServer): Promise<Answer<"tagged" | "gone">>;
  /** What the gate refuses is left out, the rest is sent in one call, as the one account's. */
  changeMembers(
    loadBalancer: LoadBalancerRef,
    parts: readonly MemberPart[],
    ticket?: Ticket,
  ): Promise<MembersSent>;

  getServer(request: ServerRef, limit?: ReadLimit): Promise<CloudServer | undefined>;
  listServers(request: ListServers, limit?: ReadLimit): Promise<CloudPage>;
  findByIntention(request: FindRequest, limit?: ReadLimit): Promise<readonly CloudServer[]>;
  checkLaunch(request: CheckRequest, limit?: ReadLimit): Promise<readonly LaunchProblem[]>;
  /** Undefined: the cloud has no quotas. @throws Fault `UNSUPPORTED` where the driver cannot tell. */
  quota(request: QuotaRequest, limit?: ReadLimit): Promise<readonly QuotaLimit[] | undefined>;
  /** Undefined: the cloud driver cannot tell. */
  readonly consoleTail?: (request: TailConsole, limit?: ReadLimit) => Promise<string>;
  /** The project that the account's credentials answer for (B9.7). */
  project(account: string, limit?: ReadLimit): Promise<string | undefined>;
  /** @throws Fault `UNSUPPORTED` where the colo has no load balancers. */
  listMembers(loadBalancer: LoadBalancerRef, limit?: ReadLimit): Promise<readonly Member[]>;
}

export type FindRequest = Parameters<CloudDriver["findByIntention"]>[0];
export type CheckRequest = Parameters<CloudDriver["checkLaunch"]>[0];
export type QuotaRequest = Parameters<NonNullable<CloudDriver["quota"]>>[0];

/** A call that changes something, for one placement. */
export interface Change {
  readonly key: PlacementKey;
  /** The ledger's, where one is made or deleted. */
  readonly server?: ServerId;
  /** From the queue; without one it waits for its turn here. */
  readonly ticket?: Ticket;
  /** Asked together with the gate, after every wait: a cause keeps the call from being made. */
  readonly unless?: () => Cause | undefined;
}

/** `refused`: for certain never sent. */
export type Answer<Value> =
  | { readonly kind: "answered"; readonly value: Value }
  | { readonly kind: "refused"; readonly cause: Cause };

/** Of a placement of the account for which the load balancer is asked. */
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
  readonly ticket?: Ticket;
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
/** A look that could not begin by then is told so, and what waits for it says why. */
const readWaitMsMax = 5_000;
const changeWaitMsMax = 30_000;

export interface OutsideDeps {
  readonly drivers: Drivers;
  readonly gate: Gate;
  readonly admissions: Readonly<Record<Api, Admission>>;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly colo: ColoId;
  readonly signal: AbortSignal;
}

/** One call on its way: what it is, for whom, and how long it may take. */
interface Sending {
  readonly api: Api;
  readonly operation: string;
  readonly class: CallClass;
  readonly account: AccountId;
  readonly deadlineMs: number;
  readonly waitMsMax: number;
  readonly signal: AbortSignal;
  readonly ticket?: Ticket | undefined;
}

export function createOutside(deps: OutsideDeps): Outside {
  const { gate, clock, admissions } = deps;
  const { cloud, loadBalancer } = deps.drivers;
  const figures = figuresOf(deps.meter, deps.colo);

  /** Waits for its turn, is asked once more whether it may, and makes the call. */
  async function send<Value, Refusal = never>(
    one: Sending,
    run: (call: Call) => Promise<Value>,
    refuse?: () => Refusal | undefined,
  ): Promise<{ readonly value: Value } | { readonly refusal: Refusal }> {
    const { account, signal, waitMsMax } = one;
    const ask = { class: one.class, account, waitMsMax, signal };
    const ticket = one.ticket ?? (await admissions[one.api].enter(ask));
    const refusal = refuse?.();
    if (refusal !== undefined) {
      ticket.drop();
      figures.count(one, "refused");
      return { refusal };
    }
    const startedMs = clock.monotonicMs();
    const { operation, deadlineMs } = one;
    const ended = (end: CallEnd) => {
      figures.count(one, end.outcome);
      figures.took(one, clock.monotonicMs() - startedMs);
      ticket.end(end);
    };
    try {
      const value = await withDeadline(clock, { deadlineMs, signal }, (within) =>
        run({ signal: within }),
      );
      ended({ operation, outcome: "good", startedMs });
      return { value };
    } catch (error) {
      const fault = outsideFaultOf(error);
      ended(endOf(one, fault, startedMs));
      throw fault;
    }
  }

  function endOf(one: Sending, fault: OutsideFault, startedMs: number): CallEnd {
    const { operation, deadlineMs, signal } = one;
    const late = fault.ambiguous && clock.monotonicMs() - startedMs >= deadlineMs;
    const outcome = signal.aborted ? "dropped" : late ? "timedOut" : outcomeOf(fault);
    const { message, retryAfterMs } = fault;
    const after = retryAfterMs === undefined ? {} : { retryAfterMs };
    const isRefusal = outcome === "good";
    return { operation, outcome, startedMs, isRefusal, message, ...after };
  }

  async function read<Value>(
    what: Pick<Sending, "api" | "operation" | "account">,
    limit: ReadLimit | undefined,
    run: (call: Call) => Promise<Value>,
  ): Promise<Value> {
    const deadlineMs = limit?.deadlineMs ?? lookDeadlineMs;
    const waitMsMax = Math.min(readWaitMsMax, deadlineMs);
    const both = limit?.signal ? joinSignals(deps.signal, limit.signal) : undefined;
    const signal = both?.signal ?? deps.signal;
    const ticket = limit?.ticket;
    const one: Sending = { ...what, class: "read", deadlineMs, waitMsMax, signal, ticket };
    try {
      const sent = await send(one, run);
      return "value" in sent ? sent.value : sent.refusal;
    } finally {
      both?.release();
    }
  }

  async function change<Value>(
    what: Pick<Sending, "operation" | "class" | "deadlineMs">,
    stopped: OperationClass | "tag",
    { key, server, unless, ticket }: Change,
    run: (call: Call) => Promise<Value>,
  ): Promise<Answer<Value>> {
    const { account } = key;
    const rest = {
      api: "cloud",
      account,
      waitMsMax: changeWaitMsMax,
      signal: deps.signal,
    } as const;
    const sent = await send(
      { ...what, ...rest, ticket },
      run,
      () => gate.refusal(stopped, key, server) ?? unless?.(),
    );
    if ("refusal" in sent) return { kind: "refused", cause: sent.refusal };
    return { kind: "answered", value: sent.value };
  }

  function balancer(): LoadBalancerDriver {
    if (loadBalancer) return loadBalancer;
    throw new Fault("UNSUPPORTED", { say: "this colo has no load-balancer driver" });
  }

  async function changeMembers(
    ref: LoadBalancerRef,
    parts: readonly MemberPart[],
    ticket: Ticket | undefined,
  ): Promise<MembersSent> {
    const driver = balancer();
    let refused: MembersSent["refused"] = [];
    let merged: readonly MemberChange[] = [];
    const one: Sending = {
      ...{ api: "loadBalancer", operation: "changeMembers", class: "change" },
      ...{ account: ref.account as AccountId, deadlineMs: changeDeadlineMs },
      ...{ waitMsMax: changeWaitMsMax, signal: deps.signal, ticket },
    };
    await send(
      one,
      (call) => driver.changeMembers(ref, merged, call),
      () => {
        const asked = parts.map(({ key, changes }) => {
          const cause = gate.refusal("loadBalancer", key);
          return { refused: cause ? [{ key, cause }] : [], changes: cause ? [] : changes() };
        });
        refused = asked.flatMap((part) => part.refused);
        merged = asked.flatMap((part) => part.changes);
        return merged.length === 0 ? "nothing to send" : undefined;
      },
    );
    return { refused };
  }

  const ofApi = (api: Api) => (operation: string, account: string) =>
    ({ api, operation, account: account as AccountId }) as const;
  const ofCloud = ofApi("cloud");
  const ofBalancers = ofApi("loadBalancer");
  return {
    cloud: cloud.capabilities,
    loadBalancer: loadBalancer?.capabilities,
    createServer(one, request) {
      const deadlineMs = cloud.capabilities.createDeadlineMs;
      const what = { operation: "createServer", class: "change", deadlineMs } as const;
      return change(what, "create", one, (call) => cloud.createServer(request, call));
    },
    deleteServer(one, request) {
      const deadlineMs = changeDeadlineMs;
      const what = { operation: "deleteServer", class: "delete", deadlineMs } as const;
      return change(what, "delete", one, (call) => cloud.deleteServer(request, call));
    },
    tagServer(one, request) {
      const deadlineMs = changeDeadlineMs;
      const what = { operation: "tagServer", class: "change", deadlineMs } as const;
      return change(what, "tag", one, (call) => cloud.tagServer(request, call));
    },
    changeMembers,
    getServer: (request, limit) =>
      read(ofCloud("getServer", request.account), limit, (call) => cloud.getServer(request, call)),
    listServers: (request, limit) =>
      read(ofCloud("listServers", request.account), limit, (call) =>
        cloud.listServers(request, call),
      ),
    findByIntention: (request, limit) =>
      read(ofCloud("findByIntention", request.account), limit, (call) =>
        cloud.findByIntention(request, call),
      ),
    checkLaunch: (request, limit) =>
      read(ofCloud("checkLaunch", request.account), limit, (call) =>
        cloud.checkLaunch(request, call),
      ),
    async quota(request, limit) {
      if (!cloud.quota) throw new Fault("UNSUPPORTED", { say: "the cloud driver tells no quotas" });
      return read(ofCloud("quota", request.account), limit, (call) => cloud.quota!(request, call));
    },
    ...(cloud.consoleTail && {
      consoleTail: (request, limit) =>
        read(ofCloud("consoleTail", request.account), limit, (call) =>
          cloud.consoleTail!(request, call),
        ),
    }),
    project: (account, limit) =>
      read(ofCloud("project", account), limit, (call) => cloud.project(account, call)),
    async listMembers(ref, limit) {
      const driver = balancer();
      return read(ofBalancers("listMembers", ref.account), limit, (call) =>
        driver.listMembers(ref, call),
      );
    },
  };
}

const callBucketsS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

function figuresOf(meter: Meter, colo: ColoId) {
  const labels = ["colo", "api", "operation"];
  const calls = meter.counter({
    name: "muster_outside_calls_total",
    help: "Calls to clouds and load balancers, by what the answer says of the API's health.",
    labels: [...labels, "outcome"],
  });
  const seconds = meter.histogram({
    name: "muster_outside_call_seconds",
    help: "How long calls to clouds and load balancers took.",
    ...{ labels, buckets: callBucketsS },
  });
  return {
    count: ({ api, operation }: Sending, outcome: CallOutcome | "refused") =>
      calls.add({ colo, api, operation, outcome }),
    took: ({ api, operation }: Sending, tookMs: number) =>
      seconds.observe({ colo, api, operation }, tookMs / 1_000),
  };
}
