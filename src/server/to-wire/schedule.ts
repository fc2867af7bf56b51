import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { GroupKey } from "../../core/model/ids.js";
import type { ScheduleAction, ScheduleMark, Timing } from "../../core/model/schedule.js";
import * as wire from "../../gen/muster/v1/schedule_pb.js";
import type { ScheduleSpec, ScheduleView } from "../../supervisor/schedules/use-cases.js";
import { etagOf } from "../etag.js";
import { policyName, scheduleName } from "../names.js";
import { outcomes } from "./receipt.js";
import { writeDuration, writeTime } from "./time.js";

type Init = MessageInitShape<typeof wire.ScheduleSchema>;

export function writeSchedule(key: GroupKey, { schedule, nextAtMs, last }: ScheduleView) {
  return create(wire.ScheduleSchema, {
    ...specFields(key, schedule),
    name: scheduleName(key, schedule.id),
    uid: schedule.uid,
    etag: etagOf(schedule.generation),
    createTime: writeTime(schedule.createdAtMs),
    updateTime: writeTime(schedule.updatedAtMs),
    nextTimes: nextAtMs.map((atMs) => writeTime(atMs)),
    ...(last && { last: writeLast(last) }),
  });
}

/** What users may set, for an update to merge into. */
export function writeScheduleSpec(key: GroupKey, spec: ScheduleSpec): wire.Schedule {
  return create(wire.ScheduleSchema, specFields(key, spec));
}

function specFields(key: GroupKey, { displayName, timing, action, graceMs }: ScheduleSpec): Init {
  return {
    displayName,
    timing: writeTiming(timing),
    action: writeAction(key, action),
    grace: writeDuration(graceMs),
  };
}

function writeTiming(timing: Timing): NonNullable<Init["timing"]> {
  if (timing.kind === "at") return { case: "at", value: writeTime(timing.atMs) };
  return { case: "cron", value: { expression: timing.cron, timeZone: timing.timeZone } };
}

function writeAction(key: GroupKey, action: ScheduleAction): NonNullable<Init["action"]> {
  switch (action.kind) {
    case "target":
      return { case: "target", value: action.target };
    case "change":
      return { case: "change", value: action.change };
    case "policy":
      return { case: "policy", value: policyName(key, action.policy) };
    case "window": {
      const duration = writeDuration(action.durationMs);
      return { case: "window", value: { duration, ...action.limits } };
    }
    default:
      return action satisfies never;
  }
}

function writeLast({ dueAtMs, doneAtMs, outcome, event }: ScheduleMark): wire.LastOccurrence {
  return create(wire.LastOccurrenceSchema, {
    dueTime: writeTime(dueAtMs),
    time: writeTime(doneAtMs),
    ...(outcome === "missed" ? { missed: true } : { outcome: outcomes[outcome] }),
    eventId: event,
  });
}
