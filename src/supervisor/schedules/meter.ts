import type { PlacementKey } from "../../core/model/ids.js";
import type { Meter } from "../../core/ports/meter.js";
import type { Ran } from "./run-schedules.js";

const latenessBucketsS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800, 3_600];

/** How occurrences end, and how late they are (B7.2). */
export function meterSchedules(meter: Meter): (key: PlacementKey, ran: Ran) => void {
  const runs = meter.counter({
    name: "muster_schedule_runs_total",
    help: "Occurrences of schedules that were dealt with, by what became of them.",
    labels: ["colo", "outcome"],
  });
  const lateness = meter.histogram({
    name: "muster_schedule_lateness_seconds",
    help: "How long after it was due an occurrence was dealt with.",
    labels: ["colo"],
    buckets: latenessBucketsS,
  });
  return ({ colo }, { outcome, lateMs }) => {
    runs.add({ colo, outcome });
    lateness.observe({ colo }, lateMs / 1_000);
  };
}
