import { Fault } from "../../core/errors/fault.js";
import { cause } from "../../core/model/cause.js";
import type { EventDraft } from "../../core/model/event.js";
import type { Group } from "../../core/model/group.js";
import type {
  AccountId,
  CloudServerId,
  GroupId,
  GroupKey,
  PlacementKey,
  ServerId,
} from "../../core/model/ids.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { CloudServer, ServerRow } from "../../core/model/server.js";
import { isCounted } from "../../core/plan/lifecycle.js";
import { effectiveLimits } from "../../core/policy/limits.js";
import {
  type Caller,
  type LeftServer,
  type LeftWhy,
  objectLimits,
  type RebuiltLedger,
} from "../api.js";
import type { Context } from "../context.js";
import { eyesOf, lookUp } from "../converge/observe.js";
import { ensurePlacements, liveGroup, placementsOf } from "../placements/ensure.js";
import { groupIndex } from "../placements/hints.js";
import type { Decided } from "../placements/placement-actor.js";
import type { PlacementState } from "../placements/placement-state.js";
import { adoptedRow } from "./adopt-server.js";

/** Looked up, decided and committed together. */
const batchMax = 100;
const groupsMax = 1_000;

/**
 * Makes every server that carries the group's tags a row again, under the id that it claims, after
 * the ledger was lost (M6.2, B9.5). Nothing is removed for it until a person confirms the ledger.
 * What is done already is not done again, so that it may be repeated after a failure (B8.2).
 *
 * @throws Fault `CLOUD_UNAVAILABLE`: an account could not be listed.
 */
export async function rebuildLedger(
  context: Context,
  key: GroupKey,
  caller: Caller,
): Promise<RebuiltLedger> {
  const { group } = await liveGroup(context, key, caller.signal);
  if (group.deleting) throw deleting();
  const placements = placementsOf(context, group);
  // A lost ledger is not what this node remembers.
  for (const placement of placements) context.placements.open(placement).distrust();
  await ensurePlacements(context, group, caller.signal);
  const adopted: RebuiltLedger["adopted"][number][] = [];
  const left: LeftServer[] = [];
  for (const placement of placements) {
    const found = await rebuildPlacement(context, group, placement, caller);
    adopted.push(...found.adopted);
    left.push(...found.left);
  }
  return { adopted, left };
}

async function rebuildPlacement(
  context: Context,
  group: Group,
  key: PlacementKey,
  { principal, signal }: Caller,
): Promise<RebuiltLedger> {
  const colo = context.colos.get(key.colo)!;
  const actor = context.placements.open(key);
  const listed = await listedAnew(context, key);
  const { servers, orphans } = await actor.state(signal);
  const known = new Set([...servers.values()].map(({ cloudId }) => cloudId));
  const elsewhere = await boundElsewhere(context, key, signal);
  // Of two servers with the same tag the older one is ours.
  const oldest = listed.toSorted((a, b) => a.createdAtMs - b.createdAtMs).map(({ id }) => id);
  const ids = [...new Set([...oldest, ...orphans.keys()])].filter((id) => !known.has(id));
  const adopted: RebuiltLedger["adopted"][number][] = [];
  const left: LeftServer[] = [];
  for (let at = 0; at < ids.length; at += batchMax) {
    signal.throwIfAborted();
    const batch = ids.slice(at, at + batchMax);
    const lookedUp = await lookUp({ eyes: eyesOf(colo), clock: context.clock }, key, batch);
    const done = await actor.change((state) =>
      rebuilt(context, state, { group, batch, lookedUp, elsewhere, principal }),
    );
    adopted.push(...done.rows.map((row) => ({ colo: key.colo, row })));
    left.push(...done.left);
  }
  if (adopted.length > 0) context.wakeNow(key);
  return { adopted, left };
}

async function listedAnew(context: Context, key: PlacementKey): Promise<readonly CloudServer[]> {
  const { servers } = context.colos.get(key.colo)!;
  servers.forget(key.account);
  const look = await servers.look(key.account, 0);
  if (look.kind === "seen") return look.value.byPlacement.get(`${key.group}/${key.colo}`) ?? [];
  throw new Fault("CLOUD_UNAVAILABLE", {
    say: `the servers of ${key.account} in ${key.colo} could not be listed`,
    retryAfterMs: 5_000,
  });
}

/** Servers that are rows of the account's other groups. */
async function boundElsewhere(
  context: Context,
  { account, group, colo }: PlacementKey,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const page = { index: groupIndex(account as AccountId), afterKey: "", hintsMax: groupsMax };
  const hints = await context.store.listHints(page, { signal });
  const bound = new Set<string>();
  for (const { key } of hints) {
    if (key === group) continue;
    const other = context.placements.open({ account, group: key as GroupId, colo });
    other.distrust(); // Another node may have written.
    for (const { cloudId } of (await other.state(signal)).servers.values())
      if (cloudId !== undefined) bound.add(cloudId);
  }
  return bound;
}

