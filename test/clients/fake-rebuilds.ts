import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import type { Group } from "../../src/gen/muster/v1/group_pb.js";
import type { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import {
  type RebuildOptions,
  RebuildOptionsSchema,
  RebuildPhase,
  RebuildSchema,
} from "../../src/gen/muster/v1/rebuild_pb.js";
import { refusal } from "./fake-world.js";

type Rebuilds = "rebuildGroup" | "cancelRebuild" | "continueRebuild" | "rollBackRebuild";

/** Rebuilds that end as soon as somebody says continue. */
export function fakeRebuilds(
  get: (name: string) => Group,
): Pick<ServiceImpl<typeof GroupService>, Rebuilds> {
  return {
    rebuildGroup({ name, options = create(RebuildOptionsSchema) }) {
      return { group: rebuilt(get(name), RebuildPhase.ROLLING, options) };
    },
    cancelRebuild({ name }) {
      return { group: rebuilt(get(name), RebuildPhase.CANCELLED) };
    },
    continueRebuild({ name }) {
      return { group: rebuilt(get(name), RebuildPhase.COMPLETED) };
    },
    rollBackRebuild({ name }) {
      const group = get(name);
      const [status] = group.status?.placements ?? [];
      if (!status?.rebuild)
        throw refusal(Code.FailedPrecondition, "NO_WAY_BACK", "there is nothing to take back");
      return { group: rebuilt(group, RebuildPhase.ROLLED_BACK) };
    },
  };
}

/** The group with a rebuild in that phase; the fake's servers are as they were. */
function rebuilt(group: Group, phase: RebuildPhase, options?: RebuildOptions): Group {
  const [status] = group.status?.placements ?? [];
  if (!status) return group;
  const before = status.rebuild;
  const cause = { rule: "B8.5", code: "REBUILD_BATCH", message: "Servers are replaced." };
  status.rebuild = create(RebuildSchema, {
    ...{ id: "r1", phase, sinceTime: timestampNow(), principal: "test", percent: 40, batch: 2 },
    launchRevision: group.launchRevision,
    causes: phase === RebuildPhase.ROLLING ? [cause] : [],
    ...((options ?? before?.options) && { options: options ?? before!.options! }),
  });
  return group;
}
