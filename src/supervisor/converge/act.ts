import { OutsideFault, outsideFaultOf } from "../../core/errors/outside-fault.js";
import { type Cause, cause } from "../../core/model/cause.js";
import type { LaunchChoice, LaunchConfiguration } from "../../core/model/group.js";
import {
  type EventId,
  type PlacementKey,
  placementText,
  type ServerId,
} from "../../core/model/ids.js";
import { isMadeNow, launchOf } from "../../core/model/launches.js";
import { createKey, type Step, stepKey } from "../../core/model/observation.js";
import type { ServerRow } from "../../core/model/server.js";
import { afterFailure } from "../../core/plan/backoff.js";
import { choiceOf, pairsOf } from "../../core/plan/choose-launch.js";
import { bind, mayMove, move } from "../../core/plan/lifecycle.js";
import { afterNoRoom, choiceFacts, isOut } from "../../core/plan/no-room.js";
import { afterRefusal } from "../../core/plan/proven.js";
import { ownAmong, ownershipOf } from "../../core/plan/tags.js";
import { afterLoss } from "../../core/plan/vacancies.js";
import type { MadeServer } from "../../core/ports/cloud.js";
import type { CallClass, Ticket } from "../colo/admission.js";
import type { Colo } from "../colo/colo.js";
import type { Answer } from "../colo/outside.js";
import type { Context } from "../context.js";
import { type EventMaker, follows, followsRow } from "../events/event-maker.js";
import { movedBy, vacate } from "../events/lineage.js";
import type { PlacementChange, PlacementState } from "../placements/placement-state.js";
import { createDeletes } from "./act-delete.js";
import { createOrphanRun } from "./act-orphans.js";
import { createTagRuns } from "./act-tags.js";
import type { BalancerLanes } from "./balancer-lanes.js";
import type { Cooling } from "./cooling.js";

/** Takes a plan's steps to the outside, each through the colo's queue and the gate. */
export interface Actors {
  /** `isUrgent`: a person asked for it and waits. */
  create(key: PlacementKey, server: ServerId, isUrgent: boolean): void;
  act(key: PlacementKey, step: Step): void;
  /** Takes back intentions whose call has not started (certain), and ends their rows. */
  withdraw(key: PlacementKey, servers: readonly ServerId[]): Promise<void>;
  underWay(key: PlacementKey): ReadonlyMap<string, "queued" | "running">;
  /** Which load balancers refuse the placement's changes, for reasons that last. */
  refused: BalancerLanes["refused"];
}

export interface ActDeps {
  readonly context: Context;
  readonly lanes: BalancerLanes;
  readonly cooling: Cooling;
}

type Run = (ticket: Ticket) => Promise<void>;

