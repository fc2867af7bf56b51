import { type Cause, cause } from "../model/cause.js";
import { pausesOf } from "../model/pause.js";
import type { Condition, ConditionType, PlacementDoc } from "../model/placement.js";
import { isOpen, type RebuildMark } from "../model/rebuild.js";
import type { ServerRow } from "../model/server.js";
import { isLeaving, isPending } from "./lifecycle.js";

/** What a plan found, for the status that people read (B4.9). */
export interface Findings {
  readonly nowMs: number;
  readonly doc: PlacementDoc;
  readonly target: number;
  readonly rows: readonly ServerRow[];
  readonly waits: readonly Cause[];
  /** False when the cloud or a load balancer could not be seen, or nothing may be done. */
  readonly seen: boolean;
}

const heldCodes: ReadonlySet<string> = new Set([
  "UNHEALTHY_BRAKE",
  "COLO_UNHEALTHY",
  "ACCOUNT_MISSING",
  "PROTECTED",
  "QUARANTINE",
  "DEMAND_ANOMALY",
]);
const illCodes: ReadonlySet<string> = new Set([
  "UNHEALTHY_BRAKE",
  "COLO_UNHEALTHY",
  "ACCOUNT_MISSING",
  "LOSSES_RAMPED",
  "CLOUD_ERROR",
  "HOST_DOWN",
  "STOPPED",
  "SUSPECTED",
  "WAIT_EXPIRED",
]);
const brakeCodes: ReadonlySet<string> = new Set(["BRAKED", "CLOUD_BUSY"]);
const degradedCodes: ReadonlySet<string> = new Set([
  "BACKOFF",
  "QUOTA",
  "NO_CAPACITY",
  "LOAD_BALANCER_GONE",
  "LOAD_BALANCER_REFUSED",
  "LISTING_PARTIAL",
  "LISTING_SUSPECT",
  "ANSWER_LOST",
  "ABANDONED",
  "FOREIGN",
  "UNHEALTHY_BRAKE",
  "COLO_UNHEALTHY",
  "ACCOUNT_MISSING",
  "LOSSES_RAMPED",
  "WAIT_EXPIRED",
  "STATUS_UNHEARD_OF",
  "DELETE_AGED",
  "RELEASE_AGED",
  "CREDENTIALS_DENIED",
  "CREDENTIALS_OTHER_PROJECT",
  "SHARE_CARRIED",
  "TAGS_LOST",
  "TAGS_FOREIGN",
  "REBUILD_FAILED",
]);
const rebuildCodes: ReadonlySet<string> = new Set([
  "REBUILD_BATCH",
  "REBUILD_BACK",
  "REBUILD_RESTS",
  "REBUILD_CHECKPOINT",
  "REBUILD_HELD",
  "REBUILD_QUEUED",
  "REBUILD_PROTECTED",
]);

/** The placement's conditions, and which of them turned. */
export function conditionsOf(found: Findings): {
  readonly conditions: readonly Condition[];
  readonly turned: readonly Condition[];
} {
  const { doc, rows, waits, target } = found;
  const inService = rows.filter((row) => row.state === "inService").length;
  const pending = rows.filter(isPending).length;
  const leaving = rows.filter(isLeaving).length;
  const converged = found.seen && inService === target && pending === 0 && leaving === 0;
  const onTheWay =
    inService < target
      ? cause("B4.9", "SHORTAGE", { target, inService, pending })
      : cause("B4.9", "SURPLUS", { target, have: inService + pending + leaving });
  const by = (codes: ReadonlySet<string>) => fewOf(waits.filter((one) => codes.has(one.code)));
  const paused = [
    ...(doc.paused ? [cause("B8.3", "PAUSED", { reason: doc.paused.reason })] : []),
    ...pausesOf(doc).map(({ process, cause: pause }) => waitsOf(process, waits) ?? pause),
  ];
  const needed = Math.min(target, Math.max(doc.min, 1));
  const ready = inService >= needed;
  const short = cause("B4.9", "SHORTAGE", { target: needed, inService });
  const before = (type: ConditionType) => doc.conditions.find((one) => one.type === type);
  // Who cannot see the servers does not call them ill.
  const ill = by(illCodes);
  const healthy = found.seen ? ill.length === 0 : (before("healthy")?.holds ?? true);
  const unseen = found.seen ? [] : fewOf([...paused, ...waits]);
  const stood = fewOf(waits.filter(({ code }) => code === "PROCESS_PAUSED"));
  const wanted: readonly [ConditionType, boolean, readonly Cause[]][] = [
    ["ready", ready, ready ? [] : [short]],
    ["healthy", healthy, healthy ? [] : ill],
    ["converged", converged, converged ? [] : unseen.length > 0 ? unseen : [onTheWay, ...stood]],
    ["paused", paused.length > 0, paused],
    ["braked", by(brakeCodes).length > 0, by(brakeCodes)],
    ["held", by(heldCodes).length > 0, by(heldCodes)],
    ["degraded", by(degradedCodes).length > 0, by(degradedCodes)],
    ...(doc.rebuild ? [rebuilding(doc.rebuild)] : []),
    ["waiting", waits.length > 0, fewOf(waits)],
  ];

  /** It goes by the mark: what keeps the servers from being looked at ends no rebuild. */
  function rebuilding(mark: RebuildMark): [ConditionType, boolean, readonly Cause[]] {
    const told = by(rebuildCodes);
    const known = told.length > 0 ? told : (before("rebuilding")?.causes ?? []);
    return ["rebuilding", isOpen(mark), isOpen(mark) ? known : []];
  }
  const conditions = wanted.map(([type, holds, causes]): Condition => {
    const was = before(type);
    const sinceMs = was?.holds === holds ? was.sinceMs : found.nowMs;
    const next = { type, holds, causes, sinceMs };
    return was && sameCondition(was, next) ? was : next;
  });
  const turned = conditions.filter((one) => {
    return one.type !== "waiting" && one.holds !== (before(one.type)?.holds ?? isGood(one.type));
  });
  const same =
    conditions.length === doc.conditions.length &&
    conditions.every((one, index) => one === doc.conditions[index]);
  return { conditions: same ? doc.conditions : conditions, turned };
}

/** The pause of a process with what waits for its end, where something does. */
function waitsOf(process: string, waits: readonly Cause[]): Cause | undefined {
  return waits.find(
    ({ code, facts }) =>
      code === "PROCESS_PAUSED" && facts["process"] === process && "waiting" in facts,
  );
}

/** A new placement is well until something says otherwise. */
function isGood(type: ConditionType): boolean {
  return type === "healthy" || type === "ready";
}

/** More would only repeat the same for another server. */
const causesMax = 5;

function fewOf(causes: readonly Cause[]): readonly Cause[] {
  const few = new Map<string, Cause>();
  for (const one of causes) {
    if (few.size === causesMax) break;
    const text = JSON.stringify(one);
    if (!few.has(text)) few.set(text, one);
  }
  return [...few.values()];
}

function sameCondition(a: Condition, b: Condition): boolean {
  return a.holds === b.holds && JSON.stringify(a.causes) === JSON.stringify(b.causes);
}
