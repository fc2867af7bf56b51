import type { Diagnosis } from "../../core/model/diagnosis.js";
import type { ProcessCloudOptions } from "./options.js";

/** Whether as many servers as the quota allows find a port. */
export function diagnosePorts({ portRange, quota }: ProcessCloudOptions): Diagnosis {
  const { from, to } = portRange;
  const subject = "process cloud";
  const state = from > to ? "problem" : to - from + 1 < quota ? "warning" : "ok";
  const say = `ports ${from} to ${to} for ${quota} servers at most`;
  const fix = "every server needs a port: widen portRange, or lower quota";
  return state === "ok" ? { subject, state, say } : { subject, state, say, fix };
}
