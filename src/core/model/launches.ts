import type { Group, KeptLaunch, LaunchConfiguration } from "./group.js";
import type { PlacementDoc } from "./placement.js";
import { isActive } from "./rebuild.js";

type Launching = Pick<Group, "launch" | "launchRevision" | "launches">;
type Standing = Pick<PlacementDoc, "provenRevision" | "rebuild">;

/** What servers of the revision are made from; undefined: it is not kept any more. */
export function launchOf(group: Launching, revision: number): LaunchConfiguration | undefined {
  if (revision === group.launchRevision) return group.launch;
  return group.launches?.find((one) => one.revision === revision)?.launch;
}

/**
 * The revision that scaling out and replacement use: the last proven one while the newest has yet
 * to prove itself (B8.5). Where none is proven, or that one is not kept, the newest.
 */
export function revisionInUse(
  group: Launching,
  { provenRevision }: { readonly provenRevision?: number | undefined },
) {
  const isKept = provenRevision !== undefined && launchOf(group, provenRevision) !== undefined;
  return isKept && provenRevision < group.launchRevision ? provenRevision : group.launchRevision;
}

/** The revision that a rebuild makes servers of now; undefined: none is under way. */
export function successorRevision({ rebuild }: Pick<Standing, "rebuild">): number | undefined {
  if (!rebuild || !isActive(rebuild)) return undefined;
  return rebuild.phase === "rollingBack" ? rebuild.fromRevision : rebuild.revision;
}

/** Whether a server of the revision would still be made today. */
export function isMadeNow(group: Launching, doc: Standing, revision: number): boolean {
  return revision === revisionInUse(group, doc) || revision === successorRevision(doc);
}

/** So many older launch configurations are kept for a group, each of up to 64 KB and more. */
const keptMax = 8;
/** So many are kept whoever needs them: what needs them may be told late of an edit. */
const recentKept = 2;

/**
 * What is kept of a group's older launch configurations once there is a newer one, the newest
 * first: the last ones, and those that placements have proven or rebuild to or from (B8.5).
 */
export function keptLaunches(
  { launch, launchRevision, launches = [] }: Launching,
  needed: ReadonlySet<number>,
): readonly KeptLaunch[] {
  const all = [{ revision: launchRevision, launch }, ...launches];
  const recent = all.slice(0, recentKept);
  const older = all.slice(recentKept).filter(({ revision }) => needed.has(revision));
  return [...recent, ...older].slice(0, keptMax);
}

/** Which revisions a placement may still make servers from. */
export function neededBy({ provenRevision, rebuild }: Standing): readonly number[] {
  const of = [provenRevision, rebuild?.revision, rebuild?.fromRevision];
  return of.filter((one) => one !== undefined);
}
