import assert from "node:assert/strict";
import fc from "fast-check";
import type { MusterEvent } from "../../src/core/model/event.js";
import { placementText } from "../../src/core/model/ids.js";
import type { Commit, Row, Store } from "../../src/core/ports/store.js";
import { parsePartition } from "../../src/core/ports/store.js";
import { recordsOf } from "../../src/move/export.js";
import { writeRecords } from "../../src/move/import.js";
import type { ExportRecord } from "../../src/move/records.js";
import { partitionNames, wholeOf } from "../../src/move/whole.js";
import { commitOf, countTo, eventOf, patientCall } from "../contract/store-samples.js";

const call = patientCall();

/** What is done to a store that is to be moved: to which partition, and how much of each. */
export interface Step {
  readonly partition: string;
  readonly puts: readonly (readonly [number, string])[];
  readonly deletes: readonly number[];
  readonly events: number;
  readonly isTrimmed: boolean;
  readonly isExpiring: boolean;
}

const names = ["acme/web/iad", "acme/db/iad", "acme/web/ams", "böse/😀/iad"];
const partitions = [
  ...names.map((key) => `placement:${key}`),
  ...["group:acme/web", "account:acme/iad", "account:acme/ams"],
];

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    partition: fc.constantFrom(...partitions),
    puts: fc.uniqueArray(fc.tuple(fc.nat(6), fc.json({ maxDepth: 1 })), {
      selector: ([key]) => key,
      maxLength: 5,
    }),
    deletes: fc.uniqueArray(fc.nat(6), { maxLength: 2 }),
    events: fc.nat(4),
    isTrimmed: fc.boolean(),
    isExpiring: fc.boolean(),
  }),
  { maxLength: 25 },
);

/** Later than any test runs, and before the end of the years that Cassandra can count. */
const neverMs = Date.UTC(2034, 0, 1);

export async function play(store: Store, all: readonly Step[]): Promise<void> {
  for (const step of all) {
    const partition = parsePartition(step.partition);
    const { revision, lastSequence } = await store.load(partition, [], call);
    const hasEvents = partition.scope === "placement";
    await store.commit(
      commitOf(partition, revision, {
        puts: step.puts.map(([key, value]): Row => {
          const one = { kind: key % 2 === 0 ? "server" : "receipt", key: `k${key}`, value };
          return step.isExpiring ? { ...one, expiresAtMs: neverMs + key } : one;
        }),
        deletes: step.deletes
          .filter((key) => !step.puts.some(([put]) => put === key))
          .map((key) => ({ kind: key % 2 === 0 ? "server" : "receipt", key: `k${key}` })),
        events: hasEvents
          ? countTo(step.events).map((n) => eventOf(partition, lastSequence + n))
          : [],
        hints: [{ index: `index/${partition.key}`, key: `k${step.events}`, value: "v" }],
      }),
      call,
    );
    if (step.isTrimmed)
      await store.trimFeed({ olderThanMs: neverMs, before: await store.feedHead(call) }, call);
  }
}

/** One store has all, or each colo one of its own. */
export function whole(byColo: ReadonlyMap<string, Store>) {
  const colos = ["ams", "iad"];
  return wholeOf(byColo, { own: "iad", colos, isShared: false });
}

export function alone(store: Store) {
  return whole(new Map([["", store]]));
}

export type Whole = ReturnType<typeof whole>;

export async function exported(from: Whole): Promise<readonly ExportRecord[]> {
  const records: ExportRecord[] = [];
  for await (const record of recordsOf(from, await partitionNames(from, call), call))
    records.push(record);
  return records;
}

export async function imported(
  into: Whole,
  records: readonly ExportRecord[],
  isResumed = false,
): Promise<void> {
  async function* each() {
    yield* records;
  }
  await writeRecords(into, { id: "export-1", isResumed, records: each() }, call);
}

/** The same is kept: to the letter, but for the order of events over placements. */
export function assertSame(one: readonly ExportRecord[], other: readonly ExportRecord[]): void {
  const state = (all: readonly ExportRecord[]) => all.filter(({ kind }) => kind !== "event");
  assert.deepEqual(state(one), state(other));
  assert.deepEqual(eventsOf(one), eventsOf(other));
}

function eventsOf(all: readonly ExportRecord[]): ReadonlyMap<string, readonly MusterEvent[]> {
  const found = new Map<string, MusterEvent[]>();
  for (const one of all) {
    if (one.kind !== "event") continue;
    const events = found.get(placementText(one.event)) ?? [];
    found.set(placementText(one.event), events);
    events.push(one.event);
  }
  return new Map([...found].sort());
}

/** Takes so many commits, and then no more. */
export function breakingAfter(store: Store, commits: number) {
  let taken = 0;
  return {
    broke: () => taken > commits,
    store: {
      ...store,
      async commit(commit: Commit, how: typeof call) {
        taken += 1;
        if (taken > commits) throw new Error("it broke off");
        return store.commit(commit, how);
      },
    } satisfies Store,
  };
}
