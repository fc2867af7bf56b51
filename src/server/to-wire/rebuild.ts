import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Amount, RebuildPhase } from "../../core/model/rebuild.js";
import * as wire from "../../gen/muster/v1/rebuild_pb.js";
import type { RebuildView } from "../../supervisor/api.js";
import { writeCause } from "./cause.js";
import { writeDuration, writeTime } from "./time.js";

export function writeRebuild({ mark, current, outdated, causes }: RebuildView): wire.Rebuild {
  const { options } = mark;
  const all = current + outdated;
  return create(wire.RebuildSchema, {
    id: mark.id,
    phase: phases[mark.phase],
    sinceTime: writeTime(mark.sinceMs),
    startTime: writeTime(mark.startedAtMs),
    principal: mark.principal,
    launchRevision: BigInt(mark.revision),
    fromLaunchRevision: BigInt(mark.fromRevision ?? 0),
    percent: all === 0 ? 100 : Math.floor((current * 100) / all),
    batch: mark.batch,
    ...{ current, outdated },
    failures: mark.failures,
    causes: causes.map(writeCause),
    options: {
      maxSurge: writeAmount(options.surge),
      maxUnavailable: writeAmount(options.unavailable),
      pause: writeDuration(options.pauseMs),
      checkpoints: [...options.checkpoints],
      ...(options.checkpointWaitMs !== undefined && {
        checkpointWait: writeDuration(options.checkpointWaitMs),
      }),
      stopAfter: options.stopAfter,
      rollBack: options.rollBack,
    },
  });
}

function writeAmount(amount: Amount): MessageInitShape<typeof wire.RebuildAmountSchema> {
  if (amount.kind === "servers") return { amount: { case: "servers", value: amount.servers } };
  return { amount: { case: "percent", value: amount.percent } };
}

const phases = {
  queued: wire.RebuildPhase.QUEUED,
  rolling: wire.RebuildPhase.ROLLING,
  waiting: wire.RebuildPhase.WAITING,
  stopped: wire.RebuildPhase.STOPPED,
  cancelled: wire.RebuildPhase.CANCELLED,
  completed: wire.RebuildPhase.COMPLETED,
  rollingBack: wire.RebuildPhase.ROLLING_BACK,
  rolledBack: wire.RebuildPhase.ROLLED_BACK,
} as const satisfies Record<RebuildPhase, wire.RebuildPhase>;