interface Asked {
  readonly group: Group;
  readonly batch: readonly CloudServerId[];
  readonly lookedUp: ReadonlyMap<CloudServerId, CloudServer | "gone" | "unknown">;
  readonly elsewhere: ReadonlySet<string>;
  readonly principal: string;
}

interface Rebuilt {
  readonly rows: readonly ServerRow[];
  readonly left: readonly LeftServer[];
}

function rebuilt(context: Context, state: PlacementState, asked: Asked): Decided<Rebuilt> {
  const { doc } = state;
  if (!doc || doc.deleting) throw deleting();
  const nowMs = context.clock.nowMs();
  const servers = new Map(state.servers);
  const bound = new Set([...servers.values()].map(({ cloudId }) => cloudId));
  const rows: ServerRow[] = [];
  const left: LeftServer[] = [];
  for (const cloudId of asked.batch) {
    if (bound.has(cloudId)) continue; // A turn was faster.
    const server = asked.lookedUp.get(cloudId) ?? "unknown";
    const why = whyLeft(context, { ...state, servers }, asked, cloudId);
    if (why === "open") continue; // Its intention is on record, and binds it by itself.
    if (why !== undefined || typeof server === "string") {
      const claims = typeof server === "string" ? "" : (server.ownership?.server ?? "");
      left.push({ colo: state.key.colo, cloudId, claims, why: why ?? "notAnswered" });
      continue;
    }
    const row = adoptedRow(context, { ...state, servers }, asked.group, server, nowMs);
    servers.set(row.id, row);
    rows.push(row);
  }
  const reply = { rows, left };
  if (rows.length === 0) return { change: {}, reply };
  const told = tell(context, doc, { rows, servers, nowMs, principal: asked.principal });
  const orphansGone = rows.flatMap((row) => row.cloudId ?? []);
  const gone = orphansGone.filter((id) => state.orphans.has(id));
  return { change: { servers: rows, orphansGone: gone, ...told }, reply };
}

/** `open`: nothing has to be done for it. */
function whyLeft(
  context: Context,
  { key, servers, orphans }: PlacementState,
  { lookedUp, elsewhere }: Asked,
  cloudId: CloudServerId,
): LeftWhy | "open" | undefined {
  const server = lookedUp.get(cloudId) ?? "unknown";
  if (server === "unknown") return "notAnswered";
  if (server === "gone") return "gone";
  if (elsewhere.has(cloudId)) return "boundElsewhere";
  if (orphans.get(cloudId)?.deleteOrder) return "deleteOrdered";
  const tags = server.ownership;
  const isOurs = tags?.installation === context.installation && tags.account === key.account;
  if (!isOurs || tags.group !== key.group || tags.colo !== key.colo) return "foreignTags";
  if (!/^[a-z0-9-]{1,63}$/.test(tags.server)) return "foreignTags";
  const claimed = servers.get(tags.server as ServerId);
  if (claimed) return claimed.cloudId === undefined ? "open" : "copiedTag";
  return servers.size >= objectLimits.serversPerPlacementMax ? "noRoom" : undefined;
}

interface Found {
  readonly rows: readonly ServerRow[];
  readonly servers: ReadonlyMap<ServerId, ServerRow>;
  readonly nowMs: number;
  readonly principal: string;
}

/** The target holds what was found, within the limits; a person has to confirm it (B9.5). */
function tell(context: Context, doc: PlacementDoc, { rows, servers, nowMs, principal }: Found) {
  const { max } = effectiveLimits(doc, nowMs);
  const counted = [...servers.values()].filter(isCounted).length;
  const target = Math.max(doc.target, Math.min(counted, max));
  const causes = [cause("B8.1", "REQUESTED", { principal })];
  const facts = { adopted: rows.length, target, oldTarget: doc.target };
  const whole = context.events.make("ledger.rebuilt", { principal, causes, facts });
  const reason = "the ledger was rebuilt from the servers' tags";
  const events: EventDraft[] = [
    whole,
    ...rows.map((row) =>
      context.events.make("server.adopted", {
        ...{ server: row.id, principal, causes, parent: whole.id },
        facts: { cloudId: row.cloudId ?? "" },
      }),
    ),
  ];
  if (!doc.quarantine) {
    const why = [cause("B9.5", "QUARANTINE", { reason })];
    const subject = { principal, causes: why, parent: whole.id };
    events.push(context.events.make("group.quarantined", subject));
  }
  const newest = rows
    .map(({ id }) => id)
    .reduce((a, b) => (a > b ? a : b), doc.newestServer ?? ("" as ServerId));
  const moved = target === doc.target ? {} : { target, targetChangedAtMs: nowMs };
  return {
    doc: {
      ...doc,
      ...moved,
      ...(target === doc.target ? {} : { movedBy: whole.id }),
      newestServer: newest,
      quarantine: doc.quarantine ?? { sinceMs: nowMs, reason, principal },
    },
    events,
  };
}

function deleting(): Fault {
  return new Fault("GROUP_DELETING", { say: "the group is being deleted" });
}
