import { Fault } from "../core/errors/fault.js";
import type { EventDraft } from "../core/model/event.js";
import type { Group } from "../core/model/group.js";
import type { ColoId, EventId, PlacementKey, PolicyId } from "../core/model/ids.js";
import type { PlacementDoc } from "../core/model/placement.js";
import type { Policy } from "../core/model/policy.js";
import { sayCause } from "../core/model/say-cause.js";
import type { Occurrence, Receipt, ScaleAsk, ScaleEvent } from "../core/model/scale-event.js";
import { decide } from "../core/policy/decide.js";
import { docAfter } from "../core/policy/decided.js";
import type { DecideInput, Decision, PlacementFacts } from "../core/policy/decision.js";
import { unansweredOf } from "../core/policy/unanswered.js";
import type { Caller, ScalingUseCases, SubmitScaleEvent } from "./api.js";
import type { Context } from "./context.js";
import {
  ensurePlacements,
  firstDoc,
  leadOf,
  liveGroup,
  placementsElsewhere,
} from "./placements/ensure.js";
import { copySeen, nearState } from "./placements/near-state.js";
import type { Decided, EarlierReceipts } from "./placements/placement-actor.js";
import {
  type Delivery,
  type PlacementChange,
  type PlacementState,
  placementPartition,
  type StoredReceipt,
} from "./placements/placement-state.js";
import { checkFingerprint } from "./receipts.js";

/** An idempotency key is remembered for so long (B3.1). */
const receiptKeptMs = 24 * 3_600_000;

/** Decides scale events at the lead placement and hands on what follows (B2.9, B11.2). */
export function createScaling(context: Context): ScalingUseCases {
  return {
    async submit(request, caller) {
      const entry = await entryFor(context, request, caller.signal);
      checkPolicy(request, entry.policies);
      const policies = [...entry.policies.values()];
      await ensurePlacements(context, entry.group, caller.signal);
      const others = await otherPlacements(context, entry.group, caller.signal);
      const event = scaleEventOf(context, request, entry.group, caller);
      const known = await answeredElsewhere(context, entry.group, event, caller.signal);
      const fingerprint = JSON.stringify([request.ask, request.force ?? null]);
      const lead = context.placements.open(leadOf(context, entry.group));
      const receipt = await lead.change(
        (state, earlier) =>
          answerOnce(earlier, { event, fingerprint, known }, () =>
            decideOn(context, state, { event, group: entry.group, policies, others }),
          ),
        event.idempotencyKey === undefined ? {} : { receiptKeys: [event.idempotencyKey] },
      );
      if (!known) context.monitor.answered(lead.key, event, receipt);
      // Asking heals: even a refusal makes the group look at itself (B2.8).
      context.wakeNow(lead.key);
      return receipt;
    },
  };
}

/** A policy that this node does not know may be younger than what it read. */
async function entryFor(context: Context, { key, ask }: SubmitScaleEvent, signal: AbortSignal) {
  const known = await liveGroup(context, key, signal);
  if (!("policy" in ask) || known.policies.has(ask.policy)) return known;
  await context.groups.refresh(key, signal);
  return liveGroup(context, key, signal);
}

function checkPolicy({ ask }: SubmitScaleEvent, policies: ReadonlyMap<PolicyId, Policy>): void {
  if (!("policy" in ask) || policies.has(ask.policy)) return;
  throw new Fault("POLICY_NOT_FOUND", { say: `there is no policy ${ask.policy}` });
}

function scaleEventOf(
  context: Context,
  request: SubmitScaleEvent,
  group: Group,
  caller: Caller,
): ScaleEvent {
  const atMs = context.clock.nowMs();
  const { source, ask, force, requestId } = request;
  return {
    id: context.ids.next() as EventId,
    atMs,
    source,
    ask,
    principal: caller.principal,
    ...(force ? { force: { reason: force.reason, expiresAtMs: atMs + force.durationMs } } : {}),
    // A group that was made anew under the same name has receipts of its own.
    ...(requestId === undefined ? {} : { idempotencyKey: `${group.uid}/${requestId}` }),
  };
}

/** While colos were apart another one may have decided it; what is known of that here stands. */
export async function answeredElsewhere(
  context: Context,
  group: Group,
  { idempotencyKey: key }: Pick<ScaleEvent, "idempotencyKey">,
  signal: AbortSignal,
): Promise<StoredReceipt | undefined> {
  if (key === undefined) return undefined;
  const call = { signal, from: "replica" } as const;
  const rows = await Promise.all(
    placementsElsewhere(context, group).map((one) =>
      context.store.read(placementPartition(one), [{ kind: "receipt", key }], call),
    ),
  );
  const found = rows.flat().find((row) => row !== undefined);
  return found && (JSON.parse(found.value) as StoredReceipt);
}

