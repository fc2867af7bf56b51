import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { Outcome } from "../../src/gen/muster/v1/receipt_pb.js";
import {
  LastOccurrenceSchema,
  type Schedule,
  ScheduleSchema,
} from "../../src/gen/muster/v1/schedule_pb.js";
import type { ScheduleService } from "../../src/gen/muster/v1/schedule_service_pb.js";
import { type FakeWorld, found } from "./fake-world.js";

/** Each is due on the first of January 2030, and ran on the first of January 2020. */
const next = Date.UTC(2030, 0, 1);
const before = Date.UTC(2020, 0, 1);

export function fakeSchedules(world: FakeWorld): ServiceImpl<typeof ScheduleService> {
  const get = (name: string) => found(world.schedules.get(name), "SCHEDULE_NOT_FOUND", name);
  const withTimes = (schedule: Schedule): Schedule => ({
    ...schedule,
    grace: schedule.grace ?? durationFromMs(3_600_000),
    nextTimes: [timestampFromMs(next)],
    last: create(LastOccurrenceSchema, {
      ...{ dueTime: timestampFromMs(before), time: timestampFromMs(before) },
      ...{ outcome: Outcome.APPLIED, eventId: "e1" },
    }),
  });
  return {
    createSchedule({ parent, scheduleId, schedule }) {
      const name = `${parent}/schedules/${scheduleId}`;
      const base = withTimes(schedule ?? create(ScheduleSchema));
      const stored = { ...base, name, uid: "u1", etag: "1", createTime: timestampNow() };
      world.schedules.set(name, stored);
      return { schedule: stored };
    },
    getSchedule: ({ name }) => ({ schedule: get(name) }),
    listSchedules: ({ parent }) => ({
      schedules: [...world.schedules.values()].filter((one) => one.name.startsWith(`${parent}/`)),
    }),
    updateSchedule({ schedule }) {
      const known = get(schedule?.name ?? "");
      const etag = String(Number(known.etag) + 1);
      const stored = { ...withTimes(schedule ?? known), uid: known.uid, etag };
      world.schedules.set(known.name, stored);
      return { schedule: stored };
    },
    deleteSchedule({ name }) {
      get(name);
      world.schedules.delete(name);
      return {};
    },
  };
}
