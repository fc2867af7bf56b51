import { Fault, isFault } from "../../core/errors/fault.js";
import type { Group } from "../../core/model/group.js";
import type { AccountId, GroupId, GroupKey, PlacementKey } from "../../core/model/ids.js";
import { keptLaunches } from "../../core/model/launches.js";
import { countRows } from "../../core/plan/plan-placement.js";
import { loweredBy } from "../../core/policy/limit-moves.js";
import type { Hint } from "../../core/ports/store.js";
import {
  type Caller,
  type CreatedGroup,
  type CreateGroup,
  type GroupSpec,
  type GroupUseCases,
  type GroupView,
  type ListGroups,
  objectLimits,
  type PlacementView,
  type UpdateGroup,
} from "../api.js";
import type { Context } from "../context.js";
import { checkGeneration } from "../group-book.js";
import { tellElsewhere } from "../peers/tell-elsewhere.js";
import {
  allPlacementsOf,
  ensurePlacements,
  groupIn,
  isCurrent,
  liveGroup,
  placementsOf,
} from "../placements/ensure.js";
import { accountHint, groupHint, groupIndex, placementHint } from "../placements/hints.js";
import { copySeen, nearState } from "../placements/near-state.js";
import type { PlacementState } from "../placements/placement-state.js";
import { checkFingerprint } from "../receipts.js";
import { createAcknowledgeHold } from "./acknowledge-hold.js";
import { checkLaunch } from "./check-launch.js";
import { createDeleteGroup } from "./delete-group.js";
import { createPause } from "./pause-group.js";
import { createConfirmLedger } from "./quarantine.js";
import { createRebuild, launchView, revisionsNeeded } from "./rebuild-group.js";

/** A creation's request id is remembered for so long (B1.3). */
const creationKeptMs = 24 * 3_600_000;

export function createGroupUseCases(context: Context): Omit<GroupUseCases, "plan" | "check"> {
  const view = (key: GroupKey, caller: Caller) => viewGroup(context, key, caller.signal);
  return {
    create: (request, caller) => createGroup(context, request, caller),
    get: view,
    list: (request, caller) => listGroups(context, request, caller),
    update: (request, caller) => updateGroup(context, request, caller),
    delete: createDeleteGroup(context),
    ...createPause(context, view),
    rebuild: createRebuild(context, view),
    acknowledgeHold: createAcknowledgeHold(context, view),
    confirmLedger: createConfirmLedger(context, view),
    async converge(key, caller) {
      const { group } = await liveGroup(context, key, caller.signal);
      for (const placement of placementsOf(context, group)) {
        // Who asks for it means what is there now, not what was seen a moment ago.
        const { servers, members, credentials } = context.colos.get(placement.colo)!;
        const { account } = key;
        credentials.tryAgain(account);
        servers.forget(account);
        const spec = group.placements.find(({ colo }) => colo === placement.colo);
        for (const { loadBalancer: id } of spec?.attachments ?? []) members.forget({ account, id });
        context.wakeNow(placement);
      }
    },
  };
}

async function createGroup(
  context: Context,
  request: CreateGroup,
  caller: Caller,
): Promise<CreatedGroup> {
  const { account, spec, requestId, validateOnly, allowUnverified } = request;
  const { signal } = caller;
  const warnings = await checkLaunch(context, { account, spec, allowUnverified }, caller);
  const fresh = newGroup(context, request, caller);
  if (validateOnly) return { view: { group: fresh, placements: [] }, warnings };
  const key: GroupKey = { account, group: fresh.id };
  if (!(await context.groups.get(key, signal)).group) await checkRoom(context, account, signal);

  const fingerprint = JSON.stringify([request.group ?? null, spec, request.target ?? null]);
  const nowMs = context.clock.nowMs();
  const placements = hintsOf(key, fresh);
  const group = await context.groups.change(
    key,
    (entry) => {
      if (entry.group) {
        return { change: {}, reply: repeated(entry.group, entry.createdBy, fingerprint) };
      }
      if (requestId !== undefined && entry.createdBy?.requestId === requestId) {
        throw new Fault("REQUEST_ID_REUSED", {
          say: "the group that this request_id made has been deleted since",
        });
      }
      const expiresAtMs = nowMs + creationKeptMs;
      const createdBy =
        requestId === undefined ? {} : { createdBy: { requestId, fingerprint, expiresAtMs } };
      const hints = [groupHint(key), ...placements];
      return { change: { group: fresh, hints, ...createdBy }, reply: fresh };
    },
    signal,
  );
  await ensurePlacements(context, group, signal);
  await tellElsewhere(context, group, caller);
  return { view: await viewGroup(context, key, signal), warnings };

  function repeated(
    existing: Group,
    mark: { readonly requestId: string; readonly fingerprint: string } | undefined,
    asked: string,
  ): Group {
    if (requestId !== undefined && mark?.requestId === requestId) {
      checkFingerprint(mark, asked);
      return existing;
    }
    throw new Fault("GROUP_EXISTS", { say: `there is a group ${existing.id} already` });
  }
}

