import type { Amount } from "../../core/model/rebuild.js";
import type * as wire from "../../gen/muster/v1/rebuild_pb.js";
import type { GivenRebuildOptions } from "../../supervisor/api.js";
import { readDuration } from "./time.js";

/** So many failed new servers stop a rebuild that does not say. */
const stopAfterDefault = 3;

/** How a rebuild goes, but for what the group has defaults for. */
export function readRebuildOptions(options: wire.RebuildOptions | undefined): GivenRebuildOptions {
  const surge = readAmount(options?.maxSurge);
  const unavailable = readAmount(options?.maxUnavailable);
  return {
    ...(surge && { surge }),
    ...(unavailable && { unavailable }),
    pauseMs: readDuration(options?.pause, 0),
    checkpoints: (options?.checkpoints ?? []).toSorted((a, b) => a - b),
    ...(options?.checkpointWait && { checkpointWaitMs: readDuration(options.checkpointWait, 0) }),
    stopAfter: options?.stopAfter || stopAfterDefault,
    rollBack: options?.rollBack ?? false,
  };
}

function readAmount(amount: wire.RebuildAmount | undefined): Amount | undefined {
  const { amount: given } = amount ?? {};
  switch (given?.case) {
    case "servers":
      return { kind: "servers", servers: given.value };
    case "percent":
      return { kind: "percent", percent: given.value };
    default:
      return undefined;
  }
}