export function createActors({ context, lanes, cooling }: ActDeps): Actors {
  const { clock, events, signal, log } = context;
  const offered = new Map<string, Set<string>>();

  function offer(key: PlacementKey, step: string, callClass: CallClass, run: Run) {
    const mine = offered.get(placementText(key)) ?? new Set<string>();
    offered.set(placementText(key), mine);
    const taken = coloOf(key).queue.offer({
      key: full(key, step),
      account: key.account,
      api: "cloud",
      class: callClass,
      async run(ticket) {
        try {
          await run(ticket);
        } catch (error) {
          if (!signal.aborted) log.warn({ ...key, step, error: String(error) }, "step went wrong");
          cooling.start(key, step, retryDelayMs);
        } finally {
          mine.delete(step);
          if (mine.size === 0) offered.delete(placementText(key));
          context.wake(key);
        }
      },
    });
    if (taken) mine.add(step);
    return taken;
  }

  const coloOf = (key: PlacementKey): Colo => context.colos.get(key.colo)!;

  const runTags = createTagRuns(context, cooling);
  const deletes = createDeletes(context, cooling);
  const runOrphan = createOrphanRun(context, cooling);
  const change = (key: PlacementKey, decide: (state: PlacementState) => PlacementChange) =>
    context.placements.open(key).change((state) => ({ change: decide(state), reply: undefined }));

  /** Ends an intention whose create call was certainly never made or certainly refused. */
  function endIntention(key: PlacementKey, server: ServerId, why: Cause, failed?: FailedBuild) {
    return change(key, (state) => {
      const row = state.servers.get(server);
      if (row?.state !== "intended") return {};
      return intentionEnded(events, state, row, { why, failed, nowMs: clock.nowMs() });
    });
  }

  /**
   * Our intention with time enough for its call. One that waited longer than it said gets a new
   * deadline on record first: a successor goes by it (B4.5). Undefined: it is ours no more.
   */
  async function inTime(key: PlacementKey, server: ServerId, createDeadlineMs: number) {
    const ours = (row: ServerRow | undefined) =>
      row?.state === "intended" && row.attempt.id === context.attemptId ? row : undefined;
    const row = ours(context.placements.peek(key)?.servers.get(server));
    if (!row || clock.nowMs() + createDeadlineMs <= row.attempt.callDeadlineMs) return row;
    return context.placements.open(key).change((state) => {
      const now = ours(state.servers.get(server));
      if (!now) return { change: {}, reply: undefined };
      const callDeadlineMs = clock.nowMs() + callWaitMs + createDeadlineMs;
      const renewed: ServerRow = { ...now, attempt: { ...now.attempt, callDeadlineMs } };
      return { change: { servers: [renewed] }, reply: renewed };
    });
  }

  async function runCreate(key: PlacementKey, server: ServerId, ticket: Ticket): Promise<void> {
    const colo = coloOf(key);
    const { createDeadlineMs } = colo.outside.cloud;
    const row = await inTime(key, server, createDeadlineMs);
    if (!row) return;
    const { group } = await context.groups.get(key, signal);
    const withdrawn = (why: string) => cause("B4.5", "WITHDRAWN", { why });
    const doc = context.placements.peek(key)?.doc;
    const launch = group && launchOf(group, row.launchRevision);
    if (!launch || (doc && !isMadeNow(group, doc, row.launchRevision))) {
      await endIntention(key, server, withdrawn("its launch configuration was changed"));
      return;
    }
    const choice = choiceOf(row, launch);
    const isChoosable = pairsOf(launch).length > 1;
    if (doc && isChoosable && isOut(doc, choice, clock.nowMs())) {
      await endIntention(key, server, withdrawn("there is no room by now for what it was to be"));
      return;
    }
    const isLate = () => clock.nowMs() + createDeadlineMs > row.attempt.callDeadlineMs;
    const tooLate = () => (isLate() ? withdrawn("it waited too long") : undefined);
    let answer: Answer<MadeServer>;
    try {
      answer = await colo.outside.createServer(
        { key, server, unless: tooLate, ticket },
        {
          account: key.account,
          name: serverName(key, server),
          launch: launchAs(launch, choice),
          ...(choice.zone === undefined ? {} : { zone: choice.zone }),
          ownership: ownershipOf(context.installation, key, row),
        },
      );
    } catch (error) {
      const fault = outsideFaultOf(error);
      await createFailed(key, row, { fault, launch });
      return;
    }
    if (answer.kind === "refused") {
      await endIntention(key, server, answer.cause);
      return;
    }
    const made = answer.value;
    await change(key, (state) => {
      const now = state.servers.get(server);
      if (!now || now.cloudId !== undefined || !mayMove(now.state, "bind")) return {};
      const facts = { cloudId: made.id, ...requestOf(made) };
      const draft = events.ofRow("server.building", now, { facts });
      const bound = { ...bind(now, made, clock.nowMs()), ...askedAs(made) };
      return { servers: [bound], events: [draft] };
    });
  }

  async function createFailed(key: PlacementKey, asked: ServerRow, build: FailedBuild) {
    const { fault } = build;
    const server = asked.id;
    if (!fault.ambiguous) {
      const denied = deniedBy(coloOf(key), key, fault);
      // Neither a cloud that wants fewer calls nor the account's credentials are the group's fault.
      const failed = denied || fault.kind === "throttled" ? undefined : build;
      await endIntention(key, server, denied ?? causeOfFault(fault, asked), failed);
      return;
    }
    coloOf(key).servers.forget(key.account);
    await change(key, (state) => {
      const row = state.servers.get(server);
      if (row?.state !== "intended") return {};
      const lost = cause("B4.5", "ANSWER_LOST", { fault: fault.message, ...requestOf(fault) });
      const draft = events.ofRow("server.unconfirmed", row, { causes: [lost] });
      const unconfirmed = move(row, "lose", clock.nowMs(), askedAs(fault));
      return { servers: [unconfirmed], events: [draft] };
    });
  }

  async function runFind(key: PlacementKey, server: ServerId, ticket: Ticket): Promise<void> {
    const colo = coloOf(key);
    const { listingLagMs } = colo.outside.cloud;
    const askedAtMs = clock.nowMs();
    const request = { account: key.account, server };
    const found = await colo.outside.findByIntention(request, { ticket });
    await change(key, (state) => {
      const row = state.servers.get(server);
      if (row?.state !== "unconfirmed") return {};
      const ours = ownAmong(found, ownershipOf(context.installation, key, row), row);
      const nowMs = clock.nowMs();
      if (ours) {
        const draft = events.ofRow("server.building", row, { facts: { cloudId: ours.id } });
        return { servers: [bind(row, ours, nowMs)], events: [draft] };
      }
      if (askedAtMs < row.attempt.callDeadlineMs + listingLagMs) return {};
      const given = cause("B4.5", "ABANDONED", { server });
      const draft = events.ofRow("server.abandoned", row, { causes: [given] });
      const silent = new OutsideFault("unknown", "the answers to creates are lost");
      // What another life of the node left behind says nothing about the cloud.
      const oursToo = row.attempt.id === context.attemptId;
      const failed = oursToo ? { fault: silent } : undefined;
      const left = withoutServer(state, row, draft.id, { failed, nowMs });
      return { servers: [move(row, "abandon", nowMs)], events: [draft], ...left };
    });
  }

  return {
    create(key, server, isUrgent) {
      const run = (ticket: Ticket) => runCreate(key, server, ticket);
      if (offer(key, createKey(server), isUrgent ? "urgent" : "change", run)) return;
      // The queue filled up meanwhile: nothing was called, so the intention ends as if never made.
      const why = cause("M2.3", "WITHDRAWN", { why: "the colo's queue is full" });
      endIntention(key, server, why).catch((error: unknown) => {
        // It stays on record, and the next turn or the next life of the node sees to it.
        if (!signal.aborted) log.warn({ ...key, server, error: String(error) }, "not withdrawn");
      });
    },
    act(key, step) {
      switch (step.kind) {
        case "delete":
          offer(key, stepKey(step), "delete", (ticket) => deletes.run(key, step, ticket));
          return;
        case "deleteOrphan":
          offer(key, stepKey(step), "delete", (ticket) => runOrphan(key, step, ticket));
          return;
        case "tag":
        case "untag":
          offer(key, stepKey(step), "read", (ticket) => runTags(key, step, ticket));
          return;
        case "findIntention":
          offer(key, stepKey(step), "read", (ticket) => runFind(key, step.server, ticket));
          return;
        case "changeMembers":
          lanes.submit(key, step.loadBalancer, step.changes);
          return;
        default:
          step satisfies never;
      }
    },
    async withdraw(key, servers) {
      const taken = servers.filter((one) => coloOf(key).queue.withdraw(full(key, createKey(one))));
      for (const one of taken) offered.get(placementText(key))?.delete(createKey(one));
      await Promise.all(
        taken.map((one) =>
          endIntention(key, one, cause("B4.4", "WITHDRAWN", { why: "it is surplus by now" })),
        ),
      );
    },
    refused: lanes.refused,
    underWay(key) {
      const under = new Map<string, "queued" | "running">();
      const mine: ReadonlySet<string> = offered.get(placementText(key)) ?? new Set();
      for (const step of mine)
        under.set(step, coloOf(key).queue.standing(full(key, step)) ?? "running");
      for (const step of lanes.underWay(key)) under.set(step, "running");
      for (const step of cooling.of(key)) under.set(step, "running");
      for (const step of deletes.asked(key)) under.set(step, "running");
      return under;
    },
  };
}

