import { type PausableProcess, pausableProcesses } from "../core/model/pausable.js";
import { Process } from "../gen/muster/v1/group_pb.js";

const wired = {
  scaleOut: Process.SCALE_OUT,
  scaleIn: Process.SCALE_IN,
  replacement: Process.REPLACEMENT,
  alerts: Process.ALERTS,
  schedules: Process.SCHEDULES,
} as const satisfies Record<PausableProcess, Process>;

export function writeProcess(process: PausableProcess): Process {
  return wired[process];
}

/** Undefined where none is named: all of the group is meant. */
export function readProcesses(
  processes: readonly Process[],
): readonly PausableProcess[] | undefined {
  if (processes.length === 0) return undefined;
  return pausableProcesses.filter((one) => processes.includes(wired[one]));
}