/** The stored answer to an event that was decided before, else the new one, stored with it. */
export function answerOnce(
  earlier: EarlierReceipts,
  asked: {
    readonly event: ScaleEvent;
    readonly fingerprint: string;
    /** What another colo answered, when it led. */
    readonly known: StoredReceipt | undefined;
  },
  answer: () => Decided<Receipt>,
): Decided<Receipt> {
  const { event, fingerprint, known } = asked;
  const key = event.idempotencyKey;
  if (key === undefined) return answer();
  const stored = earlier.get(key) ?? known;
  if (stored) {
    checkFingerprint(stored, fingerprint);
    return { change: {}, reply: stored.receipt };
  }
  const { change, reply } = answer();
  const expiresAtMs = event.atMs + receiptKeptMs;
  const receipt: StoredReceipt = { key, fingerprint, receipt: reply, expiresAtMs };
  return { change: { ...change, receipt }, reply };
}

export interface DecideOn {
  readonly event: ScaleEvent;
  readonly group: Group;
  /** All of the group's. */
  readonly policies: readonly Policy[];
  readonly others: readonly OtherPlacement[];
  /** The event that this one follows from, where it does. */
  readonly parent?: EventId;
}

/** A placement other than the lead, as last known. */
export interface OtherPlacement {
  readonly doc: PlacementDoc;
  readonly unanswered: number;
  /** How old the copy is that this was read from; undefined: it is the newest, or nobody knows. */
  readonly ageMs?: number;
}

/** The decision, as a change of the lead placement. Pure but for ids, and what demand is seen. */
export function decideOn(
  context: Context,
  state: PlacementState,
  asked: DecideOn,
): Decided<Receipt> {
  const { event, group } = asked;
  if (!state.doc) throw new Fault("GROUP_NOT_FOUND", { say: "the group is gone" });
  const input = inputOf(context.clock.nowMs(), { ...state, doc: state.doc }, asked);
  const decision = decide(event, input);
  if (event.ask.kind === "alert")
    context.demand.note(state.key, { from: decision.receipt.oldTarget, wanted: decision.wanted });
  return { change: changeOf(context, state, state.doc, asked, decision), reply: decision.receipt };
  function inputOf(
    nowMs: number,
    lead: PlacementState & { readonly doc: PlacementDoc },
    { policies, others }: DecideOn,
  ): DecideInput {
    const demandDrop = context.demand.drop();
    return {
      nowMs,
      group,
      placements: factsOf(group, lead, others),
      lead: lead.doc,
      policies,
      alertMarks: [...lead.alerts.values()],
      ...(demandDrop ? { demandDrop } : {}),
      unanswered:
        unansweredOf(lead, group, nowMs) + others.reduce((sum, one) => sum + one.unanswered, 0),
    };
  }
}

/** The group's placements with their targets; what the lead has yet to deliver counts as told. */
export function factsOf(
  group: Group,
  lead: PlacementState & { readonly doc: PlacementDoc },
  others: readonly OtherPlacement[],
): PlacementFacts[] {
  return group.placements.flatMap(({ colo, weight }): PlacementFacts[] => {
    const other = others.find((one) => one.doc.key.colo === colo);
    const doc = colo === lead.key.colo ? lead.doc : other?.doc;
    if (!doc) return [];
    const age = other?.ageMs === undefined ? {} : { ageMs: other.ageMs };
    const { min, max } = doc;
    const told = lead.deliveries.get(colo);
    const forced = told?.forced ?? doc.forced;
    const target = told?.target ?? doc.target;
    const beyond = { ...(forced && { forced }), ...(doc.window && { window: doc.window }) };
    return [{ colo, min, max, weight, target, ...age, ...beyond }];
  });
}

/** The group's placements beside the lead, as this node knows them. */
export async function otherPlacements(
  context: Context,
  group: Group,
  signal: AbortSignal,
): Promise<OtherPlacement[]> {
  const lead = leadOf(context, group);
  const nowMs = context.clock.nowMs();
  const known = await Promise.all(
    group.placements
      .filter(({ colo }) => colo !== lead.colo)
      .map(async (spec): Promise<OtherPlacement[]> => {
        const { colo } = spec;
        const key: PlacementKey = { account: group.account, group: group.id, colo };
        const state = await nearState(context, key, signal);
        const { copySeenAtMs } = copySeen(context, colo);
        const age = copySeenAtMs === undefined ? {} : { ageMs: Math.max(0, nowMs - copySeenAtMs) };
        if (state.doc)
          return [{ doc: state.doc, unanswered: unansweredOf(state, group, nowMs), ...age }];
        // What another colo has made of a young group may not have come here yet.
        if (!context.elsewhere?.colos.has(colo)) return [];
        return [{ doc: firstDoc(key, group, spec, nowMs), unanswered: 0 }];
      }),
  );
  return known.flat();
}

