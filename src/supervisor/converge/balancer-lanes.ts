import { LRUCache } from "lru-cache";
import type { OutsideFault } from "../../core/errors/outside-fault.js";
import {
  type AccountId,
  type LoadBalancerId,
  type PlacementKey,
  placementText,
} from "../../core/model/ids.js";
import type { BalancerRefusal, MemberStep } from "../../core/model/observation.js";
import type { LoadBalancerRef } from "../../core/ports/load-balancer.js";
import type { Ticket } from "../colo/admission.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import type { Cooling } from "./cooling.js";
import { type Ask, type Rejections, sendMembers } from "./send-members.js";

/**
 * Changes of load balancers: one at a time for each, whoever asks, and what waits of one account is
 * merged into the next (B5.4). Accounts take turns, since each call is one account's own (M9.4).
 */
export interface BalancerLanes {
  submit(key: PlacementKey, loadBalancer: LoadBalancerId, changes: readonly MemberStep[]): void;
  underWay(key: PlacementKey): Iterable<string>;
  /** Which load balancers refused the placement's last change, where that lasts. */
  refused(key: PlacementKey): ReadonlyMap<LoadBalancerId, BalancerRefusal>;
}

interface Lane {
  readonly waiting: Map<string, Ask>;
  busy: boolean;
}

const retryDelayMs = 1_000;
/** What only a person can change is tried again, rarely. */
const lastingDelayMs = 30_000;

/** What was rejected alone is not looked for again in a rejected batch for so long. */
const rejectedMs = 5 * 60_000;

/** Beyond it the longest forgotten ones are told anew by their next refusal. */
const refusedMax = 20_000;

export function createBalancerLanes(context: Context, cooling: Cooling): BalancerLanes {
  const { log, clock } = context;
  const lanes = new Map<string, Lane>();
  let turns = 0;
  const stepOf = (loadBalancer: LoadBalancerId) => `members:${loadBalancer}`;
  const mine = new Map<string, Set<string>>();
  const refusals = new LRUCache<string, ReadonlyMap<LoadBalancerId, BalancerRefusal>>({
    max: refusedMax,
  });
  /** Until when they are taken for hopeless, by change. */
  const rejected = new LRUCache<string, number>({ max: refusedMax });

  function rejectionsOf(id: LoadBalancerId): Rejections {
    const textOf = (key: PlacementKey, { kind, host, port, weight }: MemberStep) =>
      `${placementText(key)}|${id}|${kind} ${host}:${port} ${weight}`;
    return {
      has: (key, change) => clock.monotonicMs() < (rejected.get(textOf(key, change)) ?? 0),
      note: (key, change) =>
        void rejected.set(textOf(key, change), clock.monotonicMs() + rejectedMs),
    };
  }

  /** The placement's last change of the load balancer was refused; or was not. */
  function note(key: PlacementKey, id: LoadBalancerId, refusal?: BalancerRefusal): void {
    const text = placementText(key);
    const before = refusals.get(text);
    if (!refusal && !before?.has(id)) return;
    const after = new Map(before);
    after.delete(id);
    if (refusal) after.set(id, refusal);
    if (after.size > 0) refusals.set(text, after);
    else refusals.delete(text);
  }

  function laneOf(key: PlacementKey, loadBalancer: LoadBalancerId): Lane {
    const text = `${key.colo}/${loadBalancer}`;
    const known = lanes.get(text);
    if (known) return known;
    const fresh: Lane = { waiting: new Map(), busy: false };
    lanes.set(text, fresh);
    return fresh;
  }

  function feed(colo: Colo, loadBalancer: LoadBalancerId, lane: Lane): void {
    const first = lane.waiting.values().next().value;
    if (lane.busy || !first) return;
    const { account } = first.key;
    lane.busy = colo.queue.offer({
      // A key of its own each time: the queue still knows the last one while it ends.
      key: `${stepOf(loadBalancer)}#${++turns}`,
      account,
      api: "loadBalancer",
      class: "change",
      async run(ticket) {
        const asks = takeOf(lane, account);
        await runMerged(colo, { account, id: loadBalancer }, asks, ticket);
        for (const { key } of asks) done(key, loadBalancer);
        lane.busy = false;
        feed(colo, loadBalancer, lane);
        if (!lane.busy) lanes.delete(`${colo.id}/${loadBalancer}`);
      },
    });
    if (lane.busy) return;
    // The colo's queue is full: the next turns ask again.
    for (const { key } of lane.waiting.values()) {
      cooling.start(key, stepOf(loadBalancer), retryDelayMs);
      done(key, loadBalancer);
    }
    lane.waiting.clear();
  }

  function done(key: PlacementKey, loadBalancer: LoadBalancerId): void {
    const steps = mine.get(placementText(key));
    steps?.delete(stepOf(loadBalancer));
    if (steps?.size === 0) mine.delete(placementText(key));
    context.wake(key);
  }

  async function runMerged(
    colo: Colo,
    ref: LoadBalancerRef,
    asks: readonly Ask[],
    ticket: Ticket,
  ): Promise<void> {
    const { id } = ref;
    const batch = { colo, ref, asks, ticket };
    const { taken, refused, failed } = await sendMembers(context, batch, rejectionsOf(id));
    for (const key of taken) if (!failed.has(key)) note(key, id);
    // Without a pause the next turn would ask again at once, and so on while the brake holds.
    for (const key of refused) cooling.start(key, stepOf(id), retryDelayMs);
    for (const [key, fault] of failed) {
      const { kind, message } = fault;
      log.warn({ ...key, loadBalancer: id, kind, error: message }, "members not changed");
      const delayMs = fault.retryAfterMs ?? (isLasting(fault) ? lastingDelayMs : retryDelayMs);
      cooling.start(key, stepOf(id), delayMs);
      if (isLasting(fault)) note(key, id, { kind, fault: message });
    }
  }

  return {
    submit(key, loadBalancer, changes) {
      const colo = context.colos.get(key.colo)!;
      const lane = laneOf(key, loadBalancer);
      const text = placementText(key);
      lane.waiting.set(text, { key, changes });
      const steps = mine.get(text) ?? new Set<string>();
      mine.set(text, steps.add(stepOf(loadBalancer)));
      feed(colo, loadBalancer, lane);
    },
    underWay: (key) => mine.get(placementText(key)) ?? [],
    refused: (key) => refusals.get(placementText(key)) ?? none,
  };
}

/** What waits of the account; whoever comes back waits behind the others then. */
function takeOf(lane: Lane, account: AccountId): readonly Ask[] {
  const taken = [...lane.waiting].filter(([, { key }]) => key.account === account);
  for (const [text] of taken) lane.waiting.delete(text);
  return taken.map(([, ask]) => ask);
}

const none: ReadonlyMap<LoadBalancerId, BalancerRefusal> = new Map();

/** What names a long wait lasts as well: a load balancer that people have to mend, say. */
function isLasting({ kind, retryAfterMs = 0 }: OutsideFault): boolean {
  if (retryAfterMs >= lastingDelayMs) return true;
  return kind === "badRequest" || kind === "quota" || kind === "denied" || kind === "notFound";
}