/** What has to be found again of a group, whatever becomes of it. */
function hintsOf(key: GroupKey, { placements }: Group): Hint[] {
  return placements.flatMap(({ colo }) => {
    const placement: PlacementKey = { ...key, colo };
    return [placementHint(placement), accountHint(placement)];
  });
}

function newGroup(
  context: Context,
  { account, group, spec, target, requestId }: CreateGroup,
  { principal }: Caller,
): Group {
  const nowMs = context.clock.nowMs();
  const sumOfMin = spec.placements.reduce((sum, one) => sum + one.min, 0);
  // A repeat of a call that left the id to us must come to the same id.
  const made = requestId === undefined ? `g-${context.ids.next()}` : `g-${idOf(requestId)}`;
  return {
    ...spec,
    account,
    id: group ?? (made as GroupId),
    uid: context.ids.next(),
    generation: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    launchRevision: 1,
    firstTarget: target ?? sumOfMin,
    deleting: false,
    changedBy: principal,
  };
}

/** Letters, digits and hyphens that the request id fixes. */
function idOf(requestId: string): string {
  return [...new TextEncoder().encode(requestId)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .slice(-48);
}

async function checkRoom(context: Context, account: AccountId, signal: AbortSignal): Promise<void> {
  const { groupsPerAccountMax } = objectLimits;
  const known = await context.store.listHints(
    { index: groupIndex(account), afterKey: "", hintsMax: groupsPerAccountMax },
    { signal },
  );
  if (known.length < groupsPerAccountMax) return;
  throw new Fault("LIMIT_EXCEEDED", {
    say: `an account has at most ${groupsPerAccountMax} groups`,
    facts: { subject: `accounts/${account}`, groupsMax: String(groupsPerAccountMax) },
  });
}

async function listGroups(context: Context, request: ListGroups, caller: Caller) {
  const { account, pageSize, labels } = request;
  const { signal } = caller;
  const items: GroupView[] = [];
  let afterKey: string = request.after ?? "";
  for (;;) {
    const hints = await context.store.listHints(
      { index: groupIndex(account), afterKey, hintsMax: pageSize + 1 },
      { signal },
    );
    for (const hint of hints) {
      const key: GroupKey = { account, group: hint.key as GroupId };
      const { group } = await context.groups.get(key, signal);
      const wanted = Object.entries(labels).every(([name, value]) => group?.labels[name] === value);
      if (!group || !wanted) continue;
      if (items.length === pageSize) return { items, more: true };
      items.push(await viewGroup(context, key, signal));
    }
    if (hints.length <= pageSize) return { items, more: false };
    afterKey = hints.at(-1)!.key;
  }
}

async function updateGroup(
  context: Context,
  request: UpdateGroup,
  caller: Caller,
): Promise<CreatedGroup> {
  const { key, change, expectedGeneration, validateOnly, allowUnverified } = request;
  const { signal } = caller;
  const before = (await liveGroup(context, key, signal)).group;
  const spec = change(before);
  const { account } = key;
  const warnings = await checkLaunch(context, { account, spec, allowUnverified }, caller);
  await checkLeaving(context, before, spec, signal);
  if (validateOnly) return { view: { group: { ...before, ...spec }, placements: [] }, warnings };
  const needed = await revisionsNeeded(context, before, signal);
  const group = await context.groups.change(
    key,
    (entry) => {
      const now = groupIn(entry, key);
      checkGeneration(now, expectedGeneration);
      if (now.deleting) throw new Fault("GROUP_DELETING", { say: "the group is being deleted" });
      const edit = { nowMs: context.clock.nowMs(), principal: caller.principal, needed };
      const next = edited(now, change(now), edit);
      const hints = hintsOf(key, next);
      return { change: { group: next, hints }, reply: next };
    },
    signal,
  );
  await ensurePlacements(context, group, signal);
  await tellElsewhere(context, group, caller);
  // A placement that left the group still has its own end to see to.
  for (const placement of placementsOf(context, before)) context.wakeNow(placement);
  return { view: await viewGroup(context, key, signal), warnings };
}

function edited(
  before: Group,
  spec: GroupSpec,
  of: {
    readonly nowMs: number;
    readonly principal: string;
    readonly needed: ReadonlySet<number>;
  },
): Group {
  const { nowMs, principal, needed } = of;
  const generation = before.generation + 1;
  const relaunched = JSON.stringify(spec.launch) !== JSON.stringify(before.launch);
  const { account, id, uid, createdAtMs, firstTarget, deleting, launches } = before;
  const kept = relaunched ? keptLaunches(before, needed) : launches;
  return {
    ...spec,
    account,
    id,
    uid,
    createdAtMs,
    firstTarget,
    deleting,
    generation,
    maxLowered: loweredBy(before, spec.placements, generation),
    updatedAtMs: nowMs,
    launchRevision: before.launchRevision + (relaunched ? 1 : 0),
    ...(kept ? { launches: kept } : {}),
    changedBy: principal,
  };
}

/** A placement leaves the group only when it is empty: its servers would be lost track of. */
async function checkLeaving(
  context: Context,
  before: Group,
  spec: GroupSpec,
  signal: AbortSignal,
): Promise<void> {
  const leaving = allPlacementsOf(before).filter(
    ({ colo }) => !spec.placements.some((one) => one.colo === colo),
  );
  for (const key of leaving) {
    const state = await nearState(context, key, signal);
    const counts = countRows([...state.servers.values()]);
    if (counts.counted + counts.leaving + counts.standingBy === 0) continue;
    throw new Fault("GROUP_NOT_EMPTY", {
      say: `the placement in ${key.colo} still has servers: set its max to 0 first`,
    });
  }
}

/** @throws Fault `GROUP_NOT_FOUND` */
export async function viewGroup(
  context: Context,
  key: GroupKey,
  signal: AbortSignal,
): Promise<GroupView> {
  const { group } = await liveGroup(context, key, signal);
  const placements = await Promise.all(
    allPlacementsOf(group).map(async (one) => viewPlacement(context, one, group, signal)),
  );
  return { group, placements };
}

/** While the store is away, what was known last is better than nothing. */
async function newestKnown(
  context: Context,
  key: PlacementKey,
  signal: AbortSignal,
): Promise<PlacementState> {
  try {
    return await nearState(context, key, signal);
  } catch (error) {
    const known = context.placements.peek(key);
    if (known && isFault(error, "STORE_UNAVAILABLE")) return known;
    throw error;
  }
}

async function viewPlacement(
  context: Context,
  key: PlacementKey,
  group: Group,
  signal: AbortSignal,
): Promise<PlacementView> {
  const state = await newestKnown(context, key, signal);
  const { inService, pending, leaving, standingBy } = countRows([...state.servers.values()]);
  const { doc } = state;
  return {
    colo: key.colo,
    target: doc?.target ?? 0,
    inService,
    pending,
    leaving,
    standingBy,
    // Until the newest edit has reached the placement, what it says of itself is of yesterday.
    conditions: isCurrent(doc, group) ? (doc?.conditions ?? []) : [],
    ...copySeen(context, key.colo),
    ...(doc?.paused ? { paused: doc.paused } : {}),
    ...launchView(group, state),
    ...(doc?.pausedProcesses ? { pausedProcesses: doc.pausedProcesses } : {}),
  };
}
