import type { GroupKey } from "../../../src/core/model/ids.js";
import type { Second } from "../../../src/drivers/cloud-simulated/index.js";
import { type DrillPlan, illness } from "./plan.js";
import { recoveryMs } from "./recovery.js";
import { openStage, type Stage, sick, sound } from "./stage.js";

/** What Muster asks of the sick cloud: nothing, what its brakes let through, or all it wants. */
export type Demand = "none" | "braked" | "unbraked";

export interface DrillRun {
  readonly demand: Demand;
  readonly stage: Stage;
  readonly groups: readonly GroupKey[];
  readonly blip: { readonly blipStartMs: number; readonly blipEndMs: number };
  /** Of the sick cloud. */
  readonly seconds: readonly Second[];
  readonly recoveryMs: number;
  /** From the alarm of the other colo's groups to their last server; by group. */
  readonly soundMs: readonly number[];
  /** From the end of the blip until every group of the sick colo had all; undefined: never. */
  readonly convergedMs: number | undefined;
  /** Targets that were more than one step ahead of what was ever in service (B2.6). */
  readonly windups: readonly string[];
}

export async function runDrill(demand: Demand, plan: DrillPlan, seed = 1): Promise<DrillRun> {
  const stage = await openStage(plan, seed, demand === "unbraked" ? "off" : "on");
  const { clock, clouds } = stage.cluster;
  const front = clouds.get(sick)!.front!;
  const startMs = clock.nowMs();
  const at = () => clock.nowMs() - startMs;
  const others = await stage.createGroups(sound, plan.soundGroups);
  const groups = demand === "none" ? [] : await stage.createGroups(sick, plan.groups);
  await clock.advance(plan.blipStartMs - at());

  const blip = { blipStartMs: at(), blipEndMs: at() + plan.blipMs };
  front.setCondition(illness);
  await clock.advance(plan.alarmAfterMs);
  const watched = {
    sick: watch(stage, plan, groups, startMs),
    sound: watch(stage, plan, others, startMs),
  };
  await watched.sound.alarm(plan.alarmSpreadMs);
  await watched.sick.alarm(plan.alarmSpreadMs);
  clock.after(blip.blipEndMs - at(), () => front.setCondition({}));
  const endMs = blip.blipEndMs + plan.restMs;
  while (at() < endMs) {
    await clock.advance(plan.lookEveryMs - (at() % plan.lookEveryMs));
    await watched.sick.look();
    await watched.sound.look();
  }
  const seconds = front.seconds();
  const { reachedMs } = watched.sick;
  const all = reachedMs.length === groups.length;
  return {
    ...{ demand, stage, groups, blip, seconds },
    recoveryMs: recoveryMs(seconds, blip),
    soundMs: watched.sound.reachedMs.map((ms) => ms - watched.sound.alarmedAtMs()),
    convergedMs: all ? Math.max(0, ...reachedMs) - blip.blipEndMs : undefined,
    windups: [...watched.sick.windups, ...watched.sound.windups],
  };
}

/** The monitor of some groups: alarms, and ends each alarm once its group has enough. */
function watch(stage: Stage, plan: DrillPlan, keys: readonly GroupKey[], startMs: number) {
  const { before, step, enough, tellEveryMs } = plan;
  const { clock } = stage.cluster;
  const at = () => clock.nowMs() - startMs;
  const windups: string[] = [];
  const reachedMs: number[] = [];
  const standing = new Map<GroupKey, { most: number; toldMs: number }>();
  let alarmedAtMs = 0;
  return {
    ...{ windups, reachedMs },
    alarmedAtMs: () => alarmedAtMs,
    async alarm(spreadMs: number) {
      alarmedAtMs = at();
      for (const key of keys) {
        await stage.alert(key, "critical");
        standing.set(key, { most: before, toldMs: at() });
        await clock.advance(spreadMs / keys.length);
      }
    },
    async look() {
      for (const { key, target, inService } of await stage.standings([...standing.keys()])) {
        const told = standing.get(key)!;
        told.most = Math.max(told.most, inService);
        if (target > told.most + step)
          windups.push(`${key.group}: ${target} wanted, at most ${told.most} were in service`);
        if (inService >= enough) {
          await stage.alert(key, "ok");
          standing.delete(key);
          reachedMs.push(at());
        } else if (at() - told.toldMs >= tellEveryMs) {
          await stage.alert(key, "critical");
          told.toldMs = at();
        }
      }
    },
  };
}
