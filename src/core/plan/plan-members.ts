import { cause } from "../model/cause.js";
import type { Attachment } from "../model/group.js";
import type { LoadBalancerId } from "../model/ids.js";
import type { BalancerView, MemberStep, PlanLimits } from "../model/observation.js";
import { callStopped } from "../model/pause.js";
import type { Member, Membership, ServerRow } from "../model/server.js";
import { isArriving, leave, move } from "./lifecycle.js";
import { type Sheet, waitForBrake } from "./sheet.js";
import { staysForNow } from "./stays.js";

/** After this a server is deleted although a membership could not be removed; it is reported. */
export const removalMsMax = 5 * 60_000;

/**
 * Brings memberships to what the rows' states ask for (B5): servers on their way or in service are
 * members, draining ones and those that stand by take no new connections, leaving ones are removed.
 * Moves rows whose wait for it is over.
 */
export function planMembers(
  sheet: Sheet,
  attachments: readonly Attachment[],
  limits: PlanLimits,
): void {
  const changes = new Map<LoadBalancerId, MemberStep[]>();
  const plan = createMemberPlan(sheet, attachments, changes);
  for (const row of sheet.rows()) {
    // What scaling in has begun stands still while it is paused (B8.1).
    if (callStopped(sheet.seen.doc, "loadBalancer", row)) continue;
    switch (row.state) {
      case "launching":
      case "inService":
        plan.attach(row, limits);
        break;
      case "standingBy":
        plan.drain(row, limits);
        break;
      case "draining":
        if (plan.drain(row, limits)) startDelete(sheet, row, sheet.seen.nowMs);
        break;
      case "deleting":
      case "releasing":
        plan.detach(row);
        break;
      default:
        break;
    }
  }
  const brake = sheet.seen.stopped.get("loadBalancer");
  for (const [loadBalancer, list] of changes) {
    if (brake) waitForBrake(sheet, brake);
    else sheet.step({ kind: "changeMembers", loadBalancer, changes: list });
  }
}

interface MemberPlan {
  attach(row: ServerRow, limits: PlanLimits): void;
  /** Whether it is drained, or has been for so long that its memberships keep it no longer. */
  drain(row: ServerRow, limits: PlanLimits): boolean;
  detach(row: ServerRow): void;
}

interface MemberChanges {
  viewOf(one: Membership): IndexedView | undefined;
  thereOf(one: Membership): Member | undefined;
  change(row: ServerRow, one: Membership, kind: "put" | "remove", draining: boolean): void;
  /** Asks for the removal of the given ones. @returns those that are still there. */
  remove(row: ServerRow, going: readonly Membership[]): Membership[];
}

function createMemberChanges(
  sheet: Sheet,
  attachments: readonly Attachment[],
  changes: Map<LoadBalancerId, MemberStep[]>,
): MemberChanges {
  const views = indexViews(sheet.seen.balancers);
  let wantedAddresses: ReadonlySet<string> | undefined;
  const isWanted = (one: Membership) => {
    wantedAddresses ??= new Set(
      sheet
        .rows()
        .filter((row) => row.state === "launching" || row.state === "inService")
        .flatMap((row) => attachments.flatMap((other) => wantedKey(row, other) ?? [])),
    );
    return wantedAddresses.has(addressKey(one));
  };
  const viewOf = (one: Membership) => views.get(one.loadBalancer);
  const change: MemberChanges["change"] = (row, one, kind, draining) => {
    const { loadBalancer, host, port, weight } = one;
    const list = changes.get(loadBalancer) ?? [];
    list.push({ server: row.id, kind, host, port, weight, draining });
    changes.set(loadBalancer, list);
  };
  return {
    viewOf,
    thereOf(one) {
      const view = viewOf(one);
      return view?.kind === "listed" ? view.members.get(memberKey(one)) : undefined;
    },
    change,
    remove: (row, going) =>
      going.flatMap((one) => {
        const view = viewOf(one);
        // Addresses get reused: where another server has this one now, the member is that one's.
        const isOthers = isWanted(one) || hasOtherOwner(sheet, row, one);
        if (view?.kind === "gone" || isOthers) return [];
        const asked = sheet.seen.underWay.has(`members:${one.loadBalancer}`);
        const seenSince = view?.kind === "listed" && view.askedAtMs > (one.changedAtMs ?? 0);
        // A put that is under way would land after we forgot the membership, and stay for good.
        if (!asked && seenSince && !view.members.has(memberKey(one))) return [];
        if (view?.kind === "listed") change(row, one, "remove", true);
        return [one.state === "removing" ? one : { ...one, state: "removing" as const }];
      }),
  };
}

