import { invalidFields } from "../../core/errors/fault.js";
import type { GroupKey } from "../../core/model/ids.js";
import type { ScheduleAction, Timing, WindowSpec } from "../../core/model/schedule.js";
import type * as wire from "../../gen/muster/v1/schedule_pb.js";
import type { ScheduleSpec } from "../../supervisor/schedules/use-cases.js";
import { groupName, policyOf } from "../names.js";
import { readDuration, readTime } from "./time.js";

/** What B7.2 gives a schedule that does not say otherwise. */
const graceMsDefault = 3_600_000;

/**
 * A schedule's settable fields, with defaults. For messages that protovalidate has let pass.
 * @throws Fault `FIELD_INVALID` with paths in `schedule.`
 */
export function readScheduleSpec(key: GroupKey, schedule: wire.Schedule): ScheduleSpec {
  return {
    displayName: schedule.displayName,
    timing: readTiming(schedule.timing),
    action: readAction(key, schedule.action),
    graceMs: readDuration(schedule.grace, graceMsDefault),
  };
}

function readTiming(timing: wire.Schedule["timing"]): Timing {
  switch (timing.case) {
    case "at":
      return { kind: "at", atMs: readTime(timing.value)! };
    case "cron": {
      const { expression, timeZone } = timing.value;
      return { kind: "cron", cron: expression, timeZone: timeZone === "" ? "UTC" : timeZone };
    }
    case undefined:
      throw missing("timing");
    default:
      return timing satisfies never;
  }
}

function readAction(key: GroupKey, action: wire.Schedule["action"]): ScheduleAction {
  switch (action.case) {
    case "target":
      return { kind: "target", target: action.value };
    case "change":
      return { kind: "change", change: action.value };
    case "policy": {
      const { key: of, policy } = policyOf(action.value);
      if (groupName(of) === groupName(key)) return { kind: "policy", policy };
      const description = "must be a policy of the schedule's own group";
      throw invalidFields([{ field: "schedule.policy", description }]);
    }
    case "window": {
      const limits = readWindow(action.value);
      return { kind: "window", limits, durationMs: readDuration(action.value.duration, 0) };
    }
    case undefined:
      throw missing("action");
    default:
      return action satisfies never;
  }
}

function readWindow({ min, max, floor }: wire.Window): WindowSpec {
  return {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(floor === undefined ? {} : { floor }),
  };
}

function missing(member: "timing" | "action") {
  const description = "exactly one is required";
  return invalidFields([{ field: `schedule.${member}`, description }]);
}
