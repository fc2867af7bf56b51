import { serversWanted } from "../model/carried.js";
import { type OperationClass, operationClasses } from "../model/colo.js";
import type { ServerId } from "../model/ids.js";
import { isMadeNow, launchOf } from "../model/launches.js";
import type { Observation, Step } from "../model/observation.js";
import { callStopped, isScaledIn, pauseStops, processStopped } from "../model/pause.js";
import type { Plan } from "../model/plan.js";
import { roomOf, surgeOf } from "../model/rebuild.js";
import type { ServerRow, ServerState } from "../model/server.js";
import { pairsOf } from "./choose-launch.js";
import { mostOf, yetToBeDeleted } from "./deletes-first.js";
import { isCounted } from "./lifecycle.js";

/**
 * A second opinion on a plan, in other words than the planner's. What it finds is a bug of ours:
 * the turn ends before anything is written or done.
 *
 * @throws Error naming the broken promise.
 */
export function checkPlan(seen: Observation, plan: Plan): void {
  const before = new Map(seen.rows.map((row) => [row.id, row]));
  const changed = new Map(plan.rows.map((row) => [row.id, row]));
  const after = seen.rows.map((row) => changed.get(row.id) ?? row);

  const counted = after.filter(isCounted).length;
  const target = seen.spec ? serversWanted(seen.doc) : 0;
  const most = target + surgeOf(plan.doc, target);
  insist(
    plan.creates === 0 || counted + plan.creates <= most,
    "creates beyond the target and the surge (B9.3)",
  );
  const undeleted = plan.creates === 0 ? 0 : yetToBeDeleted(seen, after).length;
  insist(
    undeleted === 0 || counted + undeleted + plan.creates <= mostOf(seen, most),
    "creates beside servers whose deletes nobody asked for yet (B9.3)",
  );
  const { paused } = seen.doc;
  insist(plan.creates === 0 || !pauseStops(paused, "create"), "creates while paused (B8.3)");
  checkProcesses(seen, plan, target - counted);
  insist(plan.creates === 0 || !seen.stopped.has("create"), "creates under a brake (B9.1)");
  insist(plan.creates === 0 || seen.cloud.kind === "listed", "creates without a listing (B4.3)");
  insist(plan.choices.length === plan.creates, "creates what nobody chose (B4.7)");
  for (const { revision, choice } of plan.choices) {
    insist(isMadeNow(seen.group, plan.doc, revision), "creates what is not to be made (B8.5)");
    const launch = launchOf(seen.group, revision);
    insist(launch !== undefined, "creates what nobody knows how to make (B1.7)");
    if (pairsOf(launch!).length === 1) continue;
    const { flavor, zone } = choice;
    const mark = plan.doc.noRoom?.find((one) => one.flavor === flavor && one.zone === zone);
    insist(!mark || seen.nowMs >= mark.untilMs, "creates where there is no room (B4.7)");
  }

  checkRebuilt(seen, plan, { before, after });
  const { quarantine } = plan.doc;
  for (const step of plan.steps) {
    if (step.kind === "findIntention") continue; // Asks, and changes nothing.
    const operation = operationOf(step);
    insist(!pauseStops(paused, operation), `plans ${step.kind} while paused (B8.3)`);
    const stopped = operation !== "tag" && seen.stopped.has(operation);
    insist(!stopped, `plans ${step.kind} under a brake (B9.1)`);
    if (step.kind === "changeMembers") continue;
    if (step.kind === "deleteOrphan") {
      const order = seen.orphans.get(step.cloudId)?.deleteOrder;
      insist(order !== undefined, "deletes an orphan that nobody ordered to be deleted (B9.6)");
      continue;
    }
    const row = changed.get(step.server) ?? before.get(step.server);
    const bound = row?.cloudId !== undefined && row.cloudId === step.cloudId;
    insist(bound, `plans ${step.kind} of a server that is not the row's (B9.5)`);
    const isHeld = step.kind === "delete" && row && callStopped(seen.doc, "delete", row);
    insist(!isHeld, "deletes a surplus server while scaling in is paused (B8.3)");
    const waits = quarantine !== undefined && (row?.createdAtMs ?? 0) < quarantine.sinceMs;
    insist(!(step.kind === "delete" && waits), "deletes in quarantine (B9.5)");
    const right = isStateFor(step.kind, row?.state);
    insist(right, `plans ${step.kind} of a server that is ${row?.state} (B9.5)`);
  }
  const halts = operationClasses.some(
    (one) => one !== "loadBalancer" && (pauseStops(paused, one) || seen.stopped.has(one)),
  );
  for (const row of plan.rows) {
    const isGivenUp = before.get(row.id)?.leaving === undefined && row.leaving !== undefined;
    insist(
      !(halts && isGivenUp && takenBack.has(row.leaving.code)),
      "gives up for what may pass while nothing is replaced (B8.3, B9.1)",
    );
    checkSurplus(seen, plan, row, before.get(row.id));
  }
}

