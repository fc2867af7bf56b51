import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import {
  type Group,
  PauseSchema,
  type Process,
  ProcessPauseSchema,
} from "../../src/gen/muster/v1/group_pb.js";

/** Without processes the group as a whole. */
export function pauseIn(
  group: Group,
  { reason, processes }: { readonly reason: string; readonly processes: readonly Process[] },
): void {
  const placement = group.status?.placements[0];
  if (placement === undefined) return;
  const told = { sinceTime: timestampNow(), reason, principal: "test" };
  if (processes.length === 0) placement.pause = create(PauseSchema, told);
  const fresh = processes.map((process) => create(ProcessPauseSchema, { ...told, process }));
  placement.processPauses = [...placement.processPauses, ...fresh];
}

export function resumeIn(
  group: Group,
  { processes }: { readonly processes: readonly Process[] },
): void {
  const placement = group.status?.placements[0];
  if (placement === undefined) return;
  const isAll = processes.length === 0;
  if (isAll) delete placement.pause;
  const left = placement.processPauses.filter((one) => !processes.includes(one.process));
  placement.processPauses = isAll ? [] : left;
}
