import { create } from "@bufbuild/protobuf";
import type { Difference } from "../../core/model/difference.js";
import * as wire from "../../gen/muster/v1/colo_service_pb.js";
import type { AuditBatch } from "../../supervisor/api.js";
import { accountName } from "../names.js";
import { writeCause } from "./cause.js";
import { writeTime } from "./time.js";

export function writeAuditBatch({ differences, counts }: AuditBatch): wire.AuditColoResponse {
  return create(wire.AuditColoResponseSchema, {
    differences: differences.map(writeDifference),
    ...(counts && { summary: counts }),
  });
}

function writeDifference(one: Difference) {
  const { account, group, cause, stoppedBy, sinceMs, untilMs, ...rest } = one;
  return {
    ...rest,
    account: accountName(account),
    group: group ?? "",
    cause: writeCause(cause),
    ...(untilMs !== undefined && { untilTime: writeTime(untilMs) }),
    ...(stoppedBy && { stoppedBy: writeCause(stoppedBy) }),
    ...(sinceMs !== undefined && { sinceTime: writeTime(sinceMs) }),
  };
}
