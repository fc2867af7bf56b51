import { cause } from "../../core/model/cause.js";
import type { Group } from "../../core/model/group.js";
import { areOne, type RebuildMark, type RebuildPhase } from "../../core/model/rebuild.js";
import { enter } from "../../core/plan/rebuild-phases.js";
import type { Context } from "../context.js";
import { allPlacementsOf } from "../placements/ensure.js";
import { nearStates } from "../placements/near-state.js";
import type { PlacementActor } from "../placements/placement-actor.js";

const lookMs = 5_000;
const ended: ReadonlySet<RebuildPhase> = new Set([
  ...(["stopped", "cancelled", "rollingBack", "rolledBack"] as const),
]);

/**
 * A group's colos are rebuilt one after the other, in its order: begins here once all before this
 * one are done, and ends where one of them did not get there (B8.5).
 *
 * @returns when to look again; undefined: it waits for no other colo.
 */
export async function awaitRebuildTurn(
  context: Context,
  actor: PlacementActor,
  group: Group,
): Promise<number | undefined> {
  const { signal, clock, events } = context;
  const isQueued = (mark: RebuildMark | undefined) => mark?.phase === "queued";
  const { rebuild } = (await actor.state(signal)).doc ?? {};
  if (!rebuild || !isQueued(rebuild)) return undefined;
  const all = allPlacementsOf(group);
  const own = all.findIndex(({ colo }) => colo === actor.key.colo);
  const before = all.slice(0, Math.max(0, own));
  const states = await nearStates(context, before, signal);
  const marks = states.map(({ doc }) =>
    doc?.rebuild && areOne(doc.rebuild, rebuild) ? doc.rebuild : undefined,
  );
  const failed = marks.findIndex((mark) => mark !== undefined && ended.has(mark.phase));
  const isNext = marks.every((mark) => mark?.phase === "completed");
  if (failed < 0 && !isNext) return clock.nowMs() + lookMs;
  await actor.change(({ doc }) => {
    const mark = doc?.rebuild;
    if (!doc || mark?.id !== rebuild.id || !isQueued(mark)) return { change: {}, reply: undefined };
    const phase = isNext ? "rolling" : "cancelled";
    const next = { ...doc, rebuild: enter(mark, phase, clock.nowMs()) };
    if (isNext) return { change: { doc: next }, reply: undefined };
    const why = cause("B8.5", "REBUILD_ENDED", { colo: before[failed]!.colo });
    const event = events.make("rebuild.cancelled", { causes: [why], parent: mark.by });
    return { change: { doc: next, events: [event] }, reply: undefined };
  });
  return undefined;
}
