import { LRUCache } from "lru-cache";
import { Fault, invalidFields, isFault } from "../../core/errors/fault.js";
import type { EventType } from "../../core/model/event.js";
import type { GroupId } from "../../core/model/ids.js";
import type {
  EventService,
  SearchEventsRequest,
  SubscribeRequest,
} from "../../gen/muster/v1/event_service_pb.js";
import type { EventUseCases } from "../../supervisor/api.js";
import { readTime } from "../from-wire/time.js";
import type { ServiceMethods } from "../guarded.js";
import type { ServerLimits } from "../limits.js";
import { accountOf, eventOf } from "../names.js";
import { createBatchWriter, writeEvent } from "../to-wire/event.js";
import { writeExplanation } from "../to-wire/explanation.js";
import {
  type CursorSeal,
  createCursorSeal,
  type Filter,
  readPageToken,
  writePageToken,
} from "../tokens.js";
import { given, readPageSize, textOf } from "./fields.js";

export function createEventService(
  events: EventUseCases,
  { heartbeatMs, pageBytesMax }: Pick<ServerLimits, "heartbeatMs" | "pageBytesMax">,
): ServiceMethods<typeof EventService> {
  const batches = createBatchWriter();
  const seals = createSeals();
  return {
    async *subscribe(request, caller) {
      const { parent, group, types } = request;
      const seal = seals(["Subscribe", parent, group, types.toSorted()]);
      const subscription = {
        account: accountOf(parent),
        types,
        heartbeatMs,
        ...given({ group: textOf<GroupId>(group), after: readStart(request, seal) }),
      };
      try {
        for await (const batch of events.subscribe(subscription, caller))
          yield batches.write(batch, seal.write);
      } catch (error) {
        throw isFault(error, "CURSOR_EXPIRED") ? withResumeCursor(error, seal) : error;
      }
    },
    async searchEvents(request, caller) {
      const filter = filterOf(request);
      const pageToken = readPageToken(filter, request.pageToken);
      const { events: found, nextPageToken } = await events.search(
        { ...readQuery(request), ...given({ pageToken }) },
        caller,
      );
      return {
        events: found.map(writeEvent),
        nextPageToken: nextPageToken ? writePageToken(filter, nextPageToken) : "",
      };
    },
    async explainEvent({ name, fromHere }, caller) {
      const explanation = await events.explain({ ...eventOf(name), fromHere }, caller);
      return writeExplanation(explanation, pageBytesMax);
    },
    async rebuildHistory() {
      await events.rebuild();
      return {};
    },
  };
}

/** Filters whose seal is kept for the next subscriber with the same one. */
const sealsMax = 1_000;

function createSeals(): (filter: Filter) => CursorSeal {
  const kept = new LRUCache<string, CursorSeal>({ max: sealsMax });
  return (filter) => {
    const text = JSON.stringify(filter);
    const known = kept.get(text) ?? createCursorSeal(filter);
    kept.set(text, known);
    return known;
  };
}

/** A feed cursor; "" for all that is kept; undefined for what comes from now on. */
function readStart({ cursor, fromStart }: SubscribeRequest, seal: CursorSeal): string | undefined {
  if (cursor !== "") return seal.read(cursor);
  return fromStart ? "" : undefined;
}

/** The feed tells where to go on in its own cursors; callers need theirs. */
function withResumeCursor(fault: Fault, seal: CursorSeal): Fault {
  const { resume, ...facts } = fault.facts;
  const resumeCursor = resume === undefined ? {} : { resume_cursor: seal.write(resume) };
  return new Fault("CURSOR_EXPIRED", {
    say: fault.message,
    facts: { ...facts, ...resumeCursor },
    cause: fault,
  });
}

function readQuery(request: SearchEventsRequest) {
  const fromMs = readTime(request.startTime);
  const untilMs = readTime(request.endTime);
  if (fromMs !== undefined && untilMs !== undefined && untilMs < fromMs)
    throw invalidFields([{ field: "end_time", description: "must not be before start_time" }]);
  return {
    account: accountOf(request.parent),
    order: request.oldestFirst ? ("oldestFirst" as const) : ("newestFirst" as const),
    eventsMax: readPageSize(request.pageSize),
    ...given({
      group: textOf(request.group),
      server: textOf(request.server),
      types: request.types.length > 0 ? (request.types as readonly EventType[]) : undefined,
      text: textOf(request.text),
      fromMs,
      untilMs,
    }),
  };
}

function filterOf(request: SearchEventsRequest): Filter {
  const { parent, group, server, types, text, oldestFirst } = request;
  const times = [readTime(request.startTime) ?? null, readTime(request.endTime) ?? null];
  return ["SearchEvents", parent, group, server, types.toSorted(), text, oldestFirst, times];
}
