import type { Brake } from "../core/model/colo.js";
import type { MusterEvent } from "../core/model/event.js";
import { placementText } from "../core/model/ids.js";
import type { Call } from "../core/ports/call.js";
import { type Hint, type PartitionId, partitionText, type Row } from "../core/ports/store.js";
import { commitOnce } from "../supervisor/commit-once.js";
import { brakesIn } from "./hold.js";
import type { ExportRecord } from "./records.js";
import type { Whole } from "./whole.js";

/** Well under what one commit may hold. */
const itemsPerPart = 1_000;
const charsPerPart = 2 * 1024 * 1024;
/** What is in memory at a time: much, so that a placement's events go in few commits. */
const partsAtOnce = 2_000;
const charsAtOnce = 8 * 1024 * 1024;
const partitionsAtOnce = 32;

/** One commit to be. */
interface Part {
  readonly puts: Row[];
  readonly events: MusterEvent[];
  readonly startsAfter: number | undefined;
  chars: number;
}

interface Load {
  readonly partition: PartitionId;
  /** Commits that this run has made, or found made by the run before. */
  made: number;
  /** Commits that stood when this run came to the partition. */
  stood: number | undefined;
  readonly parts: Part[];
}

export interface Source {
  /** The export's. */
  readonly id: string;
  /** A run before this one broke off. */
  readonly isResumed: boolean;
  readonly records: AsyncIterable<ExportRecord>;
}

/**
 * Writes what an export has. The same export makes the same commits, so a run that broke off is
 * gone on with: what stands of a partition is the first so many of its commits.
 *
 * @returns the brakes that the colos had
 * @throws Fault `PLACEMENT_CHANGED`: another writer works with the store.
 */
export async function writeRecords(
  whole: Whole,
  { id, isResumed, records }: Source,
  call: Call,
): Promise<ReadonlyMap<string, readonly Brake[]>> {
  const writer = createWriter(whole, { id, isResumed }, call);
  const hints: Hint[] = [];
  const brakes = new Map<string, readonly Brake[]>();
  let current: PartitionId | undefined;
  for await (const record of records)
    switch (record.kind) {
      case "event":
        await writer.event(record.event);
        break;
      case "partition":
        current = record.partition;
        if (current.scope !== "colo") await writer.begin(current, record.lastSequence);
        break;
      case "row":
        if (current?.scope === "colo") brakes.set(current.key, brakesIn([record.row]));
        else await writer.row(current!, record.row);
        break;
      case "hint":
        hints.push(record.hint);
        if (hints.length === itemsPerPart) await putHints(whole, hints.splice(0), call);
        break;
      default:
        record satisfies never;
    }
  await writer.flush();
  await putHints(whole, hints, call);
  return brakes;
}

/** Every colo's nodes are to find them at once, not when they have arrived there. */
async function putHints({ stores }: Whole, hints: readonly Hint[], call: Call): Promise<void> {
  if (hints.length > 0) for (const store of stores) await store.putHints(hints, call);
}

function createWriter(
  whole: Whole,
  { id, isResumed }: Pick<Source, "id" | "isResumed">,
  call: Call,
) {
  const loads = new Map<string, Load>();
  let waiting: Load[] = [];
  let parts = 0;
  let chars = 0;

  function loadOf(partition: PartitionId): Load {
    const name = partitionText(partition);
    const stood = isResumed ? undefined : 0;
    const known: Load = loads.get(name) ?? { partition, made: 0, stood, parts: [] };
    loads.set(name, known);
    return known;
  }

  function newPart(load: Load, startsAfter: number): Part {
    const isFirst = load.made === 0 && load.parts.length === 0;
    const part = { puts: [], events: [], chars: 0, startsAfter: isFirst ? startsAfter : undefined };
    if (load.parts.length === 0) waiting.push(load);
    load.parts.push(part);
    parts += 1;
    return part;
  }

  async function add(load: Load, size: number, startsAfter: number, put: (to: Part) => void) {
    const last = load.parts.at(-1);
    const part = last && fits(last, size) ? last : newPart(load, startsAfter);
    put(part);
    part.chars += size;
    chars += size;
    if (parts >= partsAtOnce || chars >= charsAtOnce) await flush();
  }

  async function flush(): Promise<void> {
    const now = waiting;
    waiting = [];
    parts = 0;
    chars = 0;
    for (let start = 0; start < now.length; start += partitionsAtOnce) {
      const batch = now.slice(start, start + partitionsAtOnce).map(writeLoad);
      // Nothing may be under way any more when this ends: the next run would trip over it.
      for (const one of await Promise.allSettled(batch))
        if (one.status === "rejected") throw one.reason;
    }
  }

  async function writeLoad(load: Load): Promise<void> {
    const { partition } = load;
    const store = whole.storeOf(partition);
    const mine = load.parts.splice(0);
    load.stood ??= (await store.load(partition, [], call)).revision;
    for (const { puts, events, startsAfter } of mine) {
      const expectedRevision = load.made;
      load.made += 1;
      if (load.made <= load.stood) continue;
      const commitId = `${id}-${load.made}`;
      const start = startsAfter === undefined ? {} : { startsAfter };
      const commit = { partition, expectedRevision, commitId, puts, events, ...start };
      await commitOnce(store, { ...commit, deletes: [], hints: [] }, call.signal);
    }
  }

  return {
    flush,
    event(event: MusterEvent): Promise<void> {
      const load = loadOf({ scope: "placement", key: placementText(event) });
      const size = JSON.stringify(event).length;
      return add(load, size, event.sequence - 1, ({ events }) => events.push(event));
    },
    /** Also of a partition without rows: its events go on where they ended. */
    async begin(partition: PartitionId, lastSequence: number): Promise<void> {
      const load = loadOf(partition);
      if (load.made === 0 && load.parts.length === 0) await add(load, 0, lastSequence, () => {});
    },
    row(partition: PartitionId, row: Row): Promise<void> {
      const size = row.key.length + row.value.length;
      return add(loadOf(partition), size, 0, ({ puts }) => puts.push(row));
    },
  };
}

function fits({ puts, events, chars }: Part, size: number): boolean {
  return puts.length + events.length < itemsPerPart && chars + size <= charsPerPart;
}
