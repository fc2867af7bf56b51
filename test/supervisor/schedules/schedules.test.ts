import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../../src/core/errors/fault.js";
import {
  assertGapFree,
  assertKept,
  converges,
  createGroup,
  createPolicy,
  groupSpec,
  policySpec,
  runPolicy,
  setTarget,
  targetOf,
  upId,
  web,
} from "../asks.js";
import { createWorld } from "../world.js";
import {
  advanceTo,
  at,
  createSchedule,
  cron,
  deleteSchedule,
  editSchedule,
  hourMs,
  minuteMs,
  runsOf,
  scheduleOf,
  startMs,
} from "./asks.js";

test("M1.3 B7.1 at its instant, once, a schedule sets the target, and says so", async () => {
  const world = await createWorld();
  await createGroup(world);
  const dueAtMs = world.clock.nowMs() + minuteMs;
  const made = await createSchedule(world, {
    timing: at(dueAtMs),
    action: { kind: "target", target: 3 },
  });
  assert.deepEqual(made.nextAtMs, [dueAtMs]);
  await advanceTo(world, dueAtMs - 1);
  assert.equal(await targetOf(world), 0);
  await advanceTo(world, dueAtMs + 200);
  assert.equal(await targetOf(world), 3);
  await converges(world, 3);
  const [run, ...more] = await runsOf(world);
  assert.deepEqual(more, []);
  assert.equal(run?.facts["schedule"], "morning");
  assert.equal(run?.facts["dueAtMs"], dueAtMs);
  assert.ok(Number(run?.facts["lateMs"]) <= 200, `${run?.facts["lateMs"]} ms late`);
  const { last, nextAtMs } = await scheduleOf(world);
  assert.deepEqual([last?.outcome, last?.dueAtMs, last?.event], ["applied", dueAtMs, run?.id]);
  assert.deepEqual(nextAtMs, []);
  await assertKept(world);
});

test("M1.3 B7.1 cron runs again and again", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createSchedule(world);
  await advanceTo(world, startMs + 17 * minuteMs);
  assert.equal(await targetOf(world), 3);
  const due = (await runsOf(world)).map(({ facts }) => Number(facts["dueAtMs"]) - startMs);
  assert.deepEqual(due, [5 * minuteMs, 10 * minuteMs, 15 * minuteMs]);
  assertGapFree(await world.events());
});

test("B7.1 a schedule executes a policy; one whose policy is gone is refused, and says so", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world);
  await createSchedule(world, { action: { kind: "policy", policy: upId } });
  await world.clock.advance(6 * minuteMs);
  assert.equal(await targetOf(world), 2);
  await world.run(world.node().policies.delete({ key: web, policy: upId }, world.caller));
  await world.clock.advance(5 * minuteMs);
  assert.equal((await scheduleOf(world)).last?.outcome, "refused");
  assert.equal((await runsOf(world)).at(-1)?.causes?.[0]?.code, "POLICY_GONE");
});

test("B2.5 no cooldown refuses a schedule, but it starts them", async () => {
  const world = await createWorld();
  await createGroup(world, groupSpec({ cooldownMs: hourMs }));
  await createPolicy(world, policySpec({ cooldownMs: hourMs }));
  await createSchedule(world);
  await world.clock.advance(4 * minuteMs);
  assert.equal((await runPolicy(world)).outcome, "applied");
  await world.clock.advance(2 * minuteMs);
  assert.equal(await targetOf(world), 3);
  await world.clock.advance(58 * minuteMs);
  assert.equal((await runPolicy(world)).causes[0]?.code, "COOLDOWN_GROUP");
});

test("B8.3 a paused group's occurrences are refused, not kept for later", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createSchedule(world);
  await world.run(world.node().groups.pause(web, "maintenance", world.caller));
  await world.clock.advance(6 * minuteMs);
  assert.equal((await scheduleOf(world)).last?.outcome, "refused");
  await world.run(world.node().groups.resume(web, world.caller));
  await world.clock.advance(5 * minuteMs);
  assert.equal(await targetOf(world), 1);
});

test("B7.2 after downtime the newest of the missed ones runs, once", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createSchedule(world);
  await world.sleep(3 * hourMs + 2 * minuteMs);
  await world.clock.advance(minuteMs);
  const runs = await runsOf(world);
  assert.equal(runs.length, 1);
  const { dueAtMs, missedSinceAtMs, lateMs } = runs[0]!.facts;
  assert.deepEqual([dueAtMs, missedSinceAtMs], [startMs + 3 * hourMs, startMs + 5 * minuteMs]);
  assert.ok(Number(lateMs) >= 2 * minuteMs);
  assert.equal(await targetOf(world), 1);
});

test("B7.2 what was missed for longer than its grace is not run; a word of it stays", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createSchedule(world, { timing: cron("0 * * * *"), graceMs: 10 * minuteMs });
  const once = at(startMs + minuteMs);
  await createSchedule(world, { timing: once, graceMs: 10 * minuteMs }, "once");
  await world.sleep(2 * hourMs + 30 * minuteMs);
  await world.clock.advance(minuteMs);
  assert.deepEqual(await runsOf(world), []);
  const missed = (await world.events()).filter(({ type }) => type === "schedule.missed");
  assert.deepEqual(missed.map(({ facts }) => facts["schedule"]).toSorted(), ["morning", "once"]);
  assert.equal((await scheduleOf(world)).last?.outcome, "missed");
  assert.equal((await scheduleOf(world, "once" as never)).last?.outcome, "missed");
  await advanceTo(world, startMs + 3 * hourMs + minuteMs);
  assert.equal((await runsOf(world)).length, 1);
  assert.equal(await targetOf(world), 1);
});

