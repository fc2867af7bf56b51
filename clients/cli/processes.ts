import { Process } from "../../src/gen/muster/v1/group_pb.js";
import { UsageError } from "./exit.js";

/** As they are typed, in the order in which they are told. */
const named = new Map<string, Process>([
  ["scale-out", Process.SCALE_OUT],
  ["scale-in", Process.SCALE_IN],
  ["replacement", Process.REPLACEMENT],
  ["alerts", Process.ALERTS],
  ["schedules", Process.SCHEDULES],
]);

export const processWords: readonly string[] = [...named.keys()];

/** `scale-in,alerts`; nothing: all of the group. @throws UsageError naming what there is */
export function processesOf(only: string | undefined): Process[] {
  const words = only === undefined ? [] : only.split(",").map((one) => one.trim());
  const found = words.map((word) => {
    const process = named.get(word);
    if (process !== undefined) return process;
    const known = processWords.join(", ");
    throw new UsageError(`--only: "${word}" is no process; there are ${known}`);
  });
  return [...new Set(found)];
}

export function sayProcesses(processes: readonly Process[]): string {
  return processWords.filter((word) => processes.includes(named.get(word)!)).join(", ");
}
