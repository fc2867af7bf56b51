import { serversWanted } from "../../core/model/carried.js";
import type { EventDraft, EventType } from "../../core/model/event.js";
import type { EventId, ServerId } from "../../core/model/ids.js";
import { successorRevision } from "../../core/model/launches.js";
import { pausesOf } from "../../core/model/pause.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { Plan, PlannedEvent } from "../../core/model/plan.js";
import type { ServerRow } from "../../core/model/server.js";
import { isCounted, isLeaving } from "../../core/plan/lifecycle.js";
import { afterLoss } from "../../core/plan/vacancies.js";
import type { PlacementState } from "../placements/placement-state.js";
import { type EventMaker, followsRow } from "./event-maker.js";

/** The event that last moved the target. Rows of older versions know only of decisions. */
export function movedBy(doc: PlacementDoc | undefined): EventId | undefined {
  return doc?.movedBy ?? doc?.lastDecision?.eventId;
}

/**
 * The document after a server left unasked: its replacement follows from the same as it did, or, if
 * it had been in service, from what told of its loss.
 */
export function vacate(
  doc: PlacementDoc,
  row: ServerRow,
  toldBy: EventId | undefined,
): PlacementDoc {
  const heir = row.inServiceAtMs === undefined ? row.createdBy : toldBy;
  if (heir === undefined || heir === movedBy(doc)) return doc;
  return { ...doc, vacancies: [...(doc.vacancies ?? []), heir as EventId].slice(-vacanciesMax) };
}

/** The same, where a person asked for it: what comes in its stead replaces it, and follows that. */
export function replacedBy(doc: PlacementDoc, row: ServerRow, event: EventId): PlacementDoc {
  return afterLoss(vacate(doc, { ...row, createdBy: event }, event), { ...row, replaces: true });
}

/** More than a placement can have servers is never needed. */
const vacanciesMax = 2_000;

/** A plan's events, each with what it follows from, and its rows and document with their marks. */
export interface Traced {
  readonly events: readonly EventDraft[];
  readonly rows: readonly ServerRow[];
  readonly doc: PlacementDoc;
  /** What each new intention follows from. */
  readonly createdBy: readonly (EventId | undefined)[];
}

/** Says of everything that a plan does what it follows from (B4.9, decision 0010). */
export function tracePlan(
  events: EventMaker,
  state: PlacementState & { readonly doc: PlacementDoc },
  plan: Plan,
): Traced {
  const changed = new Map(plan.rows.map((row) => [row.id, row]));
  const told = new Map<ServerId, EventId>();
  let lastTold: EventDraft[] = [];
  const drafts = plan.events.map((planned) => {
    const { server } = planned;
    const row = server === undefined ? undefined : (changed.get(server) ?? rowOf(state, server));
    const parent = row ? serverParent(state.doc, row, planned, told) : turnParent(planned);
    const draft = events.fromPlan(planned, parent);
    if (server !== undefined && tells(planned.type)) told.set(server, draft.id);
    lastTold = [...lastTold, draft].slice(-toldMax);
    return draft;
  });
  const rows = plan.rows.map((row) => marked(state, row, told.get(row.id)));
  let doc = plan.doc;
  for (const row of rows) {
    const before = rowOf(state, row.id);
    const left = before !== undefined && isCounted(before) && !isCounted(row);
    if (left && !isDecided(row)) doc = vacate(doc, row, told.get(row.id));
  }
  return { events: drafts, rows, ...filled(state, plan, doc, rows) };

  /** A condition follows the server event that turned it, else what moved the target. */
  function turnParent({ type, causes }: PlannedEvent): EventId | undefined {
    if (type.startsWith("rebuild.")) return plan.doc.rebuild?.by;
    const { condition, holds } = causes[0]?.facts ?? {};
    const { paused, resumedBy } = state.doc;
    const pauses = [paused, ...pausesOf(state.doc)].flatMap((one) => one?.by ?? []).toSorted();
    const pausedBy = pauses.at(-1);
    const moved = movedBy(state.doc);
    if (condition === "paused") return (holds ? pausedBy : resumedBy) ?? moved;
    const latest = [moved, pausedBy, resumedBy].filter((id) => id !== undefined).toSorted();
    const types = turners[`${condition}/${holds}`] ?? [];
    return lastTold.findLast(({ type }) => types.includes(type))?.id ?? latest.at(-1);
  }
}

