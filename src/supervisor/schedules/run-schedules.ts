import { cause } from "../../core/model/cause.js";
import type { Group } from "../../core/model/group.js";
import type { EventId, PlacementKey, ScheduleId } from "../../core/model/ids.js";
import type { ScaleEvent } from "../../core/model/scale-event.js";
import type { Schedule, ScheduleMark } from "../../core/model/schedule.js";
import { askOf, type Due, dueOf, markOf } from "../../core/policy/agenda.js";
import { nextDueOf } from "../../core/policy/next-due.js";
import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import { allPlacementsOf, ensurePlacements, isCurrent } from "../placements/ensure.js";
import { nearStates } from "../placements/near-state.js";
import type { Decided, EarlierReceipts, PlacementActor } from "../placements/placement-actor.js";
import type { PlacementState, StoredReceipt } from "../placements/placement-state.js";
import { answeredElsewhere, answerOnce, decideOn, otherPlacements } from "../scaling.js";
import { keepWindows } from "./keep-windows.js";

/** What a placement does because of its group's schedules (B7). */
export interface RunSchedules {
  /**
   * Runs what is due, by the newest configuration, and has windows hold.
   *
   * @returns when something is due next; undefined: never.
   */
  run(key: PlacementKey): Promise<number | undefined>;
  /** Has windows hold, and tells when something is due next: in the past, where it is by now. */
  look(actor: PlacementActor, entry: GroupEntry): Promise<number | undefined>;
}

/** What an occurrence came to. */
export interface Ran {
  readonly outcome: ScheduleMark["outcome"];
  readonly lateMs: number;
}

/** So soon it is looked again whether the colo that leads has done what is due. */
const leadLookMs = 5_000;

