import { cause } from "../../model/cause.js";
import type { Attachment } from "../../model/group.js";
import type { LoadBalancerId } from "../../model/ids.js";
import type { Member, Membership, ServerRow } from "../../model/server.js";
import { removalMsMax } from "../plan-members.js";
import { type Findings, namesOf } from "./findings.js";

/** A change of a membership that was asked for has so long before it counts as a difference. */
export const memberMsMax = 60_000;

type Where = Pick<Membership, "loadBalancer" | "host" | "port">;

interface Listed {
  readonly askedAtMs: number;
  readonly members: ReadonlyMap<string, Member>;
}

/**
 * Memberships that the rows ask for, against the members that the load balancers tell of. Members
 * of which the ledger never said that they are ours are nobody's business here (B5.2).
 */
export function auditMembers(findings: Findings): void {
  const { group, key, rows } = findings.sight;
  const spec = group?.placements.find(({ colo }) => colo === key.colo);
  const attachments = spec?.attachments ?? [];
  const views = viewsOf(findings);
  const wanted = new Set(
    rows.flatMap((row) =>
      row.state === "launching" || row.state === "inService"
        ? attachments.flatMap((one) => placeOf(row, one) ?? []).map(textOf)
        : [],
    ),
  );
  for (const row of rows) {
    if (row.state === "inService")
      for (const one of attachments) auditWanted(findings, row, one, views.get(one.loadBalancer));
    for (const one of row.memberships) {
      const view = views.get(one.loadBalancer);
      if (view && !wanted.has(textOf(one))) auditUnwanted(findings, row, one, view);
    }
  }
}

/** The load balancers that could be seen; the others are differences themselves. */
function viewsOf({ add, sight }: Findings): ReadonlyMap<LoadBalancerId, Listed> {
  const views = new Map<LoadBalancerId, Listed>();
  for (const [loadBalancer, view] of sight.balancers) {
    switch (view.kind) {
      case "gone": {
        const gone = cause("B5.5", "LOAD_BALANCER_GONE", { loadBalancer });
        add("loadBalancerGone", gone, "forPerson", { loadBalancer });
        break;
      }
      case "unavailable":
        add("notSeen", view.cause, "lookUp", { loadBalancer });
        break;
      case "listed": {
        const members = new Map(view.members.map((one) => [addressOf(one), one]));
        views.set(loadBalancer, { askedAtMs: view.askedAtMs, members });
        break;
      }
      default:
        view satisfies never;
    }
  }
  return views;
}

function auditWanted(
  { add, sight }: Findings,
  row: ServerRow,
  attachment: Attachment,
  view: Listed | undefined,
): void {
  const { loadBalancer, weight } = attachment;
  const names = namesOf(row);
  const place = placeOf(row, attachment);
  if (!place) {
    const unknown = cause("B5.2", "ADDRESS_UNKNOWN", { server: row.id });
    add("memberMissing", unknown, "lookUp", { ...names, loadBalancer });
    return;
  }
  const known = row.memberships.find((one) => textOf(one) === textOf(place));
  if (!view || !isDue(view, known, Math.max(sight.group?.updatedAtMs ?? 0, row.sinceMs))) return;
  const address = addressOf(place);
  const there = view.members.get(address);
  const facts = { server: row.id, loadBalancer, address };
  const where = { ...names, loadBalancer, address };
  if (!there) add("memberMissing", cause("B5.2", "MEMBER_MISSING", facts), "attach", where);
  else if (there.weight !== weight || there.draining) {
    const seen = { has: there.weight, weight, draining: there.draining };
    add("memberWrong", cause("B5.2", "MEMBER_WRONG", { ...facts, ...seen }), "putRight", where);
  }
}

/** Whether what was seen is younger than what was last asked for, and that had its time. */
function isDue(view: Listed, known: Membership | undefined, wantedFromMs: number): boolean {
  const changedAtMs = known?.changedAtMs ?? 0;
  if (known?.state === "member") return view.askedAtMs > changedAtMs;
  return view.askedAtMs >= Math.max(changedAtMs, wantedFromMs) + memberMsMax;
}

/** A membership that nobody wants any more: of a leaving server, or of an attachment that is gone. */
function auditUnwanted({ add, sight }: Findings, row: ServerRow, one: Membership, view: Listed) {
  const address = addressOf(one);
  const there = view.members.get(address);
  if (!there || hasOtherOwner(sight.cloud, row, one)) return;
  const { loadBalancer } = one;
  const facts = { server: row.id, loadBalancer, address };
  const where = { ...namesOf(row), loadBalancer, address };
  const drains = row.state === "draining" || row.state === "standingBy";
  if (drains && view.askedAtMs < drainedByMs(sight.group, row)) {
    const sinceMs = row.drainingSinceMs ?? row.sinceMs;
    if (there.draining || view.askedAtMs < sinceMs + memberMsMax) return;
    const wrong = cause("B5.3", "MEMBER_WRONG", { ...facts, draining: false });
    add("memberWrong", wrong, "putRight", { ...where, sinceMs });
    return;
  }
  const sinceMs = Math.max(one.changedAtMs ?? 0, row.deletingSinceMs ?? row.sinceMs);
  const dueMs = row.state === "inService" ? memberMsMax : removalMsMax;
  const wantedUntilMs = row.state === "inService" ? (sight.group?.updatedAtMs ?? 0) : 0;
  if (!drains && view.askedAtMs < Math.max(sinceMs, wantedUntilMs) + dueMs) return;
  const left = cause("B5.3", "MEMBER_LEFT_OVER", facts);
  add("memberLeftOver", left, "detach", { ...where, sinceMs });
}

/** By when a draining server's memberships are to be gone. */
function drainedByMs(group: Findings["sight"]["group"], row: ServerRow): number {
  const attachments = group?.placements.flatMap((one) => one.attachments) ?? [];
  const timeouts = row.memberships.map(
    ({ loadBalancer }) =>
      attachments.find((one) => one.loadBalancer === loadBalancer)?.drainTimeoutMs ?? 0,
  );
  return (row.drainingSinceMs ?? row.sinceMs) + Math.max(0, ...timeouts) + removalMsMax;
}

/** Addresses get reused: where the cloud gave it to another server, the member is that one's. */
function hasOtherOwner(cloud: Findings["sight"]["cloud"], row: ServerRow, one: Membership) {
  if (cloud.kind !== "listed") return false;
  const owners = cloud.byAddress?.get(addressOf(one)) ?? cloud.byAddress?.get(one.host) ?? [];
  return owners.some((id) => id !== row.cloudId);
}

function placeOf({ address }: ServerRow, { loadBalancer, port }: Attachment): Where | undefined {
  const own = port === 0 ? (address?.port ?? 0) : port;
  return address && own !== 0 ? { loadBalancer, host: address.host, port: own } : undefined;
}

function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}

function textOf(one: Where): string {
  return `${one.loadBalancer}|${addressOf(one)}`;
}