/** Watches differ: what is decided on earlier decisions must sort behind them. */
function laterThanKnown(
  id: string,
  { doc, deliveries }: PlacementState,
  others: readonly OtherPlacement[],
): string {
  const known = [
    doc?.lastDecision?.id,
    ...others.map((one) => one.doc.lastDecision?.id),
    ...[...deliveries.values()].map((one) => one.decisionId),
  ];
  const last = known.reduce((a = "", b = "") => (a > b ? a : b), "") ?? "";
  return id > last ? id : `${last}0`;
}

function changeOf(
  context: Context,
  state: PlacementState,
  doc: PlacementDoc,
  asked: DecideOn,
  decision: Decision,
): PlacementChange {
  const { event } = asked;
  const { receipt, targets, marks, alertMarks, forced } = decision;
  const decisionId = laterThanKnown(context.ids.next(), state, asked.others);
  const deliveries = Object.entries(targets ?? {})
    .filter(([colo]) => colo !== state.key.colo)
    .map(([colo, target]): Delivery => {
      const limits = forced[colo as ColoId];
      const base = { colo, decisionId, target, eventId: event.id, source: event.source };
      return limits ? { ...base, forced: { ...limits, by: event.id } } : base;
    });
  const gone = alertMarks.deletes.flatMap(
    ({ policy: id, key }) => state.alerts.get(`${id}/${key}`) ?? [],
  );
  return {
    doc: { ...docAfter(doc, { event, decision, decisionId }), ...marks },
    deliveries,
    alerts: alertMarks.puts,
    alertsGone: gone,
    events: [decidedEvent(asked, receipt)],
  };
}

function sayAsk({ source, ask, occurrence }: ScaleEvent): string {
  if (occurrence)
    return `Schedule ${occurrence.schedule} was due at ${new Date(occurrence.dueAtMs).toISOString()}`;
  switch (ask.kind) {
    case "target":
      return `Target ${ask.target} was asked for`;
    case "change":
      return `A change of ${ask.change > 0 ? "+" : ""}${ask.change} was asked for`;
    case "policy":
      if (source === "circleBack") return `Policy ${ask.policy} circled back`;
      return `Policy ${ask.policy} was executed`;
    case "alert":
      return `${ask.key} is ${ask.state} for policy ${ask.policy}`;
    default:
      return ask satisfies never;
  }
}

function lateness(
  { schedule, dueAtMs, firstAtMs }: Occurrence,
  { atMs }: Receipt,
): EventDraft["facts"] {
  const skipped = firstAtMs < dueAtMs ? { missedSinceAtMs: firstAtMs } : {};
  return { schedule, dueAtMs, lateMs: Math.max(0, atMs - dueAtMs), ...skipped };
}

/** All that it takes to ask the same again, in a simulation. */
function askedFacts(ask: ScaleAsk): EventDraft["facts"] {
  switch (ask.kind) {
    case "target":
      return { askedTarget: ask.target };
    case "change":
      return { askedChange: ask.change };
    case "policy":
      return { policy: ask.policy };
    case "alert": {
      const { policy, key, state, value } = ask;
      return { policy, key, state, ...(value === undefined ? {} : { value }) };
    }
    default:
      return ask satisfies never;
  }
}

function decidedEvent({ event, parent }: DecideOn, receipt: Receipt): EventDraft {
  const why = receipt.causes.map(sayCause).join("; ");
  const { outcome, oldTarget, newTarget } = receipt;
  const moved =
    oldTarget === newTarget ? `target stays ${oldTarget}` : `target ${oldTarget} → ${newTarget}`;
  return {
    id: event.id,
    type: "scale.decided",
    atMs: receipt.atMs,
    message: `${sayAsk(event)}: ${outcome}, ${moved}${why ? ` (${why})` : ""}`,
    facts: {
      source: event.source,
      ask: event.ask.kind,
      outcome,
      oldTarget,
      newTarget,
      ...(event.occurrence && lateness(event.occurrence, receipt)),
      ...askedFacts(event.ask),
    },
    ...(receipt.causes.length === 0 ? {} : { causes: receipt.causes }),
    principal: event.principal,
    ...(parent === undefined ? {} : { parent }),
    receipt,
  };
}
