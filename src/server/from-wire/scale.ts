import type { Force } from "../../gen/muster/v1/scaling_service_pb.js";
import type { SubmitScaleEvent } from "../../supervisor/api.js";
import { readDuration } from "./time.js";

/** How long limits stay exceeded when the caller does not say (B2.7). */
const FORCE_MS_DEFAULT = 3_600_000;

export function readForce(force: Force | undefined): SubmitScaleEvent["force"] {
  if (!force) return undefined;
  const { reason, duration } = force;
  return { reason, durationMs: readDuration(duration, FORCE_MS_DEFAULT) };
}
