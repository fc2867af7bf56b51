import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import type { PlacementActor } from "../placements/placement-actor.js";
import { meterSchedules } from "./meter.js";
import { createRunSchedules } from "./run-schedules.js";
import { createScheduler, type Scheduler } from "./scheduler.js";

/** All that a node does because of schedules (B7). */
export interface Schedules extends Omit<Scheduler, "arm"> {
  /** Every turn keeps what windows set; what schedules ask for falls due by itself. */
  look(actor: PlacementActor, entry: GroupEntry): Promise<undefined>;
}

export function createSchedules(context: Context): Schedules {
  const { look, run } = createRunSchedules(context, meterSchedules(context.meter));
  const { arm, ...scheduler } = createScheduler(context, run);
  return {
    ...scheduler,
    async look(actor, entry) {
      const dueMs = await look(actor, entry);
      if (dueMs !== undefined) arm(actor.key, dueMs);
      return undefined;
    },
  };
}
