import { Fault } from "../../core/errors/fault.js";
import { figuresOf, summarise } from "../../core/explain/summary.js";
import { treeOf } from "../../core/explain/tree.js";
import { heldWaits, waitsOf } from "../../core/explain/waits.js";
import { serversWanted } from "../../core/model/carried.js";
import { cause } from "../../core/model/cause.js";
import type { EventType, MusterEvent } from "../../core/model/event.js";
import type { ExplainedEvent, ExplainedWait, Explanation } from "../../core/model/explanation.js";
import type { EventId } from "../../core/model/ids.js";
import { countRows } from "../../core/plan/plan-placement.js";
import type { EventUseCases } from "../api.js";
import type { Context } from "../context.js";
import { allPlacementsOf } from "../placements/ensure.js";
import { nearStates } from "../placements/near-state.js";
import type { PlacementState } from "../placements/placement-state.js";
import { type History, type HistoryDeps, openHistory } from "./history.js";
import { movedBy } from "./lineage.js";

/** An explanation holds at most so many events; what is cut off is said (B4.11). */
const nodesMax = 5_000;
/** So far up an event's root is looked for. */
const ancestorsMax = 200;

/** Tells what led to an event and all that followed from it, and what still waits (B2.9, B4.9). */
export function createExplain(
  context: Context,
  sources: Pick<HistoryDeps, "journal" | "feed">,
): EventUseCases["explain"] {
  return async ({ account, event: id, fromHere }, { signal }): Promise<Explanation> => {
    const history = await openHistory({ ...sources, clock: context.clock }, account, signal);
    const asked = await history.byId(id);
    if (!asked) throw new Fault("EVENT_NOT_FOUND", { say: `there is no event ${id}` });
    const above = fromHere ? { line: [asked], lost: false } : await ancestors(history, asked);
    const root = above.line.at(-1)!;
    const below = await descendants(history, above.line);
    const nodes = treeOf(root, below.events);
    const nowMs = context.clock.nowMs();
    const standing = await standingOf(context, nodes, signal);
    const figures = figuresOf(nodes);
    const waits = [...standing.waits, ...heldWaits(nodes, nowMs)];
    const { settled, ...superseded } = standing.end;
    const summary = summarise({ nodes, figures, waits, nowMs, settled, ...superseded });
    const { lagging } = history;
    const limits = { cut: below.cut, rootLost: above.lost, lagging };
    return { event: asked.id, nodes, figures, waits, ...superseded, summary, ...limits };
  };
}

/** The event and what it follows from, up to what follows from nothing. */
async function ancestors(history: History, asked: MusterEvent) {
  const line = [asked];
  for (let up = 0; up < ancestorsMax; up++) {
    const { parent } = line.at(-1)!;
    if (parent === undefined) return { line, lost: false };
    const found = await history.byId(parent);
    if (!found || line.some((one) => one.id === found.id)) return { line, lost: true };
    line.push(found);
  }
  return { line, lost: true };
}

/** All that follows from the events of the line: first from the one asked about, within bounds. */
async function descendants(history: History, line: readonly MusterEvent[]) {
  const found = new Map<string, MusterEvent>(line.map((one) => [one.id, one]));
  let cut = false;
  const grow = async (from: readonly EventId[]) => {
    let frontier = from;
    while (frontier.length > 0 && !cut) {
      // One more than fits tells that there is more.
      const room = nodesMax - found.size + line.length + 1;
      const next = await history.after(frontier, Math.max(1, room));
      const fresh = next.filter((one) => !found.has(one.id));
      const fits = fresh.slice(0, nodesMax - found.size);
      cut = fits.length < fresh.length;
      for (const one of fits) found.set(one.id, one);
      frontier = fits.map((one) => one.id);
    }
  };
  for (const { id } of line) await grow([id]);
  return { events: [...found.values()], cut };
}

interface End {
  readonly settled: boolean;
  readonly supersededBy?: EventId;
}

/** How far the group's placements are with what the tree asks of them. */
async function standingOf(
  context: Context,
  nodes: readonly ExplainedEvent[],
  signal: AbortSignal,
): Promise<{ readonly waits: readonly ExplainedWait[]; readonly end: End }> {
  const root = nodes[0]!.event;
  const ids: ReadonlySet<string | undefined> = new Set(nodes.map(({ event }) => event.id));
  const moves = nodes.some(({ event }) => isMove(event));
  const { group } = await context.groups.get(root, signal);
  if (!group || !moves) return { waits: [], end: { settled: moves && !group } };
  const states = await nearStates(context, allPlacementsOf(group), signal);
  const ours = states.filter(({ doc }) => doc && ids.has(movedBy(doc)));
  const last = states.map(({ doc }) => movedBy(doc)).filter((id) => id !== undefined);
  const supersededBy = ours.length === 0 ? last.toSorted().at(-1) : undefined;
  const nowMs = context.clock.nowMs();
  const waits = ours.flatMap((state) => waitsIn(state, nowMs));
  const settled = ours.length > 0 && ours.every(hasArrived);
  return { waits, end: { settled, ...(supersededBy === undefined ? {} : { supersededBy }) } };
}

/** A decision that no turn has looked at yet is not in the conditions. */
function waitsIn(state: PlacementState, nowMs: number): readonly ExplainedWait[] {
  const { doc } = state;
  if (!doc) return [];
  const waits = waitsOf(doc, nowMs);
  if (waits.length > 0 || hasArrived(state)) return waits;
  const { targetChangedAtMs: sinceMs, key } = doc;
  const target = serversWanted(doc);
  const { inService, pending, counted } = countRows([...state.servers.values()]);
  const why =
    inService < target
      ? cause("B4.9", "SHORTAGE", { target, inService, pending })
      : cause("B4.9", "SURPLUS", { target, have: counted });
  return [{ colo: key.colo, condition: "converged", cause: why, sinceMs }];
}

function hasArrived({ doc, servers }: PlacementState): boolean {
  const { inService, pending, leaving } = countRows([...servers.values()]);
  return doc !== undefined && inService === serversWanted(doc) && pending === 0 && leaving === 0;
}

/** Whether the event moved a target, so that something may be waited for. */
function isMove({ receipt, facts, type }: MusterEvent): boolean {
  if (receipt) return receipt.outcome === "applied";
  return moving.has(type) || facts["oldTarget"] !== undefined;
}

const moving: ReadonlySet<EventType> = new Set([
  "group.created",
  "group.deleting",
  "share.carried",
]);