function createMemberPlan(
  sheet: Sheet,
  attachments: readonly Attachment[],
  changes: Map<LoadBalancerId, MemberStep[]>,
): MemberPlan {
  const { nowMs } = sheet.seen;
  const { viewOf, thereOf, change, remove } = createMemberChanges(sheet, attachments, changes);

  return {
    attach(row, limits) {
      if (row.state === "inService" && isSettled(row, attachments, thereOf)) return;
      const wanted = attachments.flatMap((one) => wantedMembership(sheet, row, one));
      const isWanted = (one: Membership) => wanted.some((other) => sameMember(one, other));
      // A server in service gains or loses a membership by an edit of the group.
      const edit = row.state === "inService" ? sheet.seen.doc.configuredBy : undefined;
      const by = edit === undefined ? {} : { by: edit };
      const leftovers = remove(
        row,
        row.memberships.filter((one) => !isWanted(one)),
      ).map((one) => (row.memberships.includes(one) ? one : { ...one, ...by }));
      let ready = wanted.length === attachments.length;
      const kept = wanted.map((want): Membership => {
        const known = row.memberships.find((one) => sameMember(one, want));
        const have = known ?? { ...want, ...by };
        const there = thereOf(want);
        const right = there !== undefined && there.weight === want.weight && !there.draining;
        if (viewOf(want)?.kind === "listed" && !right) {
          change(row, want, "put", false);
          waitForBalancer(sheet, want.loadBalancer);
        }
        const healthy = right && (!limits.checksHealth || there.health === "healthy");
        if (!healthy) ready = false;
        const state = right ? "member" : "adding";
        if (have.state === state && have.weight === want.weight) return have;
        return { ...have, ...want, state, changedAtMs: nowMs };
      });
      putMemberships(sheet, row, [...kept, ...leftovers]);
      if (row.state !== "launching") return;
      if (ready) serve(sheet, row.id);
      else waitForLaunch(sheet, row, kept, thereOf);
      if (!ready) sheet.wakeAt(nowMs + limits.pollMs);
    },

    drain(row, limits) {
      const timeoutMs = Math.max(
        0,
        ...row.memberships.map(
          (one) =>
            attachments.find((other) => other.loadBalancer === one.loadBalancer)?.drainTimeoutMs ??
            0,
        ),
      );
      const deadlineMs = (row.drainingSinceMs ?? nowMs) + timeoutMs;
      const idle = row.memberships.every((one) => {
        const view = viewOf(one);
        if (view?.kind !== "listed") return view?.kind === "gone";
        const there = thereOf(one);
        return there === undefined || (there.draining && there.connections === 0);
      });
      if (idle || nowMs >= deadlineMs) {
        const left = remove(row, row.memberships);
        putMemberships(sheet, row, left);
        const late = nowMs >= deadlineMs + removalMsMax;
        if (left.length > 0) sheet.wakeAt(nowMs + limits.pollMs);
        return left.length === 0 || late;
      }
      const draining = row.memberships.map((one): Membership => {
        const there = thereOf(one);
        if (there && !there.draining) change(row, one, "put", true);
        return one.state === "draining" ? one : { ...one, state: "draining" };
      });
      putMemberships(sheet, row, draining);
      sheet.wakeAt(Math.min(deadlineMs, nowMs + limits.pollMs));
      return false;
    },

    detach(row) {
      putMemberships(sheet, row, remove(row, row.memberships));
    },
  };
}

/** Whether the cloud's server may be deleted now: never while it is a member, within bounds. */
export function isDetached(row: ServerRow, nowMs: number): boolean {
  const sinceMs = row.deletingSinceMs ?? row.sinceMs;
  return row.memberships.length === 0 || nowMs >= sinceMs + removalMsMax;
}

/** Whether the cloud says that another server has the address by now. */
function hasOtherOwner(sheet: Sheet, row: ServerRow, one: Membership): boolean {
  const { cloud } = sheet.seen;
  if (cloud.kind !== "listed") return false;
  const owners = cloud.byAddress?.get(memberKey(one)) ?? cloud.byAddress?.get(one.host) ?? [];
  return owners.some((id) => id !== row.cloudId);
}

/** A load balancer that refuses to change says so, for as long as there is something to change. */
function waitForBalancer(sheet: Sheet, loadBalancer: LoadBalancerId): void {
  const refusal = sheet.seen.refused?.get(loadBalancer);
  if (!refusal) return;
  const { kind, fault } = refusal;
  sheet.wait(cause("B5.4", "LOAD_BALANCER_REFUSED", { loadBalancer, kind, fault }));
}

/** What is not a member after that time says so, whatever keeps it from being one (B4.11). */
const memberMsMax = 5 * 60_000;

/**
 * A server that does not come into service says why, and is given up like a failed build when the
 * group's build timeout has passed (B4.11, B6.5): where it is never healthy, or the load balancer
 * does not take it. Not where the load balancer, or leave to change it, is what is away.
 */