/** Who is scaled in, and that nobody is where that is stopped (B4.4, B8.1, B9.5). */
function checkSurplus(
  seen: Observation,
  plan: Plan,
  row: ServerRow,
  was: ServerRow | undefined,
): void {
  if (row.leaving?.code !== "SURPLUS" || was?.leaving !== undefined) return;
  const { doc, spec, doubt } = seen;
  const ends = doc.deleting || !spec;
  insist(!row.protected || doc.deleting, "scales in a protected server (B4.4)");
  const isPaused = isScaledIn(row, doc) && processStopped(doc, "scaleIn");
  insist(!isPaused, "scales in while that is paused (B8.3)");
  insist(was?.state !== "standingBy" || ends, "scales in who stands by (B8.1)");
  const unproven = doubt && !plan.agrees;
  insist(!(plan.doc.quarantine || unproven), "scales in while in quarantine (B9.5)");
}

/** B8.5: a rebuild takes nobody out whom others do not stand in for, and nobody against a hold. */
function checkRebuilt(
  seen: Observation,
  plan: Plan,
  {
    before,
    after,
  }: { readonly before: ReadonlyMap<ServerId, ServerRow>; readonly after: readonly ServerRow[] },
): void {
  const taken = plan.rows.filter((row) => {
    return row.leaving?.code === "REBUILT" && before.get(row.id)?.leaving === undefined;
  });
  if (taken.length === 0) return;
  const { rebuild } = plan.doc;
  insist(rebuild !== undefined, "replaces servers without a rebuild (B8.5)");
  insist(!taken.some((row) => row.protected), "replaces a protected server (B8.5)");
  const isPaused = seen.doc.paused ?? seen.doc.pausedProcesses?.replacement;
  const isHeld = isPaused ?? seen.stopped.get("create") ?? seen.stopped.get("delete");
  insist(isHeld === undefined, "replaces servers while that is stopped (B8.3, B9.1)");
  const doubted = plan.doc.quarantine ?? (plan.agrees ? undefined : seen.doubt);
  insist(doubted === undefined, "replaces servers while in quarantine (B9.5)");
  const target = serversWanted(seen.doc);
  const serve = after.filter(({ state }) => state === "inService").length;
  const served = taken.some((row) => before.get(row.id)?.state === "inService");
  const fewest = target - roomOf(rebuild!.options, target).unavailable;
  insist(!served || serve >= fewest, "replaces servers whose successors do not serve (B8.5)");
}

/** What is paused alone is not planned (B8.1): lost servers stay vacant, others wait. */
function checkProcesses({ doc }: Observation, plan: Plan, missing: number): void {
  const { creates, replaces } = plan;
  const vacant = Math.min(doc.vacant ?? 0, missing);
  const isOut = processStopped(doc, "scaleOut") !== undefined;
  const isReplaced = processStopped(doc, "replacement") !== undefined;
  insist(!isOut || creates === replaces, "scales out while that is paused (B8.3)");
  insist(!isReplaced || replaces === 0, "replaces while that is paused (B8.3)");
  insist(!isReplaced || creates === 0 || creates + vacant <= missing, "fills a lost place (B8.3)");
}

/** What a cloud or a monitor may say of a server, and take back. */
const takenBack: ReadonlySet<string> = new Set([
  "STOPPED",
  "WAIT_EXPIRED",
  "SUSPECTED",
  "HOST_DOWN",
  "BUILD_TIMEOUT",
  "CLOUD_ERROR",
]);

/** The class of brakes that a step falls under. Tags change nothing of the server itself. */
function operationOf(step: Step): OperationClass | "tag" {
  if (step.kind === "delete" || step.kind === "deleteOrphan") return "delete";
  return step.kind === "changeMembers" ? "loadBalancer" : "tag";
}

function isStateFor(kind: "delete" | "tag" | "untag", state: ServerState | undefined): boolean {
  if (kind === "delete") return state === "deleting";
  if (kind === "tag" && state === "deleting") return false; // It would make up its own witness.
  return (state === "releasing") === (kind === "untag");
}

function insist(kept: boolean, promise: string): void {
  if (!kept) throw new Error(`the plan breaks a promise: ${promise}`);
}
