import { type OutsideFault, outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { EventDraft } from "../../core/model/event.js";
import type { LoadBalancerId, PlacementKey, ServerId } from "../../core/model/ids.js";
import type { MemberStep } from "../../core/model/observation.js";
import { callStopped } from "../../core/model/pause.js";
import type { Membership, ServerRow } from "../../core/model/server.js";
import type { LoadBalancerRef, MemberChange } from "../../core/ports/load-balancer.js";
import type { Ticket } from "../colo/admission.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import { follows, followsRow } from "../events/event-maker.js";
import type { PlacementChange, PlacementState } from "../placements/placement-state.js";

/** What one placement wants of a load balancer. */
export interface Ask {
  readonly key: PlacementKey;
  readonly changes: readonly MemberStep[];
}

export interface Batch {
  readonly colo: Colo;
  readonly ref: LoadBalancerRef;
  /** One of each placement, all of the account for which the load balancer is asked. */
  readonly asks: readonly Ask[];
  readonly ticket: Ticket;
}

export interface Sent {
  /** Placements of which something was taken. */
  readonly taken: ReadonlySet<PlacementKey>;
  /** By the gate. */
  readonly refused: ReadonlySet<PlacementKey>;
  /** Of which something was not taken, and why. */
  readonly failed: ReadonlyMap<PlacementKey, OutsideFault>;
}

/** Changes that were rejected though each was alone in its call. */
export interface Rejections {
  /** Of late. */
  has(key: PlacementKey, change: MemberStep): boolean;
  note(key: PlacementKey, change: MemberStep): void;
}

/** So many rejected calls are spent on finding out what of a placement's changes can be taken. */
const rejectedMax = 24;

/**
 * Sends what is wanted of one load balancer in one call. A batch that is rejected is split, by
 * placement and then in halves, until what can be taken is: one bad member holds up nobody (B5.4).
 */
export async function sendMembers(
  context: Context,
  { colo, ref, asks, ticket }: Batch,
  rejections: Rejections,
): Promise<Sent> {
  const taken = new Set<PlacementKey>();
  const refused = new Set<PlacementKey>();
  const failed = new Map<PlacementKey, OutsideFault>();

  async function attempt(part: readonly Ask[], budget: Budget, own?: Ticket): Promise<void> {
    try {
      const sent = await sendOnce(context, colo, ref, { asks: part, ticket: own });
      for (const key of sent.taken) taken.add(key);
      for (const key of sent.refused) refused.add(key);
    } catch (error) {
      const fault = outsideFaultOf(error);
      colo.members.forget(ref);
      const isRejected = fault.kind === "badRequest" || fault.kind === "quota";
      if (isRejected && part.length > 1) {
        for (const ask of part) await attempt([ask], { left: rejectedMax });
        return;
      }
      const { key, changes } = part[0]!;
      if (isRejected && changes.length === 1) rejections.note(key, changes[0]!);
      const isKnown = changes.every((one) => rejections.has(key, one));
      if (!isRejected || isKnown || --budget.left === 0) {
        for (const one of part) failed.set(one.key, fault);
        return;
      }
      for (const half of split(changes, context.ids.random()))
        await attempt([{ key, changes: half }], budget);
    }
  }

  await attempt(asks, { left: rejectedMax }, ticket);
  return { taken, refused, failed };
}

interface Budget {
  left: number;
}

/**
 * Two parts of what was rejected. What leaves goes first, since it makes room; else where it is cut
 * is chance, so that nothing is for ever behind what is bad.
 */
function split(changes: readonly MemberStep[], random: number): readonly (readonly MemberStep[])[] {
  const removals = changes.filter(({ kind }) => kind === "remove");
  const puts = changes.filter(({ kind }) => kind === "put");
  if (removals.length > 0 && puts.length > 0) return [removals, puts];
  const first = Math.floor(random * changes.length);
  const turned = [...changes.slice(first), ...changes.slice(0, first)];
  const middle = Math.ceil(turned.length / 2);
  return [turned.slice(0, middle), turned.slice(middle)];
}

async function sendOnce(
  context: Context,
  colo: Colo,
  ref: LoadBalancerRef,
  { asks, ticket }: { readonly asks: readonly Ask[]; readonly ticket: Ticket | undefined },
): Promise<{ readonly taken: readonly PlacementKey[]; readonly refused: readonly PlacementKey[] }> {
  const { id } = ref;
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
  const { refused } = await colo.outside.changeMembers(ref, parts, ticket);
  const refusedKeys = refused.map(({ key }) => key);
  if (sent.every(({ changes }) => changes.length === 0)) return { taken: [], refused: refusedKeys };
  colo.members.forget(ref);
  await Promise.all(
    sent.map(({ key, changes }) =>
      context.placements.open(key).change((state) => ({
        change: settled(context, state, id, changes),
        reply: undefined,
      })),
    ),
  );
  return { taken: sent.map(({ key }) => key), refused: refusedKeys };
}

/**
 * Servers may have begun to leave while their change waited, and are not put any more; or they came
 * back, and are not removed. Or their row ended: the address may be another's by now, and is left
 * alone (B5.2). Or scaling in was paused (B8.1).
 */
function isStillWanted(
  context: Context,
  key: PlacementKey,
  loadBalancer: LoadBalancerId,
  step: MemberStep,
): boolean {
  const { doc, servers } = context.placements.peek(key) ?? {};
  const row = servers?.get(step.server);
  if (doc && row && callStopped(doc, "loadBalancer", row)) return false;
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
