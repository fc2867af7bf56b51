import assert from "node:assert/strict";
import fc from "fast-check";
import { isFault } from "../../src/core/errors/fault.js";
import type { Commit, Row } from "../../src/core/ports/store.js";
import type { StoreBench, StoreCase } from "./store-harness.js";
import {
  commitOf,
  countTo,
  eventOf,
  patientCall,
  placement,
  readWholeFeed,
  row,
  sequencesByPlacement,
} from "./store-samples.js";

const partitionCount = 4;
const runs = 25;

interface Step {
  readonly partition: number;
  readonly puts: readonly number[];
  readonly deletes: readonly number[];
  readonly events: number;
  readonly stale: boolean;
  readonly loseAnswer: boolean;
}

const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  partition: fc.nat(partitionCount - 1),
  puts: fc.uniqueArray(fc.nat(9), { maxLength: 4 }),
  deletes: fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
  events: fc.nat(3),
  stale: fc.boolean(),
  loseAnswer: fc.boolean(),
});

/** What the partition must look like, from acknowledged commits and `wasCommitted` alone. */
interface Expected {
  revision: number;
  lastSequence: number;
  readonly rows: Map<string, Row>;
}

/** Random commits and lost answers, against an oracle that knows what was acknowledged. */
export function storePropertyCases(check: StoreCase): void {
  check(
    "STORE-50 whatever is committed, lost or refused, the store is what was said",
    async (bench) => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 30 }), async (steps) => {
          await playAndCompare(bench, `run-${run++}`, steps);
        }),
        { numRuns: runs },
      );
      assert.ok(bench.answersLost() > 0, "no answer was ever lost: this proved less than it says");
    },
  );
}

async function playAndCompare(bench: StoreBench, run: string, steps: readonly Step[]) {
  const { store } = bench;
  const call = patientCall();
  const partitions = countTo(partitionCount).map((n) => placement(`${run}-${n}`));
  const oracle = partitions.map(
    (): Expected => ({ revision: 0, lastSequence: 0, rows: new Map() }),
  );
  const start = await store.feedHead(call);

  // Partitions side by side, each one's steps in order.
  await Promise.all(
    partitions.map(async (_, index) => {
      for (const step of steps.filter(({ partition }) => partition === index)) {
        const expected = oracle[index];
        assert.ok(expected);
        const commit = commitFor(step, expected, partitions[index] ?? placement(run));
        if (await takesEffect(bench, commit, step)) apply(commit, expected);
      }
    }),
  );

  const sequences = sequencesByPlacement(await readWholeFeed(store, start, 11));
  for (const [index, partition] of partitions.entries()) {
    const expected = oracle[index];
    const loaded = await store.load(partition, "all", call);
    assert.equal(loaded.revision, expected?.revision);
    assert.equal(loaded.lastSequence, expected?.lastSequence);
    const rows = [...(expected?.rows.values() ?? [])];
    assert.deepEqual(new Set(loaded.rows), new Set(rows));
    assert.deepEqual(sequences.get(partition.key) ?? [], countTo(loaded.lastSequence));
  }
}

function commitFor(step: Step, expected: Expected, partition: Commit["partition"]): Commit {
  const stale = step.stale && expected.revision > 0;
  const events = countTo(step.events).map((n) => eventOf(partition, expected.lastSequence + n));
  return commitOf(partition, expected.revision - (stale ? 1 : 0), {
    puts: step.puts.map((n) => row(`r${n}`, `${expected.revision}`)),
    deletes: step.deletes
      .filter((n) => !step.puts.includes(n))
      .map((n) => ({ kind: "server", key: `r${n}` })),
    events,
  });
}

async function takesEffect(bench: StoreBench, commit: Commit, step: Step): Promise<boolean> {
  const call = patientCall();
  try {
    if (step.loseAnswer) throw await bench.commitLosingAnswer(commit);
    await bench.store.commit(commit, call);
    return true;
  } catch (error) {
    if (isFault(error, "PLACEMENT_CHANGED") || isFault(error, "CANCELLED")) return false;
    assert.ok(isFault(error, "COMMIT_UNKNOWN"), String(error));
    return bench.store.wasCommitted(commit.partition, commit.commitId, call);
  }
}

function apply(commit: Commit, expected: Expected): void {
  expected.revision++;
  expected.lastSequence += commit.events.length;
  for (const put of commit.puts) expected.rows.set(put.key, put);
  for (const { key } of commit.deletes) expected.rows.delete(key);
}
