import { Fault } from "../../core/errors/fault.js";
import type { Group, PlacementSpec } from "../../core/model/group.js";
import type { ColoId, GroupKey, PlacementKey, ServerId } from "../../core/model/ids.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import { settleLimits } from "../../core/policy/limits.js";
import { splitTarget } from "../../core/policy/split.js";
import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import type { PlacementChange, PlacementState } from "./placement-state.js";
import { raiseWaitsOf } from "./raise-waits.js";

/** @throws Fault `GROUP_NOT_FOUND` */
export async function liveGroup(
  context: Context,
  key: GroupKey,
  signal: AbortSignal,
): Promise<GroupEntry & { readonly group: Group }> {
  const entry = await context.groups.get(key, signal);
  return { ...entry, group: groupIn(entry, key) };
}

/** @throws Fault `GROUP_NOT_FOUND` */
export function groupIn({ group }: { readonly group: Group | undefined }, key: GroupKey): Group {
  if (group) return group;
  throw new Fault("GROUP_NOT_FOUND", { say: `there is no group ${key.group}` });
}

/** The placement that decides: the first of the group's list whose colo can be reached (B11.2). */
export function leadOf(context: Context, group: Group): PlacementKey {
  const here = group.placements.find(({ colo }) => context.colos.has(colo));
  if (here) return { account: group.account, group: group.id, colo: here.colo };
  throw new Fault("COLO_NOT_FOUND", { say: `no colo of group ${group.id} is served here` });
}

/** In all colos, served here or not: what a group still has elsewhere is not forgotten. */
export function allPlacementsOf(group: Group): PlacementKey[] {
  const { account, id, placements } = group;
  return placements.map(({ colo }) => ({ account, group: id, colo }));
}

/** Whoever works on the group's placements is to see, in a turn, what was changed of it. */
export function wakePlacements(context: Context, key: GroupKey): void {
  const group = context.groups.peek(key);
  for (const placement of group ? allPlacementsOf(group) : []) context.wakeNow(placement);
}

/** In the colos that are served here. */
export function placementsOf(context: Context, group: Group): PlacementKey[] {
  return group.placements
    .filter(({ colo }) => context.colos.has(colo))
    .map(({ colo }) => ({ account: group.account, group: group.id, colo }));
}

/** In the colos that only other nodes serve. */
export function placementsElsewhere(context: Context, group: Group): PlacementKey[] {
  return allPlacementsOf(group).filter(({ colo }) => context.elsewhere?.colos.has(colo));
}

/**
 * Makes every placement here know the group's newest configuration. Idempotent. Those that give up
 * some of their max come first; one that is raised may have to wait for others (B11.4).
 */
export async function ensurePlacements(
  context: Context,
  group: Group,
  signal: AbortSignal,
): Promise<void> {
  const rising: PlacementKey[] = [];
  await Promise.all(
    placementsOf(context, group).map(async (key) => {
      const { doc } = await context.placements.open(key).state(signal);
      if (isCurrent(doc, group) && !doc?.raiseWaits) return;
      const { max = 0 } = group.placements.find(({ colo }) => colo === key.colo) ?? {};
      if (max > (doc?.max ?? 0)) rising.push(key);
      else await configureOne(context, key, group, signal);
    }),
  );
  for (const key of rising) await configureOne(context, key, group, signal);
}

async function configureOne(
  context: Context,
  key: PlacementKey,
  known: Group,
  signal: AbortSignal,
): Promise<void> {
  const actor = context.placements.open(key);
  const { doc } = await actor.state(signal);
  // A group that was deleted meanwhile must not come to life again from a node's memory.
  const group = doc ? known : await newestOf(context, known, signal);
  if (!group) return;
  const waits = await raiseWaitsOf(context, group, key, signal);
  const changed = await actor.change((state) => {
    const change = configure(context, state, group, waits);
    return { change, reply: change.doc !== undefined };
  });
  if (changed) context.wake(key);
}

async function newestOf(
  context: Context,
  { account, id, uid }: Group,
  signal: AbortSignal,
): Promise<Group | undefined> {
  const { group } = await context.groups.refresh({ account, group: id }, signal);
  return group?.uid === uid ? group : undefined;
}