test("B7.2 schedules that were missed together run in the order they were due in", async () => {
  const world = await createWorld();
  await createGroup(world);
  const set = (target: number) => ({ kind: "target", target }) as const;
  await createSchedule(world, { timing: at(startMs + 9 * minuteMs), action: set(2) }, "a");
  await createSchedule(world, { timing: at(startMs + 8 * minuteMs), action: set(7) }, "b");
  await world.sleep(20 * minuteMs);
  await world.clock.advance(minuteMs);
  assert.deepEqual(
    (await runsOf(world)).map(({ facts }) => facts["schedule"]),
    ["b", "a"],
  );
  assert.equal(await targetOf(world), 2);
});

test("B7.2 a schedule runs as it was edited last; a deleted one does not run", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createSchedule(world);
  await createSchedule(world, {}, "gone");
  const second = await world.join("node-2");
  await advanceTo(world, startMs + 5 * minuteMs - 1_000);
  const edit = (spec: object) => ({ ...spec, action: { kind: "change", change: 4 } }) as never;
  const { schedules } = second.supervisor;
  const named = { key: web, schedule: "morning" as never };
  await world.run(schedules.update({ ...named, change: edit }, world.caller));
  await world.run(schedules.delete({ ...named, schedule: "gone" as never }, world.caller));
  await advanceTo(world, startMs + 6 * minuteMs);
  assert.equal(await targetOf(world), 4);
});

test("B7.2 no edit but that of its timing loses an occurrence that is due right then", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createSchedule(world);
  await advanceTo(world, startMs + 5 * minuteMs - 3);
  await editSchedule(world, { displayName: "another name" });
  await advanceTo(world, startMs + 6 * minuteMs);
  assert.equal(await targetOf(world), 1);
  await editSchedule(world, { timing: cron("0 1 * * *") });
  await advanceTo(world, startMs + 16 * minuteMs);
  assert.equal(await targetOf(world), 1);
});

test("B7.2 whichever node makes it, the one at work runs it in time", async () => {
  const world = await createWorld();
  await createGroup(world);
  const second = await world.join("node-2");
  const spec = { displayName: "soon", graceMs: hourMs, timing: at(world.clock.nowMs() + 4_000) };
  const request = { ...spec, action: { kind: "target", target: 2 } } as const;
  await world.run(second.supervisor.schedules.create({ key: web, spec: request }, world.caller));
  await world.clock.advance(4_200);
  const [run] = await runsOf(world);
  assert.ok(Number(run?.facts["lateMs"]) <= 200);
});

test("B7.2 lateness is measured, by what became of it", async () => {
  const told: [string, Readonly<Record<string, string>>, number][] = [];
  const note = ({ name }: { readonly name: string }) => ({
    add: (labels: Readonly<Record<string, string>>, by = 1) => void told.push([name, labels, by]),
    observe: (labels: Readonly<Record<string, string>>, value: number) =>
      void told.push([name, labels, value]),
  });
  const world = await createWorld({
    node: { meter: { counter: note, histogram: note, gauge() {} } },
  });
  await createGroup(world);
  await createSchedule(world);
  await world.sleep(7 * minuteMs);
  await world.clock.advance(1_000);
  const of = (name: string) => told.filter(([one]) => one === name);
  assert.deepEqual(of("muster_schedule_runs_total"), [
    ["muster_schedule_runs_total", { colo: "iad", outcome: "applied" }, 1],
  ]);
  const [lateness] = of("muster_schedule_lateness_seconds");
  assert.ok(lateness![2] >= 120 && lateness![2] < 122, `${lateness![2]} s`);
});

test("B7.1 B1.1 what cannot be a schedule is refused, and nothing of it is kept", async () => {
  const world = await createWorld();
  await createGroup(world);
  const invalid = (field: string) => (error: unknown) =>
    isFault(error, "FIELD_INVALID") && error.violations[0]?.field === field;
  const nowMs = world.clock.nowMs();
  await assert.rejects(createSchedule(world, { timing: at(nowMs - 1) }), invalid("at"));
  await assert.rejects(
    createSchedule(world, { timing: cron("0 8 30 2 *") }),
    invalid("cron.expression"),
  );
  await assert.rejects(
    createSchedule(world, { timing: cron("0 8 * * *", "Mars/Olympus") }),
    invalid("cron.time_zone"),
  );
  const unknown = { kind: "policy", policy: upId } as const;
  await assert.rejects(createSchedule(world, { action: unknown }), invalid("policy"));
  for (let nth = 0; nth < 100; nth++) await createSchedule(world, {}, `s${nth}`);
  await assert.rejects(createSchedule(world), (error) => isFault(error, "LIMIT_EXCEEDED"));
  const page = { key: web, pageSize: 1_000 };
  const { items } = await world.run(world.node().schedules.list(page, world.caller));
  assert.equal(items.length, 100);
});

test("B8.4 with a group its schedules go; one that is made anew has none of them", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createSchedule(world);
  await setTarget(world, 1);
  await converges(world, 1);
  const request = { key: web, force: true };
  await world.run(world.node().groups.delete(request, world.caller));
  await world.until("it is gone", async () => {
    const gone = world.node().groups.get(web, world.caller);
    return gone.then(
      () => false,
      () => true,
    );
  });
  await createGroup(world);
  await world.clock.advance(11 * minuteMs);
  assert.equal(await targetOf(world), 0);
  const page = { key: web, pageSize: 10 };
  assert.deepEqual((await world.run(world.node().schedules.list(page, world.caller))).items, []);
  await assert.rejects(deleteSchedule(world), (error) => isFault(error, "SCHEDULE_NOT_FOUND"));
});
