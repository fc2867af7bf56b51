import { once } from "node:events";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import type { Event, EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { type FakeWorld, refusal } from "./fake-world.js";

/** What befalls a stream once it has sent so many events. */
export interface StreamFault {
  readonly afterEvents: number;
  readonly how: "tooSlow" | "unavailable" | "ended" | "silent";
}

export interface StreamFaults {
  /** Taken from the front, one a stream. */
  readonly planned: StreamFault[];
  readonly fired: StreamFault["how"][];
  /** Cursors before this are expired. */
  keptFrom: number;
}

const batchEventsMax = 3;

export function fakeEvents(
  world: FakeWorld,
  faults: StreamFaults,
): ServiceImpl<typeof EventService> {
  return {
    async *subscribe({ parent, group, types, cursor, fromStart }, { signal }) {
      let position = startOf(world, faults, { cursor, fromStart });
      const fault = faults.planned.shift();
      let sent = 0;
      const passes = (event: Event) =>
        event.group.startsWith(`${parent}/`) &&
        (group === "" || event.group.endsWith(`/groups/${group}`)) &&
        (types.length === 0 || types.includes(event.type));
      yield { events: [], cursor: `c${position}` };
      while (!signal.aborted) {
        const left = fault === undefined ? batchEventsMax : fault.afterEvents - sent;
        if (fault !== undefined && left <= 0) {
          faults.fired.push(fault.how);
          if (fault.how === "ended") return;
          if (fault.how !== "silent") throw broken(fault.how);
          await once(signal, "abort");
          return;
        }
        const batch = world.events.slice(position, position + Math.min(batchEventsMax, left));
        if (batch.length === 0) {
          await once(world.changes, "event", { signal }).catch(() => undefined);
          continue;
        }
        position += batch.length;
        const events = batch.filter(passes);
        sent += events.length;
        yield { events, cursor: `c${position}` };
      }
    },
    searchEvents({ parent, group, server, types, text, oldestFirst, pageSize, pageToken }) {
      const words = text.split(" ").map((word) => word.replace(/\*$/, ""));
      const all = world.events.filter(
        (one) =>
          one.group.startsWith(`${parent}/`) &&
          (group === "" || one.group.endsWith(`/groups/${group}`)) &&
          (server === "" || one.server === server) &&
          (types.length === 0 || types.includes(one.type)) &&
          words.every((word) => one.message.includes(word)),
      );
      const ordered = oldestFirst ? all : all.toReversed();
      const start = pageToken === "" ? 0 : Number(pageToken);
      const end = start + Math.min(pageSize || 100, 7); // Pages smaller than asked for are legal.
      const nextPageToken = end < ordered.length ? String(end) : "";
      return { events: ordered.slice(start, end), nextPageToken };
    },
    explainEvent({ name }) {
      const root = world.events.find((one) => one.name === name);
      if (!root) throw refusal(Code.NotFound, "EVENT_NOT_FOUND", `${name} does not exist`);
      const below = world.events.filter((one) => one.parent === name);
      const nodes = [root, ...below].map((event, index) => ({ event, depth: Math.min(index, 1) }));
      return { events: nodes, summary: [`${root.message}.`] };
    },
    rebuildHistory: () => ({}),
  };
}

function startOf(
  world: FakeWorld,
  faults: StreamFaults,
  { cursor, fromStart }: { readonly cursor: string; readonly fromStart: boolean },
): number {
  if (cursor === "") return fromStart ? faults.keptFrom : world.events.length;
  if (!/^c\d+$/.test(cursor)) {
    throw refusal(Code.InvalidArgument, "CURSOR_INVALID", "that is no cursor");
  }
  const position = Number(cursor.slice(1));
  if (position >= faults.keptFrom) return position;
  throw refusal(Code.OutOfRange, "CURSOR_EXPIRED", "events behind the cursor are not kept", {
    resume_cursor: `c${faults.keptFrom}`,
  });
}

const broken = (how: "tooSlow" | "unavailable") =>
  how === "tooSlow"
    ? refusal(Code.ResourceExhausted, "SUBSCRIBER_TOO_SLOW", "read faster")
    : refusal(Code.Unavailable, "SHUTTING_DOWN", "the node goes away");