/** How far back a condition looks for what turned it. */
const toldMax = 50;

/** Which events of servers turn a condition. */
const turners: Readonly<Record<string, readonly EventType[]>> = {
  "converged/true": ["server.in_service", "server.returned", "server.active"],
  "converged/false": ["server.lost", "server.failed"],
  "degraded/true": ["server.lost", "server.failed", "server.unconfirmed", "server.orphan"],
  "degraded/false": ["server.in_service", "server.active", "server.building"],
  "held/true": ["server.lost", "server.failed"],
  "held/false": ["server.in_service", "server.active"],
};

/** Nothing is on its way: a pause keeps nothing waiting, and its turning is news of it alone. */
export function isAtRest(doc: PlacementDoc): boolean {
  return doc.conditions.some(({ type, holds }) => type === "converged" && holds);
}

function tells(type: EventType): boolean {
  return type === "server.lost" || type === "server.failed";
}

/** Left because it was so decided: its place is not vacant. */
function isDecided({ leaving }: ServerRow): boolean {
  return leaving?.code === "SURPLUS" || leaving?.code === "REBUILT";
}

function rowOf(state: PlacementState, server: ServerId): ServerRow | undefined {
  return state.servers.get(server);
}

function serverParent(
  doc: PlacementDoc,
  row: ServerRow,
  { type }: PlannedEvent,
  told: ReadonlyMap<ServerId, EventId>,
): EventId | undefined {
  if (type === "server.returned") return movedBy(doc);
  if (tells(type)) return followsRow({ ...row, state: "inService" }).parent;
  if (isLeaving(row)) return removerOf(doc, row, told.get(row.id));
  return (row.createdBy as EventId | undefined) ?? movedBy(doc);
}

/** What asked for a server's end: its loss, who chose it, or what made it surplus. */
function removerOf(
  doc: PlacementDoc,
  row: ServerRow,
  toldBy: EventId | undefined,
): EventId | undefined {
  const known = row.removedBy as EventId | undefined;
  if (known !== undefined || toldBy !== undefined) return known ?? toldBy;
  if (row.leaving?.code === "REBUILT") return doc.rebuild?.by;
  const surplus = row.leaving?.code === "SURPLUS";
  const made = row.createdBy as EventId | undefined;
  return surplus ? movedBy(doc) : (made ?? movedBy(doc));
}

function marked(
  { doc }: { readonly doc: PlacementDoc },
  row: ServerRow,
  toldBy: EventId | undefined,
): ServerRow {
  if (isLeaving(row)) {
    if (row.removedBy !== undefined) return row;
    const removedBy = removerOf(doc, row, toldBy);
    return removedBy === undefined ? row : { ...row, removedBy };
  }
  if (row.removedBy === undefined || row.state === "gone") return row;
  const { removedBy: _returned, ...kept } = row;
  return kept;
}

/** Gives the new intentions the places that are vacant; without a shortage none is any more. */
function filled(
  state: PlacementState & { readonly doc: PlacementDoc },
  plan: Plan,
  doc: PlacementDoc,
  rows: readonly ServerRow[],
): Pick<Traced, "doc" | "createdBy"> {
  const { vacancies = [], ...rest } = doc;
  const successor = successorRevision(doc);
  let taken = 0;
  const createdBy = plan.choices.map(({ revision }) =>
    revision === successor ? doc.rebuild?.by : (vacancies[taken++] ?? movedBy(doc)),
  );
  if (vacancies.length === 0) return { doc, createdBy };
  const after = new Map([...state.servers, ...rows.map((row) => [row.id, row] as const)]);
  const counted = [...after.values()].filter(isCounted).length + plan.creates;
  const left = counted >= serversWanted(doc) ? [] : vacancies.slice(taken);
  if (left.length === vacancies.length) return { doc, createdBy };
  return { doc: left.length === 0 ? rest : { ...rest, vacancies: left }, createdBy };
}
