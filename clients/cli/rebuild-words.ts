import type { Group, PlacementStatus } from "../../src/gen/muster/v1/group_pb.js";
import { type Rebuild, RebuildPhase } from "../../src/gen/muster/v1/rebuild_pb.js";
import { idOf } from "../node/index.js";
import { plain } from "./printer.js";
import { ageWords, causeWords, rebuildPhaseWord } from "./words.js";

const open: ReadonlySet<RebuildPhase> = new Set([
  RebuildPhase.QUEUED,
  RebuildPhase.ROLLING,
  RebuildPhase.WAITING,
  RebuildPhase.ROLLING_BACK,
]);

/** Whether a placement's rebuild goes on, or will by somebody's word. */
export const isRebuilding = (group: Group): boolean =>
  rebuildsOf(group).some(({ rebuild }) => open.has(rebuild.phase));

/** `iad: rolling, 40 % of the servers, batch 3: …`, a line for each placement. */
export function rebuildWords(group: Group): readonly string[] {
  return rebuildsOf(group).map(({ colo, rebuild }) => {
    const { phase, percent, batch, launchRevision: revision, causes } = rebuild;
    const how = `${rebuildPhaseWord(phase)} to launch revision ${revision}`;
    const far = `${percent} % of the servers, batch ${batch}, for ${ageWords(rebuild.sinceTime)}`;
    const why = causes.map(causeWords).join(", ");
    return plain(`${colo}: ${how}: ${far}${why === "" ? "" : `: ${why}`}`);
  });
}

/** How it ended, and whether all of it was done that was asked for. */
export function rebuiltWords(group: Group): { readonly words: string; readonly isDone: boolean } {
  const rebuilds = rebuildsOf(group);
  const isBack = rebuilds.every(({ rebuild }) => rebuild.phase === RebuildPhase.ROLLED_BACK);
  const isDone = rebuilds.every(({ rebuild }) => rebuild.phase === RebuildPhase.COMPLETED);
  const how = isDone ? "rebuilt" : isBack ? "rolled back" : "not rebuilt";
  return { words: [`${how}: ${idOf(group.name)}`, ...rebuildWords(group)].join("; "), isDone };
}

function rebuildsOf(group: Group): readonly { readonly colo: string; readonly rebuild: Rebuild }[] {
  const placements: readonly PlacementStatus[] = group.status?.placements ?? [];
  return placements.flatMap(({ colo, rebuild }) => (rebuild ? [{ colo, rebuild }] : []));
}