export function isCurrent(doc: PlacementDoc | undefined, group: Group): boolean {
  return doc?.groupUid === group.uid && doc.groupGeneration >= group.generation;
}

/**
 * The placement with the group's configuration: its limits, and the target as they move it (B1.6).
 * While it waits for other colos it keeps its max where that is to be raised (B11.4).
 */
function configure(
  context: Context,
  state: PlacementState,
  group: Group,
  waits: readonly ColoId[],
): PlacementChange {
  const nowMs = context.clock.nowMs();
  const spec = group.placements.find(({ colo }) => colo === state.key.colo);
  const before = state.doc?.groupUid === group.uid ? state.doc : undefined;
  if (before && before.groupGeneration > group.generation) return {};
  if (isCurrent(before, group) && !before?.raiseWaits) return {};
  const limits = limitsFor(spec, before, waits);
  if (!before) {
    // What an earlier group of the same name left behind is not this group's.
    const leftovers = [...state.servers.values()].some((row) => row.state !== "abandoned");
    // A placement that drained before its group's others did is not made again.
    if (!spec || leftovers || group.deleting) return {};
    const first = firstDoc(state.key, group, spec, nowMs);
    const doc = { ...first, ...limits, target: Math.min(first.target, limits.max) };
    const facts = { target: doc.target, min: doc.min, max: doc.max };
    const event = context.events.make("group.created", { facts, ...byPrincipal(group) });
    return { doc: { ...doc, movedBy: event.id, configuredBy: event.id }, events: [event] };
  }
  const { forced: _forced, raiseWaits: _waits, ...rest } = before;
  const { min, max, raiseWaits } = limits;
  if (isCurrent(before, group) && raiseWaits) {
    if (String(raiseWaits) === String(before.raiseWaits)) return {};
    return { doc: { ...before, raiseWaits } };
  }
  const deleting = group.deleting || !spec;
  const settled = settleLimits({ ...before, min, max, deleting }, nowMs);
  const target = deleting ? 0 : settled.target;
  const turned = deleting && !before.deleting ? "group.deleting" : "group.updated";
  const facts = { generation: group.generation, target, oldTarget: before.target, min, max };
  const { causes } = settled;
  const event = context.events.make(turned, { facts, causes, ...byPrincipal(group) });
  const moved = target !== before.target || turned === "group.deleting";
  const doc: PlacementDoc = {
    ...rest,
    configuredBy: event.id,
    ...(moved ? { movedBy: event.id } : {}),
    groupGeneration: group.generation,
    ...limits,
    deleting,
    target,
    ...(settled.forced ? { forced: settled.forced } : {}),
    ...(target === before.target ? {} : { targetChangedAtMs: nowMs }),
  };
  return { doc, events: [event] };
}

/** What it may have by now of what the group gives it. */
function limitsFor(
  spec: PlacementSpec | undefined,
  before: PlacementDoc | undefined,
  waits: readonly ColoId[],
): Pick<PlacementDoc, "min" | "max" | "raiseWaits"> {
  const { min, max } = spec ?? { min: 0, max: 0 };
  const had = before?.max ?? 0;
  if (waits.length === 0 || max <= had) return { min, max };
  return { min: Math.min(min, had), max: had, raiseWaits: waits };
}

function byPrincipal({ changedBy }: Group): { readonly principal?: string } {
  return changedBy === undefined ? {} : { principal: changedBy };
}

/** What a placement begins with. */
export function firstDoc(
  key: PlacementKey,
  group: Group,
  spec: PlacementSpec,
  nowMs: number,
): PlacementDoc {
  const { min, max } = spec;
  const parts = splitTarget({
    total: group.firstTarget,
    placements: group.placements.map((one) => ({ ...one, current: one.min })),
  });
  return {
    key,
    groupUid: group.uid,
    groupGeneration: group.generation,
    min,
    max,
    // A placement that joins a group later starts from its min.
    target:
      group.generation === 1
        ? (parts.find((one) => one.colo === spec.colo)?.newTarget ?? min)
        : min,
    targetChangedAtMs: nowMs,
    deleting: false,
    groupMarks: {},
    policyMarks: {},
    conditions: [],
    // Any server of an unknown intention is newer than a ledger that is empty (B9.5).
    newestServer: "" as ServerId,
  };
}