function waitForLaunch(
  sheet: Sheet,
  row: ServerRow,
  memberships: readonly Membership[],
  thereOf: MemberChanges["thereOf"],
): void {
  const { nowMs, group, refused, stopped } = sheet.seen;
  const unready = memberships.find((one) => thereOf(one)?.health !== "healthy");
  if (!unready) return; // What keeps it from being wanted as a member says so itself.
  const { loadBalancer, changedAtMs = 0 } = unready;
  const member = thereOf(unready);
  // While it was paused nobody could attach it.
  const sinceMs = Math.max(row.sinceMs, changedAtMs);
  const health = member?.health ?? "not yet";
  const isBraked = stopped.has("loadBalancer");
  if (member || (!isBraked && nowMs >= sinceMs + memberMsMax))
    sheet.wait(cause("B4.11", "LAUNCH_WAITS", { server: row.id, loadBalancer, health }));
  const refusal = member ? undefined : refused?.get(loadBalancer);
  const isRejected = refusal?.kind === "badRequest" || refusal?.kind === "quota";
  const { buildTimeoutMs } = group;
  if (nowMs < sinceMs + buildTimeoutMs || (health !== "unhealthy" && !isRejected)) return;
  if (isArriving(row)) return;
  const expired = cause("B4.11", "BUILD_TIMEOUT", { server: row.id, buildTimeoutMs, loadBalancer });
  if (staysForNow(sheet, row, expired)) return;
  sheet.event("server.failed", row.id, expired);
  const said = refusal ? `not taken by` : "not healthy in";
  // One that had served before is no failed build.
  if (row.inServiceAtMs === undefined)
    sheet.failed(`${said} load balancer ${loadBalancer} in time`, expired);
  sheet.put(leave(sheet.row(row.id), "drain", expired, nowMs));
}

function serve(sheet: Sheet, id: ServerRow["id"]): void {
  const row = sheet.row(id);
  const { nowMs } = sheet.seen;
  sheet.put(move(row, "serve", nowMs, { inServiceAtMs: nowMs }));
  sheet.event("server.in_service", id);
}

function startDelete(sheet: Sheet, row: ServerRow, nowMs: number): void {
  const fresh = sheet.row(row.id);
  const why = fresh.leaving ?? cause("B8.1", "REQUESTED", {});
  sheet.put(leave(fresh, "delete", why, nowMs));
  sheet.event("server.deleting", row.id, why);
}

function putMemberships(sheet: Sheet, row: ServerRow, next: readonly Membership[]): void {
  const same =
    next.length === row.memberships.length &&
    next.every((one, index) => one === row.memberships[index]);
  if (!same) sheet.put({ ...row, memberships: next });
}

function wantedMembership(sheet: Sheet, row: ServerRow, one: Attachment): Membership[] {
  const port = one.port === 0 ? (row.address?.port ?? 0) : one.port;
  if (!row.address || port === 0) {
    sheet.wait(cause("B5.2", "ADDRESS_UNKNOWN", { server: row.id }));
    return [];
  }
  const { loadBalancer, weight } = one;
  return [{ loadBalancer, host: row.address.host, port, weight, state: "adding" }];
}

function wantedKey(row: ServerRow, one: Attachment): string | undefined {
  const port = one.port === 0 ? (row.address?.port ?? 0) : one.port;
  return row.address && `${one.loadBalancer}|${row.address.host}:${port}`;
}

type IndexedView =
  | {
      readonly kind: "listed";
      readonly askedAtMs: number;
      readonly members: ReadonlyMap<string, Member>;
    }
  | { readonly kind: "gone" | "unavailable" };

function indexViews(
  views: ReadonlyMap<LoadBalancerId, BalancerView>,
): ReadonlyMap<LoadBalancerId, IndexedView> {
  const indexed = [...views].map(([id, view]): [LoadBalancerId, IndexedView] => {
    if (view.kind !== "listed") return [id, { kind: view.kind }];
    const members = new Map(view.members.map((one) => [memberKey(one), one]));
    return [id, { kind: "listed", askedAtMs: view.askedAtMs, members }];
  });
  return new Map(indexed);
}

function memberKey(one: { readonly host: string; readonly port: number }): string {
  return `${one.host}:${one.port}`;
}

function addressKey(one: Membership): string {
  return `${one.loadBalancer}|${memberKey(one)}`;
}

function sameMember(a: Membership, b: Membership): boolean {
  return a.loadBalancer === b.loadBalancer && a.host === b.host && a.port === b.port;
}

/** What nearly every server of a quiet group is: just as it should be. Costs no memory. */
function isSettled(
  row: ServerRow,
  attachments: readonly Attachment[],
  thereOf: MemberChanges["thereOf"],
): boolean {
  const { memberships, address } = row;
  if (!address || memberships.length !== attachments.length) return false;
  return attachments.every(({ loadBalancer, port, weight }, index) => {
    const have = memberships[index]!;
    const wantedPort = port === 0 ? address.port : port;
    if (have.loadBalancer !== loadBalancer || have.state !== "member") return false;
    if (have.host !== address.host || have.port !== wantedPort || have.weight !== weight)
      return false;
    const there = thereOf(have);
    return there !== undefined && !there.draining && there.weight === weight;
  });
}
