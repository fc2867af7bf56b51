import { toBinary } from "@bufbuild/protobuf";
import type { GroupId } from "../../core/model/ids.js";
import { type Group, GroupSchema } from "../../gen/muster/v1/group_pb.js";
import type { GroupService } from "../../gen/muster/v1/group_service_pb.js";
import type { Caller, CreatedGroup, GroupUseCases, GroupView } from "../../supervisor/api.js";
import { generationOf } from "../etag.js";
import { readFirstTarget, readGroupSpec } from "../from-wire/group.js";
import { readMasked } from "../from-wire/mask.js";
import { readRebuildOptions } from "../from-wire/rebuild.js";
import type { ServiceMethods } from "../guarded.js";
import type { ServerLimits } from "../limits.js";
import { accountOf, groupKeyOf } from "../names.js";
import { readProcesses } from "../processes.js";
import { writeGroup, writeGroupSpec } from "../to-wire/group.js";
import { writeGroupCheck } from "../to-wire/group-check.js";
import { writeGroupPlan } from "../to-wire/group-plan.js";
import { type Filter, readPageToken, writeNextPageToken } from "../tokens.js";
import type { RequestValidator } from "../validate.js";
import { given, readPageSize, textOf, withFieldsIn } from "./fields.js";

/** Of a group, what an update cannot set. The target moves through the ScalingService. */
const outputOnly: ReadonlySet<string> = new Set([
  "name",
  "uid",
  "etag",
  "create_time",
  "update_time",
  "launch_revision",
  "target",
  "status",
]);

export interface GroupServiceOptions {
  readonly validator: RequestValidator;
  readonly limits: Pick<ServerLimits, "pageBytesMax">;
}

export function createGroupService(
  groups: GroupUseCases,
  { validator, limits: { pageBytesMax } }: GroupServiceOptions,
): ServiceMethods<typeof GroupService> {
  async function rebuildWord(
    name: string,
    kind: "cancel" | "continue" | "rollBack",
    caller: Caller,
  ) {
    const view = await groups.rebuild({ key: groupKeyOf(name), word: { kind } }, caller);
    return { group: writeGroup(view) };
  }

  return {
    async createGroup(request, caller) {
      const group = request.group!;
      const command = {
        account: accountOf(request.parent),
        spec: readGroupSpec(group),
        validateOnly: request.validateOnly,
        allowUnverified: request.allowUnverified,
        ...given({
          group: textOf<GroupId>(request.groupId),
          target: readFirstTarget(group),
          requestId: textOf(request.requestId),
        }),
      };
      return writeCreated(await withFieldsIn("group", groups.create(command, caller)));
    },
    async getGroup(request, caller) {
      return { group: writeGroup(await groups.get(groupKeyOf(request.name), caller)) };
    },
    async listGroups(request, caller) {
      const account = accountOf(request.parent);
      const labels = Object.entries(request.labels).sort(([a], [b]) => (a < b ? -1 : 1));
      const filter: Filter = ["ListGroups", account, labels];
      const after = readPageToken(filter, request.pageToken) as GroupId | undefined;
      const pageSize = readPageSize(request.pageSize);
      const command = { account, pageSize, labels: request.labels, ...given({ after }) };
      const { items, more } = await groups.list(command, caller);
      const written = writeWithin(items, pageBytesMax);
      const last = items[written.length - 1]?.group.id;
      const hasMore = more || written.length < items.length;
      return {
        groups: written,
        nextPageToken: writeNextPageToken(filter, { last, more: hasMore }),
      };
    },
    async updateGroup(request, caller) {
      const command = {
        key: groupKeyOf(request.group!.name),
        change: readMasked({
          desc: GroupSchema,
          source: request.group!,
          mask: request.updateMask,
          path: "group.",
          write: writeGroupSpec,
          read: readGroupSpec,
          outputOnly,
          validator,
        }),
        validateOnly: request.validateOnly,
        allowUnverified: request.allowUnverified,
        ...given({ expectedGeneration: generationOf(request.group!.etag) }),
      };
      return writeCreated(await withFieldsIn("group", groups.update(command, caller)));
    },
    async deleteGroup(request, caller) {
      const { name, force, etag } = request;
      const expected = given({ expectedGeneration: generationOf(etag) });
      return groups.delete({ key: groupKeyOf(name), force, ...expected }, caller);
    },
    async pauseGroup({ name, reason, processes }, caller) {
      const named = readProcesses(processes);
      return { group: writeGroup(await groups.pause(groupKeyOf(name), reason, caller, named)) };
    },
    async resumeGroup({ name, processes }, caller) {
      const named = readProcesses(processes);
      return { group: writeGroup(await groups.resume(groupKeyOf(name), caller, named)) };
    },
    async rebuildGroup({ name, options }, caller) {
      const word = { kind: "start", options: readRebuildOptions(options) } as const;
      return { group: writeGroup(await groups.rebuild({ key: groupKeyOf(name), word }, caller)) };
    },
    cancelRebuild: ({ name }, caller) => rebuildWord(name, "cancel", caller),
    continueRebuild: ({ name }, caller) => rebuildWord(name, "continue", caller),
    rollBackRebuild: ({ name }, caller) => rebuildWord(name, "rollBack", caller),
    async acknowledgeHold({ name, reason }, caller) {
      const view = await groups.acknowledgeHold(groupKeyOf(name), reason, caller);
      return { group: writeGroup(view) };
    },
    async confirmLedger({ name, reason }, caller) {
      const view = await groups.confirmLedger({ key: groupKeyOf(name), reason }, caller);
      return { group: writeGroup(view) };
    },
    async planGroup({ name, target }, caller) {
      const request = { key: groupKeyOf(name), ...given({ target }) };
      return writeGroupPlan(await groups.plan(request, caller));
    },
    async checkGroup({ name, group }, caller) {
      const request = { key: groupKeyOf(name), ...(group && { spec: readGroupSpec(group) }) };
      return writeGroupCheck(await groups.check(request, caller));
    },
    async convergeGroup({ name }, caller) {
      await groups.converge(groupKeyOf(name), caller);
      return {};
    },
  };
}

/** As many groups as fit; always one, so that pages go on. Launch data make groups large. */
function writeWithin(items: readonly GroupView[], bytesMax: number): Group[] {
  const written: Group[] = [];
  let bytes = 0;
  for (const item of items) {
    const group = writeGroup(item);
    bytes += toBinary(GroupSchema, group).length;
    if (bytes > bytesMax && written.length > 0) break;
    written.push(group);
  }
  return written;
}

function writeCreated({ view, warnings }: CreatedGroup): { group: Group; warnings: string[] } {
  return { group: writeGroup(view), warnings: [...warnings] };
}
