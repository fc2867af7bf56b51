import { create } from "@bufbuild/protobuf";
import type { GroupPlan, PlacementPlan } from "../../core/model/group-plan.js";
import * as wire from "../../gen/muster/v1/group_service_pb.js";
import { writeCause } from "./cause.js";
import { writeReceipt } from "./receipt.js";
import { writeTime } from "./time.js";

export function writeGroupPlan({ placements, receipt }: GroupPlan): wire.PlanGroupResponse {
  return create(wire.PlanGroupResponseSchema, {
    placements: placements.map(writePlacement),
    ...(receipt && { receipt: { ...writeReceipt(receipt), eventId: "" } }),
  });
}

function writePlacement(plan: PlacementPlan): wire.PlacementPlan {
  const { colo, target, inService, pending, leaving, nextLookAtMs } = plan;
  return create(wire.PlacementPlanSchema, {
    ...{ colo, target, inService, pending, leaving },
    actions: plan.actions.map(({ causes, ...action }) => ({
      ...action,
      causes: causes.map(writeCause),
    })),
    waits: plan.waits.map(({ condition, cause, sinceMs, untilMs }) => ({
      condition,
      cause: writeCause(cause),
      sinceTime: writeTime(sinceMs),
      ...(untilMs !== undefined && { untilTime: writeTime(untilMs) }),
    })),
    stopped: plan.stopped.map(({ operation, cause }) => ({ operation, cause: writeCause(cause) })),
    ...(nextLookAtMs !== undefined && { nextLookTime: writeTime(nextLookAtMs) }),
  });
}
