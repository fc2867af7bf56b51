import { LRUCache } from "lru-cache";
import { type OutsideFault, outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { EventDraft } from "../../core/model/event.js";
import {
  type LoadBalancerId,
  type PlacementKey,
  placementText,
  type ServerId,
} from "../../core/model/ids.js";
import type { BalancerRefusal, MemberStep } from "../../core/model/observation.js";
import type { Membership, ServerRow } from "../../core/model/server.js";
import type { MemberChange } from "../../core/ports/load-balancer.js";
import type { Ticket } from "../colo/admission.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import { follows, followsRow } from "../events/event-maker.js";
import type { PlacementChange, PlacementState } from "../placements/placement-state.js";
import type { Cooling } from "./cooling.js";

/**
 * Changes of load balancers: one at a time for each, whoever asks, and what waits is merged into
 * the next (B5.4).
 */
export interface BalancerLanes {
  submit(key: PlacementKey, loadBalancer: LoadBalancerId, changes: readonly MemberStep[]): void;
  underWay(key: PlacementKey): Iterable<string>;
  /** Which load balancers refused the placement's last change, where that lasts. */
  refused(key: PlacementKey): ReadonlyMap<LoadBalancerId, BalancerRefusal>;
}

interface Ask {
  readonly key: PlacementKey;
  readonly changes: readonly MemberStep[];
}

interface Lane {
  readonly waiting: Map<string, Ask>;
  busy: boolean;
}

const retryDelayMs = 1_000;
/** What only a person can change is tried again, rarely. */
const lastingDelayMs = 30_000;

/** Beyond it the longest forgotten ones are told anew by their next refusal. */
const refusedMax = 20_000;

export function createBalancerLanes(context: Context, cooling: Cooling): BalancerLanes {
  const { log } = context;
  const lanes = new Map<string, Lane>();
  let turns = 0;
  const stepOf = (loadBalancer: LoadBalancerId) => `members:${loadBalancer}`;
  const mine = new Map<string, Set<string>>();
  const refusals = new LRUCache<string, ReadonlyMap<LoadBalancerId, BalancerRefusal>>({
    max: refusedMax,
  });

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
    lane.busy = colo.queue.offer({
      // A key of its own each time: the queue still knows the last one while it ends.
      key: `${stepOf(loadBalancer)}#${++turns}`,
      account: first.key.account,
      api: "loadBalancer",
      class: "change",
      async run(ticket) {
        const asks = [...lane.waiting.values()];
        lane.waiting.clear();
        await runMerged(colo, loadBalancer, asks, ticket);
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
    id: LoadBalancerId,
    asks: readonly Ask[],
    ticket?: Ticket,
  ): Promise<void> {
    try {
      const refused = await send(colo, id, asks, ticket);
      // Without a pause the next turn would ask again at once, and so on while the brake holds.
      for (const key of refused) cooling.start(key, stepOf(id), retryDelayMs);
    } catch (error) {
      const fault = outsideFaultOf(error);
      colo.members.forget(id);
      const rejected = fault.kind === "badRequest" || fault.kind === "quota";
      if (rejected && asks.length > 1) {
        // One group's bad member must not hold up the others'.
        for (const ask of asks) await runMerged(colo, id, [ask]);
        return;
      }
      log.warn({ loadBalancer: id, kind: fault.kind, error: fault.message }, "members not changed");
      const delayMs = fault.retryAfterMs ?? (isLasting(fault) ? lastingDelayMs : retryDelayMs);
      for (const { key } of asks) {
        cooling.start(key, stepOf(id), delayMs);
        if (isLasting(fault)) note(key, id, { kind: fault.kind, fault: fault.message });
      }
    }
  }

  /** @returns the placements whose changes the gate refused. */
  async function send(
    colo: Colo,
    id: LoadBalancerId,
    asks: readonly Ask[],
    ticket: Ticket | undefined,
  ): Promise<readonly PlacementKey[]> {
    const sent: Ask[] = [];
    let served: ReadonlyMap<string, ServerId> | undefined;
    /** Of another account even: then the member is that one's, and ours is only forgotten (B5.2). */
    const isAnothers = ({ kind, server, host, port }: MemberStep) => {
      if (kind !== "remove") return false;
      served ??= servedAt(context, colo, id);
      const other = served.get(`${host}:${port}`);
      return other !== undefined && other !== server;
    };
    const parts = asks.map(({ key, changes }) => ({
      key,
      changes() {
        const wanted = changes.filter((step) => isStillWanted(context, key, id, step));
        sent.push({ key, changes: wanted });
        return wanted.filter((step) => !isAnothers(step)).map(toChange);
      },
    }));
    const { refused } = await colo.outside.changeMembers(id, parts, ticket);
    if (sent.every(({ changes }) => changes.length === 0)) return refused.map(({ key }) => key);
    colo.members.forget(id);
    for (const { key } of sent) note(key, id);
    await Promise.all(
      sent.map(({ key, changes }) =>
        context.placements.open(key).change((state) => ({
          change: settled(context, state, id, changes),
          reply: undefined,
        })),
      ),
    );
    return refused.map(({ key }) => key);
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

const none: ReadonlyMap<LoadBalancerId, BalancerRefusal> = new Map();

/**
 * Servers may have begun to leave while their change waited, and are not put any more; or they came
 * back, and are not removed. Or their row ended: the address may be another's by now, and is left
 * alone (B5.2).
 */
function isStillWanted(
  context: Context,
  key: PlacementKey,
  loadBalancer: LoadBalancerId,
  step: MemberStep,
): boolean {
  const row = context.placements.peek(key)?.servers.get(step.server);
  return (row?.memberships ?? []).some(
    (one) =>
      one.loadBalancer === loadBalancer &&
      one.host === step.host &&
      one.port === step.port &&
      (step.kind === "remove") === (one.state === "removing"),
  );
}

/** Which server serves at which address of the load balancer, in what this node works on. */
function servedAt(context: Context, colo: Colo, id: LoadBalancerId): ReadonlyMap<string, ServerId> {
  const served = new Map<string, ServerId>();
  for (const { key, peek } of context.placements.known()) {
    if (key.colo !== colo.id || !colo.leases.holds(key)) continue;
    for (const row of peek()?.servers.values() ?? []) {
      if (row.state !== "launching" && row.state !== "inService") continue;
      for (const { loadBalancer, host, port, state } of row.memberships)
        if (loadBalancer === id && state !== "removing") served.set(`${host}:${port}`, row.id);
    }
  }
  return served;
}

function isLasting({ kind }: OutsideFault): boolean {
  return kind === "badRequest" || kind === "quota" || kind === "denied" || kind === "notFound";
}

function toChange({ kind, host, port, weight, draining }: MemberStep): MemberChange {
  return kind === "remove" ? { kind, host, port } : { kind, host, port, weight, draining };
}

/** The ledger after the load balancer took the changes. */
function settled(
  context: Context,
  state: PlacementState,
  loadBalancer: LoadBalancerId,
  done: readonly MemberStep[],
): PlacementChange {
  const servers: ServerRow[] = [];
  const events: EventDraft[] = [];
  for (const step of done) {
    const row = servers.find((one) => one.id === step.server) ?? state.servers.get(step.server);
    if (!row) continue;
    const isIt = (one: Membership) =>
      one.loadBalancer === loadBalancer && one.host === step.host && one.port === step.port;
    const before = row.memberships.find(isIt);
    if (!before) continue;
    const changedAtMs = context.clock.nowMs();
    const standing = step.draining ? "draining" : "member";
    const { by: _told, ...kept } = before;
    const after: Membership = { ...kept, state: standing, changedAtMs };
    const memberships =
      step.kind === "remove"
        ? row.memberships.filter((one) => !isIt(one))
        : row.memberships.map((one) => (isIt(one) ? after : one));
    const index = servers.findIndex((one) => one.id === row.id);
    if (index >= 0) servers[index] = { ...row, memberships };
    else servers.push({ ...row, memberships });
    const added = step.kind === "put" && before.state === "adding";
    if (!added && step.kind !== "remove") continue;
    const type = step.kind === "remove" ? "member.removed" : "member.added";
    const facts = { loadBalancer, address: `${step.host}:${step.port}` };
    // An edit's own, or another step of the server's life.
    const parent = before.by === undefined ? followsRow(row) : follows(before.by);
    events.push(context.events.make(type, { server: step.server, facts, ...parent }));
  }
  return { servers, events };
}
