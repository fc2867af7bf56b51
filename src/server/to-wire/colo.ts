import { create } from "@bufbuild/protobuf";
import type { OperationClass } from "../../core/model/colo.js";
import * as wire from "../../gen/muster/v1/colo_service_pb.js";
import type { ColoView } from "../../supervisor/api.js";
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
      ...(brake.expiresAtMs !== undefined && { expireTime: writeTime(brake.expiresAtMs) }),
    })),
    stepsRunning: view.stepsRunning,
    stepsWaiting: view.stepsWaiting,
    placements: view.placements,
  });
}

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
