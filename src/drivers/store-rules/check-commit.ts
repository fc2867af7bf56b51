import assert from "node:assert/strict";
import { Fault } from "../../core/errors/fault.js";
import type { Commit, Hint, HintKey, Row } from "../../core/ports/store.js";
import { commitLimits, partitionText } from "../../core/ports/store.js";

/** A commit that keeps the port's rules, with its events as the JSON text that is kept. */
export interface CheckedCommit {
  readonly partition: string;
  /** JSON of each event, in sequence. */
  readonly eventTexts: readonly string[];
  readonly bytes: number;
}

/**
 * What every store refuses before it asks anyone.
 *
 * @throws Fault `LIMIT_EXCEEDED`: over `commitLimits`.
 * @throws AssertionError: a bug of the caller: a row written twice, a gap between the events of the
 *   commit itself, text that no store can give back unchanged.
 */
export function checkCommit(commit: Commit): CheckedCommit {
  const partition = partitionText(commit.partition);
  const rows = commit.puts.length + commit.deletes.length + commit.hints.length;
  refuseOver(rows, commitLimits.rowsMax, "rows", partition);
  refuseOver(commit.events.length, commitLimits.eventsMax, "events", partition);
  assert(Number.isSafeInteger(commit.expectedRevision) && commit.expectedRevision >= 0);
  assert(commit.commitId !== "", "a commit needs an id");
  checkOneWritePerRow(commit);
  checkStart(commit);
  checkSequence(commit);

  const eventTexts = commit.events.map((event) => JSON.stringify(event));
  const bytes = bytesOf(commit, eventTexts);
  refuseOver(bytes, commitLimits.bytesMax, "bytes", partition);
  return { partition, eventTexts, bytes };
}

/** The same limits and text rules for hints that are written without a commit. */
export function checkHints(hints: readonly (Hint | HintKey)[]): void {
  refuseOver(hints.length, commitLimits.rowsMax, "rows", "hints");
  let bytes = 0;
  for (const hint of hints) bytes += hintBytes(hint);
  refuseOver(bytes, commitLimits.bytesMax, "bytes", "hints");
}

function checkOneWritePerRow({ puts, deletes }: Commit): void {
  if (puts.length + deletes.length < 2) return;
  const seen = new Set<string>();
  for (const { kind, key } of [...puts, ...deletes]) {
    const name = `${kind}\0${key}`;
    assert(!seen.has(name), `row ${kind}/${key} is written twice in one commit`);
    seen.add(name);
  }
}

function checkStart({ startsAfter, expectedRevision, events }: Commit): void {
  if (startsAfter === undefined) return;
  assert(expectedRevision === 0, "only a partition's first commit says where its events go on");
  assert(Number.isSafeInteger(startsAfter) && startsAfter >= 0);
  const first = events[0]?.sequence ?? startsAfter + 1;
  assert(first === startsAfter + 1, `event ${first} does not go on from ${startsAfter}`);
}

function checkSequence({ events }: Commit): void {
  const first = events[0]?.sequence;
  if (first === undefined) return;
  for (const [index, event] of events.entries()) {
    assert(event.sequence === first + index, `event ${event.id} leaves a gap in the sequence`);
    assert(Number.isSafeInteger(event.atMs), "times are whole milliseconds");
  }
}

function bytesOf(commit: Commit, eventTexts: readonly string[]): number {
  let bytes = textBytes(commit.commitId) + textBytes(commit.partition.key);
  for (const put of commit.puts) bytes += rowBytes(put);
  for (const { kind, key } of commit.deletes) bytes += textBytes(kind) + textBytes(key);
  for (const hint of commit.hints) bytes += hintBytes(hint);
  for (const text of eventTexts) bytes += Buffer.byteLength(text);
  return bytes;
}

function rowBytes({ kind, key, value, expiresAtMs = 0 }: Row): number {
  assert(Number.isSafeInteger(expiresAtMs), "times are whole milliseconds");
  return textBytes(kind) + textBytes(key) + textBytes(value);
}

function hintBytes(hint: Hint | HintKey): number {
  const value = "value" in hint ? textBytes(hint.value) : 0;
  return textBytes(hint.index) + textBytes(hint.key) + value;
}

/** JSON escapes both; raw, SQLite would cut the text at a NUL, and UTF-8 has no lone surrogate. */
const unkeepable = /[\0\p{Surrogate}]/u;

function textBytes(text: string): number {
  assert(!unkeepable.test(text), "a NUL or half a surrogate pair cannot be stored");
  return Buffer.byteLength(text);
}

function refuseOver(count: number, countMax: number, what: string, partition: string): void {
  if (count <= countMax) return;
  throw new Fault("LIMIT_EXCEEDED", {
    say: `one change may hold at most ${countMax} ${what}; this one has ${count}`,
    facts: { partition, what, max: String(countMax), count: String(count) },
  });
}
