import { Fault, type FieldViolation, invalidFields } from "../../core/errors/fault.js";
import type { MusterEvent } from "../../core/model/event.js";
import type { Group } from "../../core/model/group.js";
import type { GroupKey, PolicyId } from "../../core/model/ids.js";
import type { Policy } from "../../core/model/policy.js";
import type { SimulatedEvent } from "../../core/model/simulation.js";
import type { Journal, JournalQuery } from "../../core/ports/journal.js";
import { measuredBoot } from "../../core/simulate/boot-time.js";
import { costOf } from "../../core/simulate/cost.js";
import { simulationLimits } from "../../core/simulate/limits.js";
import { readRecorded } from "../../core/simulate/recorded.js";
import { createSimulation, type SimulationInput } from "../../core/simulate/simulate.js";
import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import { allPlacementsOf, liveGroup } from "../placements/ensure.js";
import { nearStates } from "../placements/near-state.js";
import type { PolicyUseCases, SimulatePolicy } from "../policies.js";
import { sleep } from "../sleep.js";

/** Simulations of a node at once: each has a thread's time for itself, piece by piece. */
const runningMax = 2;
/** So many moments at a time; then whoever waits for the node has a turn. */
const momentsMax = 100;
const againMs = 5_000;
const hourMs = 3_600_000;
const pageMax = 1_000;
const launchEventsMax = 2_000;

/** Runs policies over a group's past, or over what the request makes up; does nothing. */
export function createSimulatePolicy(
  context: Context,
  journal: Pick<Journal, "search">,
): PolicyUseCases["simulate"] {
  let running = 0;

  async function run(input: SimulationInput, signal: AbortSignal) {
    const simulation = createSimulation(input);
    while (simulation.goOn(momentsMax)) await sleep(context.clock, 0, signal);
    return simulation.result();
  }

  return async (request, { signal }) => {
    const entry = await liveGroup(context, request.key, signal);
    check(request, entry);
    if (running >= runningMax)
      throw new Fault("OVERLOADED", {
        say: `${runningMax} simulations are under way on this node`,
        retryAfterMs: againMs,
      });
    running++;
    try {
      const input = await inputOf(context, journal, { request, entry, signal });
      const simulation = await run(input, signal);
      const { fromMs, untilMs, bootMs, launches, skipped, recorded } = input;
      const { serverMs } = simulation;
      return {
        ...{ simulation, fromMs, untilMs, bootMs, launches, skipped, recorded },
        ...{ startTarget: simulation.capacity[0]?.desired ?? 0, eventsCount: input.events.length },
        usage: [usageOf(entry.group, request, serverMs)],
      };
    } finally {
      running--;
    }
  };
}

interface Asked {
  readonly request: SimulatePolicy;
  readonly entry: GroupEntry & { readonly group: Group };
  readonly signal: AbortSignal;
}

async function inputOf(context: Context, journal: Pick<Journal, "search">, asked: Asked) {
  const { request, entry, signal } = asked;
  const policies = policiesOf(request, entry, context.clock.nowMs());
  const { fromMs, untilMs } = rangeOf(request);
  const read = (query: Partial<JournalQuery>, eventsMax: number) =>
    readEvents(journal, { key: request.key, query, eventsMax, signal });
  const types = ["server.intended", "server.in_service"] as const;
  const boot =
    request.bootMs === undefined
      ? measuredBoot(await read({ types, order: "newestFirst" }, launchEventsMax))
      : { bootMs: request.bootMs, launches: 0 };
  const { supplied } = request;
  const told = supplied
    ? { events: inOrder(supplied), skipped: 0, targets: [], firstTarget: undefined }
    : readRecorded(await decisionsIn(read, { fromMs, untilMs }), {
        isTracking: (id) => policies.find((one) => one.id === id)?.action.kind === "tracking",
      });
  return {
    group: withLimits(entry.group, request),
    policies,
    schedules: request.withoutSchedules ? [] : [...entry.schedules.values()],
    next: context.nextOccurrence,
    ...{ events: told.events, fromMs, untilMs, ...boot },
    startTarget:
      request.startTarget ?? told.firstTarget ?? (await targetOf(context, entry.group, signal)),
    decisionsMax: request.decisionsMax,
    ...{ skipped: told.skipped, recorded: told.targets },
  };
}

async function decisionsIn(
  read: (query: Partial<JournalQuery>, eventsMax: number) => Promise<readonly MusterEvent[]>,
  range: { readonly fromMs: number; readonly untilMs: number },
): Promise<readonly MusterEvent[]> {
  const { eventsMax } = simulationLimits;
  const query = { ...range, types: ["scale.decided"], order: "oldestFirst" } as const;
  const found = await read(query, eventsMax + 1);
  if (found.length <= eventsMax) return found;
  throw new Fault("LIMIT_EXCEEDED", {
    say: `there are more than ${eventsMax} recorded events: shorten the time`,
    facts: { eventsMax: String(eventsMax) },
  });
}

