import { type CauseCode, cause } from "../model/cause.js";
import { launchOf } from "../model/launches.js";
import type { PlacementDoc } from "../model/placement.js";
import { isOpen, type RebuildMark } from "../model/rebuild.js";
import type { ServerRow } from "../model/server.js";
import { createAvailability, hasServed } from "./fleet.js";
import { isCounted } from "./lifecycle.js";
import { enter, turnBack } from "./rebuild-phases.js";
import type { Sheet } from "./sheet.js";

/** What rows tell of a rebuild, whether anything may be done about it or not (B8.5). */
export function judgeRebuild(sheet: Sheet): void {
  const { doc, cloud, nowMs } = sheet.seen;
  if (doc.deleting && doc.rebuild && isOpen(doc.rebuild)) {
    sheet.setRebuild(enter(doc.rebuild, "cancelled", nowMs));
    sheet.event("rebuild.cancelled", undefined, cause("B8.4", "DELETING"));
  }
  if (cloud.kind !== "listed") return;
  if (doc.deleting || doc.rebuild?.phase !== "rolling") return;
  const judged = countFailures(sheet, doc.rebuild);
  if (judged !== doc.rebuild) sheet.setRebuild(judged);
}

/** The last launch revision that has proven to serve, as far as this plan knows by now. */
export function provenIn({ out, seen }: Sheet): number | undefined {
  return out.proven ?? seen.doc.provenRevision;
}

/**
 * Notes which launch revision has proven to serve, where none has yet or the one that had is not
 * kept: the newest of which a server has served for long enough. Any other proves itself by the
 * first batch of its rebuild (B8.5).
 */
export function prove(sheet: Sheet): void {
  const { doc, group, cloud } = sheet.seen;
  const { rebuild } = doc;
  const provenRevision = provenIn(sheet);
  if (cloud.kind !== "listed") return;
  if (provenRevision !== undefined && launchOf(group, provenRevision) !== undefined) return;
  const served = sheet
    .rows()
    .filter(
      (row) =>
        row.launchRevision !== rebuild?.revision &&
        launchOf(group, row.launchRevision) !== undefined &&
        hasServed(sheet, row),
    );
  if (served.length === 0) return;
  const revisions = served.filter(createAvailability(sheet)).map((row) => row.launchRevision);
  if (revisions.length > 0) sheet.setProven(Math.max(...revisions));
}

/** What a server of a bad launch configuration comes to; the rest is the cloud's or a person's. */
const failures: ReadonlySet<CauseCode> = new Set([
  "BUILD_ERROR",
  "BUILD_TIMEOUT",
  "CLOUD_ERROR",
  "STOPPED",
  "SUSPECTED",
]);

/** A server that its load balancers do not find healthy for so long will not be (B6.1). */
const launchMsMax = 10 * 60_000;

/** The mark with the new servers that this plan gives up, and what too many of them come to. */
function countFailures(sheet: Sheet, mark: RebuildMark): RebuildMark {
  const fresh = sheet.seen.rows.filter(
    (row) => row.launchRevision === mark.revision && isCounted(row),
  );
  const failed = fresh.flatMap(({ id }) => {
    const { leaving, fault } = sheet.row(id);
    return leaving && failures.has(leaving.code) ? [fault ?? leaving.code] : [];
  });
  const counted: RebuildMark =
    failed.length === 0
      ? mark
      : { ...mark, failures: mark.failures + failed.length, fault: failed.at(-1)! };
  if (counted.failures >= mark.options.stopAfter) return stop(sheet, counted);
  const stuck = fresh.find((row) => isStuck(sheet, row));
  return stuck
    ? stop(sheet, { ...counted, fault: "a new server does not become healthy" })
    : counted;
}

function isStuck(sheet: Sheet, { id }: ServerRow): boolean {
  const { state, sinceMs } = sheet.row(id);
  if (state !== "launching") return false;
  if (sheet.seen.nowMs >= sinceMs + launchMsMax) return true;
  sheet.wakeAt(sinceMs + launchMsMax);
  return false;
}

/** Stops for failures, or takes back what was made; either way the old revision is in use again. */
function stop(sheet: Sheet, mark: RebuildMark): RebuildMark {
  const { nowMs, group } = sheet.seen;
  const { fromRevision } = mark;
  sheet.event("rebuild.stopped", undefined, failedCause(mark));
  const hasWayBack = fromRevision !== undefined && launchOf(group, fromRevision) !== undefined;
  if (fromRevision !== undefined) sheet.setProven(fromRevision);
  if (!mark.options.rollBack || !hasWayBack) return enter(mark, "stopped", nowMs);
  sheet.event("rebuild.rolling_back", undefined, failedCause(mark));
  return turnBack(mark, nowMs);
}

export function failedCause({ failures: count, revision, fault }: RebuildMark) {
  const why = fault === undefined ? {} : { fault };
  return cause("B8.5", "REBUILD_FAILED", { failures: count, revision, ...why });
}

/** The document after a create of the revision was refused for what it asks for. */
export function afterRefusal(doc: PlacementDoc, revision: number, fault: string): PlacementDoc {
  const { rebuild } = doc;
  if (rebuild?.phase !== "rolling" || rebuild.revision !== revision) return doc;
  return { ...doc, rebuild: { ...rebuild, failures: rebuild.failures + 1, fault } };
}
