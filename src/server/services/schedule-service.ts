import type { ScheduleId } from "../../core/model/ids.js";
import { ScheduleSchema } from "../../gen/muster/v1/schedule_pb.js";
import type { ScheduleService } from "../../gen/muster/v1/schedule_service_pb.js";
import type { Supervisor } from "../../supervisor/api.js";
import type { ScheduleSpec } from "../../supervisor/schedules/use-cases.js";
import { generationOf } from "../etag.js";
import { readMasked } from "../from-wire/mask.js";
import { readScheduleSpec } from "../from-wire/schedule.js";
import type { ServiceMethods } from "../guarded.js";
import { groupKeyOf, scheduleOf } from "../names.js";
import { writeSchedule, writeScheduleSpec } from "../to-wire/schedule.js";
import { type Filter, readPageToken, writeNextPageToken } from "../tokens.js";
import type { RequestValidator } from "../validate.js";
import { given, readPageSize, textOf, withFieldsIn } from "./fields.js";

/** Of a schedule, what an update cannot set. */
const outputOnly: ReadonlySet<string> = new Set([
  ...["name", "uid", "etag", "create_time", "update_time"],
  ...["next_times", "last"],
]);

export function createScheduleService(
  { schedules }: Pick<Supervisor, "schedules">,
  validator: RequestValidator,
): ServiceMethods<typeof ScheduleService> {
  return {
    async createSchedule(request, caller) {
      const key = groupKeyOf(request.parent);
      const id = given({ schedule: textOf<ScheduleId>(request.scheduleId) });
      const command = { key, spec: readScheduleSpec(key, request.schedule!), ...id };
      const made = await withFieldsIn("schedule", schedules.create(command, caller));
      return { schedule: writeSchedule(key, made) };
    },
    async getSchedule({ name }, caller) {
      const { key, schedule } = scheduleOf(name);
      return { schedule: writeSchedule(key, await schedules.get(key, schedule, caller)) };
    },
    async listSchedules({ parent, pageSize, pageToken }, caller) {
      const key = groupKeyOf(parent);
      const filter: Filter = ["ListSchedules", parent];
      const after = readPageToken(filter, pageToken) as ScheduleId | undefined;
      const command = { key, pageSize: readPageSize(pageSize), ...given({ after }) };
      const { items, more } = await schedules.list(command, caller);
      const last = items.at(-1)?.schedule.id;
      return {
        schedules: items.map((one) => writeSchedule(key, one)),
        nextPageToken: writeNextPageToken(filter, { last, more }),
      };
    },
    async updateSchedule(request, caller) {
      const { key, schedule } = scheduleOf(request.schedule!.name);
      const change = readMasked({
        desc: ScheduleSchema,
        source: request.schedule!,
        mask: request.updateMask,
        path: "schedule.",
        write: (spec: ScheduleSpec) => writeScheduleSpec(key, spec),
        read: (merged) => readScheduleSpec(key, merged),
        outputOnly,
        validator,
      });
      const expected = given({ expectedGeneration: generationOf(request.schedule!.etag) });
      const update = schedules.update({ key, schedule, change, ...expected }, caller);
      return { schedule: writeSchedule(key, await withFieldsIn("schedule", update)) };
    },
    async deleteSchedule({ name, etag }, caller) {
      const expected = given({ expectedGeneration: generationOf(etag) });
      await schedules.delete({ ...scheduleOf(name), ...expected }, caller);
      return {};
    },
  };
}