async function readEvents(
  journal: Pick<Journal, "search">,
  of: {
    readonly key: GroupKey;
    readonly query: Partial<JournalQuery>;
    readonly eventsMax: number;
    readonly signal: AbortSignal;
  },
): Promise<readonly MusterEvent[]> {
  const { key, query, eventsMax, signal } = of;
  const found: MusterEvent[] = [];
  let next: { readonly pageToken?: string } | undefined = {};
  while (next && found.length < eventsMax) {
    const page = Math.min(pageMax, eventsMax - found.length);
    const about = { order: "oldestFirst", ...key, ...query, ...next } as const;
    const { events, nextPageToken } = await journal.search(
      { ...about, eventsMax: page },
      { signal },
    );
    found.push(...events);
    next = nextPageToken === undefined ? undefined : { pageToken: nextPageToken };
  }
  return found;
}

function inOrder(events: readonly SimulatedEvent[]): readonly SimulatedEvent[] {
  return events.toSorted((a, b) => a.atMs - b.atMs);
}

/** The group's own, and drafts in their places or behind them. */
function policiesOf(
  { drafts }: SimulatePolicy,
  { policies }: GroupEntry,
  nowMs: number,
): readonly Policy[] {
  const all = new Map(policies);
  for (const { policy: id, spec } of drafts) {
    const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
    all.set(id, { ...spec, id, uid: `draft-${id}`, generation: 1, ...times });
  }
  return [...all.values()];
}

function withLimits(group: Group, { limits }: SimulatePolicy): Group {
  const placements = group.placements.map((one) => ({
    ...one,
    ...limits.find(({ colo }) => colo === one.colo),
  }));
  return { ...group, placements, deleting: false };
}

/** Checked: events are given, or both ends are. */
function rangeOf({ fromMs, untilMs, supplied = [] }: SimulatePolicy) {
  const times = supplied.map(({ atMs }) => atMs);
  const least = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return { fromMs: fromMs ?? least, untilMs: untilMs ?? most + hourMs };
}

async function targetOf(context: Context, group: Group, signal: AbortSignal): Promise<number> {
  const states = await nearStates(context, allPlacementsOf(group), signal);
  return states.reduce((total, { doc }) => total + (doc?.target ?? 0), 0);
}

/** Which fallback a cloud's want of room leads to is not simulated. */
function usageOf({ launch: { flavor } }: Group, { prices }: SimulatePolicy, serverMs: number) {
  const price = prices.find((one) => one.flavor === flavor);
  return { flavor, serverMs, ...(price && { cost: costOf(serverMs, price.perHour) }) };
}

function check(request: SimulatePolicy, entry: GroupEntry & { readonly group: Group }): void {
  const { drafts, limits, prices } = request;
  const { group } = entry;
  const { flavor, fallbackFlavors = [] } = group.launch;
  const flavors = [flavor, ...fallbackFlavors];
  const violations = [
    ...twice(drafts.map(({ policy }) => policy)).map((index) => ({
      field: `policies[${index}].policy_id`,
      description: "is the id of a draft before it, too",
    })),
    ...limits.flatMap(({ colo }, index) =>
      group.placements.some((one) => one.colo === colo)
        ? []
        : [{ field: `limits[${index}].colo`, description: "must be a colo of the group" }],
    ),
    ...prices.flatMap((one, index) => {
      const description = `must be a flavor of the group: ${flavors.join(", ")}`;
      const field = `assumptions.prices[${index}].flavor`;
      return flavors.includes(one.flavor) ? [] : [{ field, description }];
    }),
    ...rangeViolations(request),
    ...eventViolations(
      request,
      new Set([...entry.policies.keys(), ...drafts.map((one) => one.policy)]),
    ),
  ];
  if (violations.length > 0) throw invalidFields(violations.slice(0, violationsMax));
}

/** A hundred thousand events may all be wrong in the same way. */
const violationsMax = 100;

function twice(ids: readonly string[]): readonly number[] {
  return ids.flatMap((id, index) => (ids.indexOf(id) < index ? [index] : []));
}

function rangeViolations(request: SimulatePolicy): readonly FieldViolation[] {
  if (!request.supplied) {
    const missing = (["fromMs", "untilMs"] as const).filter((one) => request[one] === undefined);
    const description = "is required with recorded events";
    if (missing.length > 0) return missing.map((one) => ({ field: fieldOf[one], description }));
  }
  const { fromMs, untilMs } = rangeOf(request);
  const field = fieldOf.untilMs;
  if (untilMs <= fromMs) return [{ field, description: "must be later than start_time" }];
  const days = simulationLimits.rangeMsMax / (24 * hourMs);
  if (untilMs - fromMs > simulationLimits.rangeMsMax)
    return [{ field, description: `must be at most ${days} days after the beginning` }];
  return [];
}

const fieldOf = { fromMs: "start_time", untilMs: "end_time" } as const;

function eventViolations(
  request: SimulatePolicy,
  known: ReadonlySet<PolicyId>,
): readonly FieldViolation[] {
  const { fromMs, untilMs } = rangeOf(request);
  return (request.supplied ?? []).flatMap(({ atMs, ask }, index) => {
    const at = `supplied.events[${index}]`;
    const outside = {
      field: `${at}.time`,
      description: "must lie between start_time and end_time",
    };
    const member = ask.kind === "alert" ? "alert.policy" : "policy";
    const unknown = { field: `${at}.${member}`, description: "names no policy of group or drafts" };
    return [
      ...(atMs >= fromMs && atMs < untilMs ? [] : [outside]),
      ...("policy" in ask && !known.has(ask.policy) ? [unknown] : []),
    ];
  });
}