function full(key: PlacementKey, step: string): string {
  return `${placementText(key)}|${step}`;
}

/** From the promise on record to the start of its call; one that waits longer is renewed. */
export const callWaitMs = 2_000;
const retryDelayMs = 2_000;

/** A create that came to nothing, and where known what it was made from. */
interface FailedBuild {
  readonly fault: OutsideFault;
  readonly launch?: LaunchConfiguration;
}

function intentionEnded(
  events: EventMaker,
  state: PlacementState,
  row: ServerRow,
  told: { readonly why: Cause; readonly failed: FailedBuild | undefined; readonly nowMs: number },
): PlacementChange {
  const { why, failed, nowMs } = told;
  const isSurplus = why.rule === "B4.4";
  const ended = move(row, "end", nowMs, { leaving: why });
  const type = failed ? ("server.failed" as const) : ("server.withdrawn" as const);
  // Surplus follows from what moved the target; what is only asked for anew does not.
  const parent = isSurplus ? follows(movedBy(state.doc)) : followsRow(row);
  const draft = events.make(type, { server: row.id, causes: [why], ...parent });
  const left = isSurplus ? {} : withoutServer(state, row, draft.id, { failed, nowMs });
  return { servers: [ended], events: [draft], ...left };
}

/** The document once a server is given up: its place is vacant, and builds may back off. */
function withoutServer(
  { doc }: PlacementState,
  row: ServerRow,
  toldBy: EventId,
  { failed, nowMs }: { readonly failed: FailedBuild | undefined; readonly nowMs: number },
): Pick<PlacementChange, "doc"> {
  if (!doc) return {};
  let vacant = afterLoss(vacate(doc, row, toldBy), row);
  // Refused credentials stop the whole account: no group's builds have failed for it (B9.7).
  if (!failed || failed.fault.kind === "denied") return { doc: vacant };
  const { fault, launch } = failed;
  if (launch && isOwnFault(fault)) vacant = afterRefusal(vacant, row.launchRevision, fault.message);
  if (fault.kind !== "noCapacity" || !launch) return { doc: backedOff(vacant, fault, nowMs) };
  const choice = choiceOf(row, launch);
  return { doc: afterNoRoom(vacant, launch, { choice, nowMs, reason: fault.message }) };
}

