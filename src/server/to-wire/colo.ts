import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { BrakeSource, OperationClass } from "../../core/model/colo.js";
import * as wire from "../../gen/muster/v1/colo_service_pb.js";
import type { ColoAdmission, ColoView } from "../../supervisor/api.js";
import { coloName } from "../names.js";
import { writeTime } from "./time.js";

export function writeColo(view: ColoView): wire.Colo {
  return create(wire.ColoSchema, {
    name: coloName(view.colo),
    cloudDriver: view.cloudDriver,
    loadBalancerDriver: view.loadBalancerDriver ?? "",
    brakes: view.brakes.map((brake) => ({
      operation: operationClasses[brake.operation],
      reason: brake.reason,
      principal: brake.principal,
      sinceTime: writeTime(brake.sinceMs),
      source: sources[brake.source ?? "operator"],
      ...(brake.expiresAtMs !== undefined && { expireTime: writeTime(brake.expiresAtMs) }),
    })),
    stepsRunning: view.stepsRunning,
    stepsWaiting: view.stepsWaiting,
    placements: view.placements,
    admissions: view.admissions.map(writeAdmission),
    // A node that has never read it has no age to tell of.
    ...(Number.isFinite(view.switchAgeMs) && {
      switchAge: durationFromMs(Math.max(0, Math.round(view.switchAgeMs))),
    }),
  });
}

function writeAdmission(one: ColoAdmission) {
  const { lastFault, waiting } = one;
  return {
    api: one.api,
    phase: phases[one.phase],
    sinceTime: writeTime(one.sinceMs),
    inFlight: one.inFlight,
    inFlightMax: one.inFlightMax,
    unanswered: one.unanswered,
    share: one.share,
    ...(one.perSecondMax !== undefined && { perSecondMax: one.perSecondMax }),
    ...(one.notBeforeMs !== undefined && { nextTime: writeTime(one.notBeforeMs) }),
    ...(lastFault && {
      lastFault: {
        time: writeTime(lastFault.atMs),
        operation: lastFault.operation,
        message: lastFault.message,
      },
    }),
    waiting: {
      reads: waiting.read,
      deletes: waiting.delete,
      urgent: waiting.urgent,
      changes: waiting.change,
      placements: one.waitingPlacements,
      oldest: durationFromMs(Math.max(0, Math.round(one.oldestWaitMs))),
    },
  };
}

const phases = {
  closed: wire.AdmissionPhase.CLOSED,
  open: wire.AdmissionPhase.OPEN,
  probing: wire.AdmissionPhase.PROBING,
  ramping: wire.AdmissionPhase.RAMPING,
} as const satisfies Record<ColoAdmission["phase"], wire.AdmissionPhase>;

const sources = {
  operator: wire.BrakeSource.OPERATOR,
  file: wire.BrakeSource.FILE,
  monitor: wire.BrakeSource.MONITOR,
} as const satisfies Record<BrakeSource, wire.BrakeSource>;

const operationClasses = {
  create: wire.OperationClass.CREATE,
  delete: wire.OperationClass.DELETE,
  loadBalancer: wire.OperationClass.LOAD_BALANCER,
} as const satisfies Record<OperationClass, wire.OperationClass>;

const classesByNumber: ReadonlyMap<wire.OperationClass, OperationClass> = new Map(
  Object.entries(operationClasses).map(([name, number]) => [number, name as OperationClass]),
);

/** For classes that validation has let pass; none means all. */
export function readOperations(
  operations: readonly wire.OperationClass[],
): readonly OperationClass[] {
  if (operations.length === 0) return [...classesByNumber.values()];
  return operations.map((operation) => classesByNumber.get(operation)!);
}
