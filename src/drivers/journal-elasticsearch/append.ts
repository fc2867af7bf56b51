import type { MusterEvent } from "../../core/model/event.js";
import type { Call } from "../../core/ports/call.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { FeedEntry } from "../../core/ports/store.js";
import type { Cluster } from "./cluster.js";
import { journalUnavailable } from "./faults.js";
import { documentOf, type Indices } from "./indices.js";
import { pause } from "./pause.js";
import type { State } from "./state.js";

export interface AppendParts {
  readonly cluster: Cluster;
  readonly indices: Indices;
  readonly state: State;
  readonly clock: Clock;
  readonly log?: Log | undefined;
}

const bulkEventsMax = 1_000;
const bulkBytesMax = 4 * 1_024 * 1_024;
/** How long a cluster that is busy is waited for before the journal says that it lags. */
const busyMsMax = 30_000;
const retryMsMin = 100;
const retryMsMax = 2_000;
/** Days that are known to have their template. */
const daysMax = 1_000;

interface Item {
  readonly event: MusterEvent;
  readonly index: string;
  readonly lines: readonly [string, string];
}

/**
 * One bulk at a time, each with its own position behind it: a stop in between repeats events, which
 * are there already, and loses none. What the cluster has no room for now is offered again.
 */
export function createAppend(parts: AppendParts) {
  const { cluster, indices, state, clock, log } = parts;
  const installed = new Set<string>();

  /** A new day's index is made by the template, so nothing else may make it. */
  const ensure = async (items: readonly Item[], call: Call) => {
    if (items.every(({ index }) => installed.has(index))) return;
    await state.install(call);
    if (installed.size > daysMax) installed.clear();
    for (const { index } of items) installed.add(index);
  };

  const put = async (items: readonly Item[], call: Call): Promise<readonly Item[]> => {
    const { status, body } = await cluster.ask<BulkAnswer>(
      {
        ...{ method: "POST", path: "/_bulk", expects: [tooMany, unavailable] },
        query: { filter_path: "errors,items.create.status,items.create.error.type" },
        lines: items.flatMap(({ lines }) => lines),
      },
      call,
    );
    if (status === tooMany || status === unavailable) return items;
    if (!body.errors) return [];
    return items.filter((item, number) => {
      const outcome = body.items[number]?.create;
      if (outcome && (outcome.status < 300 || outcome.status === alreadyThere)) return false;
      const isRefused = outcome?.status === badRequest && refusals.has(outcome.error?.type ?? "");
      // One event that cannot be indexed must not keep the others from it.
      if (isRefused) log?.error({ event: item.event.id, ...outcome.error }, "left out of history");
      return !isRefused;
    });
  };

  return async (entries: readonly FeedEntry[], call: Call): Promise<void> => {
    const items = entries.map(({ event }) => itemOf(event, indices));
    for (let start = 0; start < items.length; ) {
      const bulk = bulkFrom(items, start);
      start += bulk.length;
      await ensure(bulk, call);
      const startMs = clock.monotonicMs();
      for (let left: readonly Item[] = bulk, delayMs = retryMsMin; ; ) {
        left = await put(left, call);
        if (left.length === 0) break;
        if (clock.monotonicMs() - startMs > busyMsMax)
          throw journalUnavailable(`the journal has no room for ${left.length} events`);
        await pause(clock, delayMs, call.signal);
        delayMs = Math.min(2 * delayMs, retryMsMax);
      }
      await state.notePosition(entries[start - 1]!.cursor, call);
    }
  };
}

interface BulkAnswer {
  readonly errors: boolean;
  readonly items: readonly {
    readonly create?: { readonly status: number; readonly error?: { readonly type: string } };
  }[];
}

const badRequest = 400;
const alreadyThere = 409;
const tooMany = 429;
const unavailable = 503;

/** Of a document as such, for ever. Others, such as a full cluster's, end when their reason does. */
const refusals: ReadonlySet<string> = new Set([
  "document_parsing_exception",
  "mapper_parsing_exception",
  "strict_dynamic_mapping_exception",
  "illegal_argument_exception",
]);

function itemOf(event: MusterEvent, indices: Indices): Item {
  const index = indices.ofEvent(event);
  const create = JSON.stringify({ create: { _index: index, _id: event.id } });
  return { event, index, lines: [create, JSON.stringify(documentOf(event))] };
}

/** The items of the next bulk; at least one, however large it is. */
function bulkFrom(items: readonly Item[], start: number): readonly Item[] {
  let bytes = 0;
  let end = start;
  while (end < items.length && end - start < bulkEventsMax) {
    bytes += Buffer.byteLength(items[end]!.lines[1]);
    if (bytes > bulkBytesMax && end > start) break;
    end += 1;
  }
  return items.slice(start, end);
}
