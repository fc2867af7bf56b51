import { create } from "@bufbuild/protobuf";
import type { CheckSeverity, GroupCheck, PlacementCheck } from "../../core/model/group-check.js";
import * as wire from "../../gen/muster/v1/group_service_pb.js";
import { writeCause } from "./cause.js";

export function writeGroupCheck({ placements }: GroupCheck): wire.CheckGroupResponse {
  return create(wire.CheckGroupResponseSchema, { placements: placements.map(writePlacement) });
}

function writePlacement(check: PlacementCheck): wire.PlacementCheck {
  const { colo, servers, serversMax, room, findings } = check;
  return create(wire.PlacementCheckSchema, {
    ...{ colo, servers, serversMax },
    ...(room && { room: room.servers, roomBy: room.by.resource }),
    findings: findings.map(({ field, severity, cause, fix }) => ({
      ...{ field, severity: severities[severity], cause: writeCause(cause), fix },
    })),
  });
}

const severities: Readonly<Record<CheckSeverity, wire.CheckSeverity>> = {
  problem: wire.CheckSeverity.PROBLEM,
  warning: wire.CheckSeverity.WARNING,
  unknown: wire.CheckSeverity.UNKNOWN,
};
