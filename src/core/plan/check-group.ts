import type { FieldViolation } from "../errors/fault.js";
import type { OutsideFault } from "../errors/outside-fault.js";
import { type Cause, cause } from "../model/cause.js";
import type { Brake } from "../model/colo.js";
import type { Group, PlacementSpec } from "../model/group.js";
import type { CheckFinding, CheckSeverity, PlacementCheck } from "../model/group-check.js";
import { pausesOf } from "../model/pause.js";
import type { PlacementDoc } from "../model/placement.js";
import { type QuotaLimit, type QuotaRoom, roomOf } from "../model/quota.js";
import { fixOf } from "./check-fixes.js";

/** What a question to the outside came to. */
export type Asked<Value> =
  | { readonly kind: "answered"; readonly value: Value }
  | { readonly kind: "failed"; readonly fault: Pick<OutsideFault, "kind" | "message"> };

/** All that is known of one placement's colo, for the group as it is given. */
export interface CheckSight {
  readonly nowMs: number;
  readonly group: Pick<Group, "launch" | "surge" | "health">;
  readonly spec: PlacementSpec;
  /** Where the placement stands in the group's list. */
  readonly index: number;
  /** Undefined: the placement does not exist yet. */
  readonly doc: PlacementDoc | undefined;
  /** Servers of its ledger that the cloud has. */
  readonly servers: number;
  readonly brakes: readonly Brake[];
  /** Why calls are held back (B9.4). */
  readonly busy: readonly Cause[];
  readonly reportsPort: boolean;
  /** Undefined: the colo has no load balancers. */
  readonly checksHealth: boolean | undefined;
  /** Why this node has stopped the account's work (B9.7). */
  readonly denied: Cause | undefined;
  /** The project on record; undefined: none is yet. */
  readonly pinned: Asked<string | undefined>;
  readonly project: Asked<string | undefined>;
  readonly launch: Asked<readonly FieldViolation[]>;
  readonly quota: Asked<readonly QuotaLimit[] | undefined>;
  /** In the order of the placement's attachments: whether its members could be read. */
  readonly balancers: readonly Asked<unknown>[];
}

/** What stands between the placement and its work. Same sight, same findings. */
export function checkPlacement(seen: CheckSight): PlacementCheck {
  const { spec, group, servers, quota } = seen;
  const serversMax = spec.max + group.surge;
  const room = quota.kind === "answered" ? roomOf(quota.value ?? []) : undefined;
  const findings = [
    ...checkCredentials(seen),
    ...checkLaunch(seen),
    ...checkQuota(seen, room),
    ...checkBalancers(seen),
    ...checkBrakes(seen),
    ...checkStanding(seen),
  ];
  return {
    ...{ colo: spec.colo, servers, serversMax },
    ...(room && { room }),
    findings: findings.toSorted((one, other) => gravity[one.severity] - gravity[other.severity]),
  };
}

/** A placement in a colo that there is not. */
export function checkNowhere(
  group: Pick<Group, "surge">,
  { colo, max }: PlacementSpec,
  index: number,
): PlacementCheck {
  const why = cause("B1.2", "COLO_UNKNOWN", { colo });
  const findings = [finding("problem", `placements[${index}].colo`, why)];
  return { colo, servers: 0, serversMax: max + group.surge, findings };
}

const gravity: Readonly<Record<CheckSeverity, number>> = { problem: 0, unknown: 1, warning: 2 };

function finding(severity: CheckSeverity, field: string, why: Cause): CheckFinding {
  return { severity, field, cause: why, fix: fixOf(why) };
}

/** What could not be asked says nothing of the group (B1.5). */
function unknown(
  field: string,
  what: string,
  { fault }: Extract<Asked<unknown>, { readonly kind: "failed" }>,
): CheckFinding {
  const { kind, message } = fault;
  return finding("unknown", field, cause("B1.5", "NOT_CHECKED", { what, fault: message, kind }));
}

const placementField = ({ index }: CheckSight) => `placements[${index}]`;

function checkCredentials(seen: CheckSight): readonly CheckFinding[] {
  const { pinned, project, denied, spec } = seen;
  const field = `${placementField(seen)}.colo`;
  const { colo } = spec;
  if (project.kind === "failed") {
    const { kind, message } = project.fault;
    if (kind !== "denied") return [unknown(field, "the account's credentials", project)];
    const why = cause("B9.7", "CREDENTIALS_DENIED", { fault: message, colo });
    return [finding("problem", field, why)];
  }
  if (pinned.kind === "failed") return [unknown(field, "the account's project", pinned)];
  if (pinned.value !== undefined && pinned.value !== project.value) {
    const facts = { pinned: pinned.value, answered: project.value ?? "none", colo };
    return [finding("problem", field, cause("B9.7", "CREDENTIALS_OTHER_PROJECT", facts))];
  }
  return denied ? [finding("warning", field, denied)] : [];
}

