import assert from "node:assert/strict";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { Group } from "../../src/core/model/group.js";
import type { EventId, ServerId } from "../../src/core/model/ids.js";
import type { PlacementDoc } from "../../src/core/model/placement.js";
import type { Policy } from "../../src/core/model/policy.js";
import type { Receipt, ScaleEvent } from "../../src/core/model/scale-event.js";
import type { Schedule } from "../../src/core/model/schedule.js";
import { type SimulatedDecision, simulatedId } from "../../src/core/model/simulation.js";
import type { NextOccurrence } from "../../src/core/policy/agenda.js";
import { askedBy } from "../../src/core/simulate/recorded.js";
import { createReplay } from "../../src/core/simulate/replay.js";

/** Nothing waits longer for the store, and for its turn, in a world without faults. */
const slackMs = 100;

export interface Told {
  readonly group: Group;
  readonly policies: readonly Policy[];
  readonly schedules: readonly Schedule[];
  readonly next: NextOccurrence;
  /** The group's placement when `events` begin: nothing was asked of it yet. */
  readonly doc: PlacementDoc;
  /** Of the one placement, in order. */
  readonly events: readonly MusterEvent[];
}

/**
 * Retells what a supervisor did: the same is asked at the same instants, servers come and go when
 * they did, and each decision must be the same, by its time, its reasons and their numbers. The
 * supervisor chooses when it looks at alerts that stand; whenever it did not act on one, nor may
 * the replay by itself.
 */
export function retell({ events, doc, ...given }: Told): number {
  const servers = new Map<ServerId, { state: "inService"; inServiceAtMs: number }>();
  const served = new Map<ServerId, number>();
  const part = { doc, servers };
  const realIds = new Map<string, string>();
  let serial = 0;
  const nextId = () => simulatedId(++serial);
  const replay = createReplay({ ...given, parts: [part], nextId });
  let lookAtMs: number | undefined;
  let compared = 0;

  /** A turn that begins within the slack may still be under way: what it does is yet to come. */
  function lookBefore(atMs: number): void {
    while (lookAtMs !== undefined && lookAtMs < atMs - slackMs) {
      const { due, nextAtMs } = replay.look(lookAtMs);
      assert.deepEqual(due, [], `the replay alone acts at ${lookAtMs}, before ${atMs}`);
      lookAtMs = nextAtMs;
    }
  }

  /** What a turn does to servers comes after its look at alerts. */
  function turnAt(atMs: number): void {
    const { due, nextAtMs } = replay.look(atMs);
    lookAtMs = due.length > 0 ? atMs : nextAtMs;
  }

  function compare(event: MusterEvent, found: SimulatedDecision | undefined): void {
    assert.ok(found, `the supervisor alone acts: ${event.message}`);
    realIds.set(found.event.id, event.id);
    const { receipt } = event;
    assert.deepEqual(named(found.receipt, realIds), named(receipt!, realIds), event.message);
    compared++;
  }

  function decided(event: MusterEvent): void {
    const { receipt, facts } = event;
    const { atMs } = receipt!;
    const { source } = facts;
    if (source === "circleBack") {
      const [due] = replay.look(atMs).due;
      assert.equal(due?.policy, facts["policy"], `the supervisor alone acts: ${event.message}`);
      compare(event, replay.circle(due!, atMs));
    } else if (source === "schedule") {
      const [found, ...more] = replay.passTime(atMs);
      assert.deepEqual(more, [], "nothing else was due");
      compare(event, found);
    } else compare(event, replay.submit(eventOf(event)));
    lookAtMs = atMs;
  }

  for (const event of events) {
    const { type, atMs, server } = event;
    lookBefore(event.receipt?.atMs ?? atMs);
    if (type === "scale.decided") decided(event);
    if (type === "window.opened" || type === "window.closed") {
      assert.deepEqual(replay.passTime(atMs), [], "a schedule was due with the window");
      assert.equal(part.doc.target, event.facts["target"], event.message);
      lookAtMs = atMs;
    }
    if (server === undefined) continue;
    turnAt(atMs);
    if (type === "server.in_service") {
      servers.set(server, { state: "inService", inServiceAtMs: atMs });
      served.set(server, atMs);
    } else if (type === "server.returned")
      servers.set(server, { state: "inService", inServiceAtMs: served.get(server)! });
    else if (leaving.has(type)) servers.delete(server);
  }
  return compared;
}

const leaving: ReadonlySet<string> = new Set([
  "server.draining",
  "server.deleting",
  "server.failed",
  "server.lost",
  "server.gone",
]);

/** Ids of the replay's own events are other ones. */
function named(receipt: Receipt, realIds: ReadonlyMap<string, string>) {
  const { eventId, ...rest } = receipt;
  const real = (id: unknown) => realIds.get(String(id)) ?? id;
  const causes = receipt.causes.map(({ facts, ...one }) => {
    const { mergedInto } = facts;
    return { ...one, facts: { ...facts, ...(mergedInto && { mergedInto: real(mergedInto) }) } };
  });
  return { ...rest, causes };
}

function eventOf({ id, facts, receipt, principal = "" }: MusterEvent): ScaleEvent {
  const source = facts["source"] as ScaleEvent["source"];
  return { id: id as EventId, atMs: receipt!.atMs, source, principal, ask: askedBy(facts)! };
}
