import assert from "node:assert/strict";
import { test } from "node:test";
import type { Group } from "../../../src/core/model/group.js";
import type { ScheduleId } from "../../../src/core/model/ids.js";
import type { Schedule, ScheduleMark } from "../../../src/core/model/schedule.js";
import type { Context } from "../../../src/supervisor/context.js";
import type { GroupEntry } from "../../../src/supervisor/group-book.js";
import type { PlacementActor } from "../../../src/supervisor/placements/placement-actor.js";
import {
  type PlacementChange,
  type PlacementState,
  stateOf,
} from "../../../src/supervisor/placements/placement-state.js";
import { createRunSchedules } from "../../../src/supervisor/schedules/run-schedules.js";
import { web } from "../asks.js";
import { at, scheduleId, scheduleSpec, startMs } from "./asks.js";

const key = { ...web, colo: "iad" } as PlacementActor["key"];

function mark(uid: string): ScheduleMark {
  const done = { doneAtMs: startMs, outcome: "applied", event: "e1" } as const;
  const due = { dueAtMs: startMs, untilMs: startMs };
  return { schedule: scheduleId, uid, timedAtMs: 0, ...due, ...done } as ScheduleMark;
}

/** A placement with what was done of one schedule, and a store with that configuration of it. */
function setUp(of: { readonly stored: readonly ScheduleId[]; readonly uidLater?: string }) {
  const state: PlacementState = {
    ...stateOf(key, { revision: 1, lastSequence: 0, rows: [] }),
    doc: {} as NonNullable<PlacementState["doc"]>,
    schedules: new Map([[scheduleId, mark("u1")]]),
  };
  const later = { ...state, schedules: new Map([[scheduleId, mark(of.uidLater ?? "u1")]]) };
  const changes: PlacementChange[] = [];
  const actor = {
    key,
    state: async () => state,
    async change(decide) {
      const { change, reply } = decide(later, new Map());
      changes.push(change);
      return reply;
    },
  } as Pick<PlacementActor, "key" | "state" | "change"> as PlacementActor;
  const group = { placements: [] as readonly unknown[], deleting: false } as Group;
  const entry = (ids: readonly ScheduleId[]) => {
    const spec = { ...scheduleSpec({ timing: at(startMs) }), uid: "u1", timedAtMs: 0 };
    const schedules = new Map(ids.map((id) => [id, { ...spec, id } as unknown as Schedule]));
    return { group, schedules } as unknown as GroupEntry;
  };
  const context = {
    clock: { nowMs: () => startMs + 60_000 },
    groups: { refresh: async () => entry(of.stored) },
    placements: { open: () => actor },
    signal: new AbortController().signal,
  } as unknown as Context;
  const { look, run } = createRunSchedules(context, () => undefined);
  return {
    look: () => look(actor, entry([])),
    run: () => run(key).catch(() => undefined),
    changes,
  };
}

test("B7.2 a configuration from before a schedule was made forgets nothing of it", async () => {
  const { look, run, changes } = setUp({ stored: [scheduleId] });
  assert.equal(await look(), startMs + 60_000, "it is looked at by the newest one at once");
  await run();
  assert.deepEqual(changes, []);
});

test("B7.2 what was done of a schedule that is gone is forgotten", async () => {
  const { run, changes } = setUp({ stored: [] });
  await run();
  assert.deepEqual(changes[0], { schedulesGone: [scheduleId] });
});

test("B7.2 what was done of one that was made anew meanwhile stays", async () => {
  const { run, changes } = setUp({ stored: [], uidLater: "u2" });
  await run();
  assert.deepEqual(changes[0], { schedulesGone: [] });
});