function checkLaunch({ launch, spec }: CheckSight): readonly CheckFinding[] {
  const field = "launch_configuration";
  if (launch.kind === "failed") return [unknown(field, "the launch configuration", launch)];
  return launch.value.map((problem) => {
    const facts = { problem: problem.description, colo: spec.colo };
    return finding("problem", `${field}.${problem.field}`, cause("B1.5", "LAUNCH_INVALID", facts));
  });
}

function checkQuota(seen: CheckSight, room: QuotaRoom | undefined): readonly CheckFinding[] {
  const { quota, spec, group, doc, servers } = seen;
  const field = `${placementField(seen)}.max`;
  if (quota.kind === "failed") return [unknown(field, "the account's quota", quota)];
  if (!room) return [];
  const least = Math.max(spec.min, doc?.target ?? 0);
  const short = (wanted: number) => wanted - servers > room.servers;
  if (!short(spec.max + group.surge)) return [];
  const { resource, limit, used } = room.by;
  const most = { max: spec.max, surge: group.surge, servers };
  const facts = { ...most, room: room.servers, resource, limit, used };
  const why = cause("B4.7", "QUOTA_SHORT", facts);
  return [finding(short(least) ? "problem" : "warning", field, why)];
}

function checkBalancers(seen: CheckSight): readonly CheckFinding[] {
  const { spec, balancers, checksHealth, group, reportsPort } = seen;
  const base = placementField(seen);
  const { colo } = spec;
  if (spec.attachments.length > 0 && checksHealth === undefined) {
    const why = cause("B5.1", "NO_LOAD_BALANCERS", { colo });
    return [finding("problem", `${base}.load_balancers`, why)];
  }
  const health =
    group.health?.useLoadBalancer && checksHealth !== true
      ? [finding("warning", "health.use_load_balancer", cause("B5.6", "HEALTH_UNKNOWN", { colo }))]
      : [];
  const attached = spec.attachments.flatMap(({ loadBalancer, port }, at) => {
    const field = `${base}.load_balancers[${at}]`;
    const none = cause("B5.1", "PORT_UNKNOWN", { colo });
    const ports = port === 0 && !reportsPort ? [finding("problem", `${field}.port`, none)] : [];
    const asked = balancers[at];
    if (asked?.kind !== "failed") return ports;
    return [...ports, unread(`${field}.load_balancer`, loadBalancer, asked)];
  });
  return [...attached, ...health];
}

function unread(
  field: string,
  loadBalancer: string,
  asked: Extract<Asked<unknown>, { readonly kind: "failed" }>,
): CheckFinding {
  const { kind, message } = asked.fault;
  switch (kind) {
    case "notFound":
      return finding("problem", field, cause("B5.5", "LOAD_BALANCER_GONE", { loadBalancer }));
    case "denied":
    case "badRequest": {
      const facts = { loadBalancer, fault: message };
      return finding("problem", field, cause("B5.1", "LOAD_BALANCER_UNREADABLE", facts));
    }
    default:
      return unknown(field, `the load balancer ${loadBalancer}`, asked);
  }
}

function checkBrakes(seen: CheckSight): readonly CheckFinding[] {
  const field = `${placementField(seen)}.colo`;
  const braked = seen.brakes.map(({ operation, reason, principal }) => {
    return cause("B9.1", "BRAKED", { operation, reason, principal });
  });
  return [...braked, ...seen.busy].map((why) => finding("warning", field, why));
}

/** What holds a placement that exists, by its own state. */
function checkStanding(seen: CheckSight): readonly CheckFinding[] {
  const { doc, nowMs } = seen;
  if (!doc) return [];
  const held = doc.conditions.filter(({ type, holds }) => type === "held" && holds);
  const causes = [
    ...(doc.deleting ? [cause("B8.4", "DELETING")] : []),
    ...pauseOf(doc, nowMs),
    ...pausesOf(doc).map((one) => one.cause),
    ...quarantineOf(doc),
    ...backoffOf(doc, nowMs),
    ...held.flatMap((one) => one.causes).filter(({ code }) => code !== "QUARANTINE"),
  ];
  return causes.map((why) => finding("warning", placementField(seen), why));
}

function pauseOf({ paused }: PlacementDoc, nowMs: number): readonly Cause[] {
  if (!paused) return [];
  const { sinceMs, principal, reason } = paused;
  const pausedForMs = Math.max(0, nowMs - sinceMs);
  return [cause("B8.3", "PAUSED", { pausedForMs, principal, reason })];
}

function quarantineOf({ quarantine }: PlacementDoc): readonly Cause[] {
  if (!quarantine) return [];
  const { reason, sinceMs } = quarantine;
  return [cause("B9.5", "QUARANTINE", { reason, sinceAtMs: sinceMs, confirm: true })];
}

function backoffOf({ backoff }: PlacementDoc, nowMs: number): readonly Cause[] {
  if (!backoff || nowMs >= backoff.retryAtMs) return [];
  const { failures, retryAtMs, reason } = backoff;
  return [cause("B4.6", "BACKOFF", { failures, retryAtMs, fault: reason })];
}