export function createRunSchedules(
  context: Context,
  told: (key: PlacementKey, ran: Ran) => void,
): RunSchedules {
  const { clock, signal, nextOccurrence: next } = context;

  /** What the group's other placements did: whoever leads goes on from there (B11.2). */
  async function marksElsewhere(
    group: Group,
    { colo }: PlacementKey,
  ): Promise<readonly ScheduleMark[]> {
    const others = allPlacementsOf(group).filter((one) => one.colo !== colo);
    const states = await nearStates(context, others, signal);
    return states.flatMap(({ schedules }) => [...schedules.values()]);
  }

  async function runDue(
    actor: PlacementActor,
    group: Group,
    { schedules, policies }: GroupEntry,
    elsewhere: readonly ScheduleMark[],
  ): Promise<number> {
    const begun = await actor.state(signal);
    const nowMs = clock.nowMs();
    const marks = [...begun.schedules.values(), ...elsewhere];
    const calendar = (of: PlacementState) => ({ nowMs, next, isPaused: isPaused(of) });
    const due = [...schedules.values()]
      .flatMap((schedule) => {
        const found = dueOf(schedule, marks, calendar(begun));
        return found
          ? [{ schedule, due: found, event: eventOf(group, schedule, found, nowMs) }]
          : [];
      })
      .toSorted((a, b) => a.due.dueAtMs - b.due.dueAtMs);
    if (due.length === 0) return 0;
    const others = await otherPlacements(context, group, signal);
    const known = await Promise.all(
      due.map(({ event }) => answeredElsewhere(context, group, event, signal)),
    );
    const ran = due.map(async ({ schedule, due, event }, at) => {
      const asked = { event, group, policies: [...policies.values()], others };
      const done = await actor.change<Ran | undefined>(
        (state, earlier) => {
          const newest = [...state.schedules.values(), ...elsewhere];
          const still = dueOf(schedule, newest, calendar(state));
          // Somebody else was faster.
          if (!state.doc || still?.dueAtMs !== due.dueAtMs) return { change: {}, reply: undefined };
          if (due.isMissed) return miss(schedule, due, event);
          const decide = () => decideOn(context, state, asked);
          return execute(schedule, { due, event, earlier, known: known[at] }, decide);
        },
        { receiptKeys: [event.idempotencyKey] },
      );
      if (done) told(actor.key, done);
    });
    await Promise.all(ran);
    return ran.length;
  }

  function eventOf(group: Group, schedule: Schedule, due: Due, nowMs: number) {
    const { id, uid, timedAtMs, graceMs } = schedule;
    const { dueAtMs, firstAtMs, refusedBy } = due;
    const again = refusedBy === undefined ? "" : `/after/${refusedBy}`;
    return {
      id: context.ids.next() as EventId,
      ...{ atMs: nowMs, source: "schedule", principal: "muster:schedule", ask: askOf(schedule) },
      occurrence: { schedule: id, dueAtMs, firstAtMs, graceMs },
      // What became of an occurrence is found by it, in whichever colo it ran.
      idempotencyKey: `${group.uid}/schedule/${uid}/${timedAtMs}/${dueAtMs}${again}`,
    } as const satisfies ScaleEvent;
  }

  /** Decided, on record under its key, and never due again: one commit, or nothing of it. */
  function execute(
    schedule: Schedule,
    of: {
      readonly due: Due;
      readonly event: ReturnType<typeof eventOf>;
      readonly earlier: EarlierReceipts;
      readonly known: StoredReceipt | undefined;
    },
    decide: () => ReturnType<typeof decideOn>,
  ): Decided<Ran> {
    const { due, event, earlier, known } = of;
    const asked = { event, fingerprint: event.idempotencyKey, known };
    const { change, reply: receipt } = answerOnce(earlier, asked, decide);
    const { outcome, eventId } = receipt;
    const isHeld = receipt.causes.some(({ code }) => code === "PROCESS_PAUSED");
    const done = {
      atMs: receipt.atMs,
      outcome,
      event: eventId,
      ...(isHeld && { waits: true as const }),
    };
    const mark = markOf(schedule, due, done);
    return { change: { ...change, schedules: [mark] }, reply: ranOf(mark) };
  }

  function miss(schedule: Schedule, due: Due, { atMs }: ScaleEvent): Decided<Ran> {
    const { id, graceMs } = schedule;
    const facts = { schedule: id, dueAtMs: due.dueAtMs, graceMs };
    const causes = [cause("B7.2", "SCHEDULE_MISSED", facts)];
    const event = context.events.make("schedule.missed", { facts, causes });
    const mark = markOf(schedule, due, { atMs, outcome: "missed", event: event.id });
    return { change: { schedules: [mark], events: [event] }, reply: ranOf(mark) };
  }

  /** The first of the group's list whose colo is not lost (B11.2). */
  function leads({ placements }: Group, { colo }: PlacementKey): boolean {
    const first = placements.find(
      (one) =>
        context.colos.has(one.colo) || context.coloWatch.healthOf(one.colo) !== "unreachable",
    );
    return first?.colo === colo;
  }

  return {
    async run(key) {
      const actor = context.placements.open(key);
      const { schedules: before } = await actor.state(signal);
      const entry = await context.groups.refresh(key, signal);
      const { group } = entry;
      if (!group || group.deleting) return undefined;
      await forget(actor, before, entry);
      if (!isCurrent((await actor.state(signal)).doc, group))
        await ensurePlacements(context, group, signal);
      if (!(await actor.state(signal)).doc) return undefined;
      const moved = await keepWindows(context, actor, entry);
      const elsewhere = await marksElsewhere(group, key);
      const isLead = leads(group, key);
      const ran = isLead ? await runDue(actor, group, entry, elsewhere) : 0;
      // Asking heals, as it does whoever asks (B2.8).
      if (moved || ran > 0) context.wake(key);
      const nextMs = await nextDue(actor, entry, elsewhere);
      const waitMs = clock.nowMs() + leadLookMs;
      return nextMs !== undefined && nextMs < waitMs && !isLead ? waitMs : nextMs;
    },
    async look(actor, entry) {
      const { group, schedules } = entry;
      const state = await actor.state(signal);
      if (!group || !state.doc) return undefined;
      // Whether they are gone for certain is found out when they run.
      if (goneOf(state.schedules, entry).length > 0) return clock.nowMs();
      if (schedules.size === 0 && !state.doc.window) return undefined;
      await keepWindows(context, actor, entry);
      return nextDue(actor, entry, await marksElsewhere(group, actor.key));
    },
  };

  /**
   * Drops what was done of schedules that are gone: they were there before the configuration was
   * read, and are not in it. One that an older configuration does not know would run again.
   */
  async function forget(actor: PlacementActor, before: Marks, entry: GroupEntry): Promise<void> {
    const gone = goneOf(before, entry);
    if (gone.length === 0) return;
    await actor.change(({ schedules }) => {
      const schedulesGone = gone.filter((id) => schedules.get(id)?.uid === before.get(id)!.uid);
      return { change: { schedulesGone }, reply: undefined };
    });
  }

  async function nextDue(
    actor: PlacementActor,
    { schedules }: GroupEntry,
    elsewhere: readonly ScheduleMark[],
  ): Promise<number | undefined> {
    const state = await actor.state(signal);
    const marks = [...state.schedules.values(), ...elsewhere];
    const calendar = { nowMs: clock.nowMs(), next, isPaused: isPaused(state) };
    return nextDueOf([...schedules.values()], marks, calendar);
  }
}

function isPaused({ doc }: PlacementState): boolean {
  return doc?.pausedProcesses?.schedules !== undefined;
}

type Marks = PlacementState["schedules"];

function goneOf(marks: Marks, { schedules }: GroupEntry): readonly ScheduleId[] {
  return [...marks.keys()].filter((id) => !schedules.has(id));
}

function ranOf({ outcome, doneAtMs, dueAtMs }: ScheduleMark): Ran {
  return { outcome, lateMs: Math.max(0, doneAtMs - dueAtMs) };
}