function backedOff(
  doc: NonNullable<PlacementState["doc"]>,
  fault: OutsideFault,
  nowMs: number,
): NonNullable<PlacementState["doc"]> {
  const salt = `${doc.groupUid}/${doc.key.colo}`;
  const backoff = afterFailure(doc.backoff, { nowMs, reason: fault.message, salt });
  return backoff === doc.backoff ? doc : { ...doc, backoff };
}

/** The cloud refuses what the launch configuration asks for, not that it is asked. */
function isOwnFault({ kind, ambiguous }: OutsideFault): boolean {
  return !ambiguous && (kind === "badRequest" || kind === "notFound" || kind === "unknown");
}

function deniedBy({ credentials }: Colo, { account }: PlacementKey, { kind }: OutsideFault) {
  return kind === "denied" ? credentials.refusal(account) : undefined;
}

function causeOfFault(fault: OutsideFault, asked: ServerRow): Cause {
  const facts = { fault: fault.message, kind: fault.kind, ...requestOf(fault) };
  if (fault.kind === "throttled") {
    const { kind: _, ...busy } = facts;
    return cause("B9.4", "CLOUD_BUSY", { api: "cloud", ...busy });
  }
  if (fault.kind === "quota") return cause("B4.7", "QUOTA", facts);
  if (fault.kind === "noCapacity")
    return cause("B4.7", "NO_CAPACITY", { ...facts, ...choiceFacts(asked) });
  return cause("B4.8", "BUILD_ERROR", facts);
}

/** What the driver is asked for: one flavor, nothing left to choose. */
function launchAs(launch: LaunchConfiguration, { flavor }: LaunchChoice): LaunchConfiguration {
  const { fallbackFlavors: _, availabilityZones: __, ...rest } = launch;
  return { ...rest, flavor };
}

/** By which the cloud's operators find what was asked for. */
function requestOf({ requestId }: { readonly requestId?: string | undefined }) {
  return requestId === undefined ? {} : { requestId };
}

/** The same, on the server's row: it is asked for by people while the server is there. */
function askedAs({ requestId }: { readonly requestId?: string | undefined }) {
  return requestId === undefined ? {} : { createRequestId: requestId };
}

function serverName(key: PlacementKey, server: ServerId): string {
  return `${key.group}-${server.slice(-10)}`;
}
