import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ScheduleSchema } from "../../src/gen/muster/v1/schedule_pb.js";
import { ScheduleService } from "../../src/gen/muster/v1/schedule_service_pb.js";
import { type Door, failureOf } from "./doors.js";
import { admin, createInProcessDoor, createWeb, createWorld, tokens, WEB } from "./world.js";

type ScheduleInit = MessageInitShape<typeof ScheduleSchema>;

const { createSchedule, getSchedule, listSchedules, updateSchedule, deleteSchedule } =
  ScheduleService.method;
const name = `${WEB}/schedules/morning`;

const valid = (more: ScheduleInit = {}): ScheduleInit => ({
  displayName: "Before work",
  timing: { case: "cron", value: { expression: "30 7 * * MON-FRI", timeZone: "Europe/Berlin" } },
  action: { case: "target", value: 5 },
  ...more,
});

const create = (door: Door, schedule: ScheduleInit, scheduleId = "morning") =>
  door.unary(createSchedule, { parent: WEB, scheduleId, schedule }, admin);

test("B7.1 schedules, through every door", async (t) => {
  for (const at of [0, 1, 2, 3]) {
    const world = await createWorld(t);
    const door = [...world.doors, createInProcessDoor(world.supervisor)][at]!;
    await t.test(door.name, () => roundTrip(door));
  }
});

async function roundTrip(door: Door): Promise<void> {
  await createWeb(door);
  const made = (await create(door, valid())).schedule!;
  assert.equal(made.name, name);
  assert.deepEqual(made.grace, durationFromMs(3_600_000));
  assert.equal(made.nextTimes.length, 1);
  assert.deepEqual([made.last?.missed, made.last?.outcome], [true, 0]);
  assert.ok(timestampMs(made.last!.dueTime!) < timestampMs(made.last!.time!));
  assert.deepEqual((await door.unary(getSchedule, { name }, admin)).schedule, made);

  const window = { case: "window" as const, value: { floor: 4, duration: durationFromMs(60_000) } };
  const request = { schedule: { name, action: window }, updateMask: { paths: ["window"] } };
  const updated = (await door.unary(updateSchedule, request, admin)).schedule!;
  assert.equal(updated.action.case, "window");
  assert.ok(updated.action.case === "window");
  assert.deepEqual([updated.action.value.floor, updated.action.value.min], [4, undefined]);
  assert.equal(updated.timing.case, "cron");
  const at = { case: "at" as const, value: timestampFromMs(1_900_000_000_000) };
  const once = { schedule: { name, timing: at }, updateMask: { paths: ["at"] } };
  assert.equal((await door.unary(updateSchedule, once, admin)).schedule!.timing.case, "at");
  const stale = { schedule: { ...valid(), name, etag: made.etag } };
  const conflict = await failureOf(door.unary(updateSchedule, stale, admin));
  assert.equal(conflict.reason, "ETAG_MISMATCH");

  const policy = { case: "policy" as const, value: `${WEB}/policies/up` };
  const plain = { case: "cron" as const, value: { expression: "0 0 * * *" } };
  const second = await create(door, valid({ action: policy, timing: plain }), "night");
  assert.deepEqual(second.schedule!.action, policy);
  assert.ok(second.schedule!.timing.case === "cron");
  assert.equal(second.schedule!.timing.value.timeZone, "UTC");
  const first = await door.unary(listSchedules, { parent: WEB, pageSize: 1 }, admin);
  assert.deepEqual(
    first.schedules.map((one) => one.name),
    [name],
  );
  const pageToken = first.nextPageToken;
  const rest = await door.unary(listSchedules, { parent: WEB, pageToken }, admin);
  assert.deepEqual(
    rest.schedules.map((one) => one.name),
    [`${WEB}/schedules/night`],
  );

  await door.unary(deleteSchedule, { name }, admin);
  const missing = await failureOf(door.unary(getSchedule, { name }, admin));
  assert.equal(missing.reason, "SCHEDULE_NOT_FOUND");
}

describe("B7.1 B1.2 what is no schedule is INVALID_ARGUMENT that names every field", () => {
  const cron = (expression: string, timeZone = "UTC") =>
    valid({ timing: { case: "cron", value: { expression, timeZone } } });
  const window = (value: object) => valid({ action: { case: "window", value } });
  const duration = durationFromMs(60_000);
  const target = (value: number) => valid({ action: { case: "target", value } });
  const other = "accounts/acme/groups/other/policies/up";
  const bad: readonly (readonly [ScheduleInit, ...string[]])[] = [
    [valid({ displayName: " " }), "schedule.display_name"],
    [valid({ timing: { case: undefined } }), "schedule.timing"],
    [valid({ action: { case: undefined } }), "schedule.action"],
    [cron("* * * *"), "schedule.cron.expression"],
    [cron("@daily"), "schedule.cron.expression"],
    [cron("0 0 0 * * *"), "schedule.cron.expression"],
    [cron("0 0 ? * *"), "schedule.cron.expression"],
    [cron("0 0 * * *", "+02:00"), "schedule.cron.time_zone"],
    [target(-1), "schedule.target"],
    [valid({ action: { case: "change", value: 0 } }), "schedule.change"],
    [valid({ action: { case: "policy", value: "up" } }), "schedule.policy"],
    [valid({ action: { case: "policy", value: other } }), "schedule.policy"],
    [window({ floor: 1 }), "schedule.window.duration"],
    [window({ floor: 1, duration: durationFromMs(1_000) }), "schedule.window.duration"],
    [window({ duration }), "schedule.window"],
    [window({ duration, min: 3, max: 2 }), "schedule.window"],
    [valid({ grace: durationFromMs(86_401_000) }), "schedule.grace"],
  ];
  for (const [schedule, ...fields] of bad)
    test(`${fields.join(" ")}: ${JSON.stringify(schedule.timing ?? schedule.action)}`, async (t) => {
      const { grpc } = await createWorld(t);
      await createWeb(grpc);
      const failure = await failureOf(create(grpc, schedule));
      assert.equal(failure.code, 3);
      assert.deepEqual(failure.fields, fields);
    });
});

test("B10.1 who may edit the group may edit its schedules, and no others", async (t) => {
  const { grpc } = await createWorld(t);
  await createWeb(grpc);
  const request = { parent: WEB, scheduleId: "morning", schedule: valid() };
  const token = { token: tokens.operator };
  const denied = await failureOf(grpc.unary(createSchedule, request, token));
  assert.equal(denied.reason, "PERMISSION_MISSING");
  await grpc.unary(createSchedule, request, admin);
  assert.equal((await grpc.unary(getSchedule, { name }, token)).schedule!.name, name);
});
