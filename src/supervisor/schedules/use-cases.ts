import type { GroupKey, ScheduleId } from "../../core/model/ids.js";
import type { Schedule, ScheduleMark } from "../../core/model/schedule.js";
import type { Caller } from "../caller.js";

export interface ScheduleUseCases {
  /** It is due for the first time after it was made. @throws Fault `SCHEDULE_EXISTS` */
  create(
    request: {
      readonly key: GroupKey;
      readonly schedule?: ScheduleId;
      readonly spec: ScheduleSpec;
    },
    caller: Caller,
  ): Promise<ScheduleView>;
  /** @throws Fault `SCHEDULE_NOT_FOUND` */
  get(key: GroupKey, schedule: ScheduleId, caller: Caller): Promise<ScheduleView>;
  list(
    request: { readonly key: GroupKey; readonly pageSize: number; readonly after?: ScheduleId },
    caller: Caller,
  ): Promise<{ readonly items: readonly ScheduleView[]; readonly more: boolean }>;
  /** With another timing, what was due by the old one and has not run yet does not run any more. */
  update(
    request: {
      readonly key: GroupKey;
      readonly schedule: ScheduleId;
      readonly change: (spec: ScheduleSpec) => ScheduleSpec;
      readonly expectedGeneration?: number;
    },
    caller: Caller,
  ): Promise<ScheduleView>;
  /** When it returns, nothing of it runs any more; a window that was open closes. */
  delete(
    request: {
      readonly key: GroupKey;
      readonly schedule: ScheduleId;
      readonly expectedGeneration?: number;
    },
    caller: Caller,
  ): Promise<void>;
}

/** What a user gives of a schedule; the rest is the service's own. */
export type ScheduleSpec = Pick<Schedule, "displayName" | "timing" | "action" | "graceMs">;

export interface ScheduleView {
  readonly schedule: Schedule;
  /** The next few times at which it is due, or its window opens. */
  readonly nextAtMs: readonly number[];
  /** The occurrence that was dealt with last. Windows have none. */
  readonly last?: ScheduleMark;
}
