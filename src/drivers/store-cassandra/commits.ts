import assert from "node:assert/strict";
import type { types } from "cassandra-driver";
import { LRUCache } from "lru-cache";
import { Fault } from "../../core/errors/fault.js";
import type { Clock } from "../../core/ports/clock.js";
import { type Commit, partitionText, type Store } from "../../core/ports/store.js";
import { commitUnknown } from "../store-rules/aborted.js";
import { type CheckedCommit, checkCommit } from "../store-rules/check-commit.js";
import { placementChanged, storeUnavailable } from "../store-rules/faults.js";
import { untilAborted } from "../store-rules/until-aborted.js";
import type { NoteBegun } from "./begun.js";
import { createCommitStatements, eventsText, type Standing, slotOf } from "./commit-statements.js";
import type { InTurn } from "./key-turns.js";
import type { Outbox, OutboxEntry } from "./outbox.js";
import type { Publisher } from "./publisher.js";
import { commitIdsKept, sections, type Tables } from "./schema.js";
import { numberOf, numberOrNull, reachOf, type Session } from "./session.js";

export interface CommitParts {
  readonly session: Session;
  readonly tables: Tables;
  readonly clock: Clock;
  readonly inTurn: InTurn;
  readonly outbox: Outbox;
  readonly noteBegun: NoteBegun;
  readonly putHints: Store["putHints"];
  /** Told of every partition that has, or may have, events on their way to the feed. */
  readonly wake: Publisher["wake"];
  /** Told of the events of a commit that took effect. */
  readonly committed: Publisher["committed"];
}

const triesMax = 4;
/** Long enough for a broken connection to be made anew. */
const lookUpMsMax = 3_000;
const lookAgainMs = 200;
/** Forgetting costs one more try. */
const fencesKept = 10_000;

/** Conditional commits: a lost answer is looked up, and told as unknown only if that fails too. */
export function createCommitter(parts: CommitParts): Pick<Store, "commit" | "wasCommitted"> {
  const { session, tables, clock, inTurn, outbox, noteBegun, putHints, wake, committed } = parts;
  const statements = createCommitStatements(tables);
  const fences = new LRUCache<string, number>({ max: fencesKept });
  const slotQuery = `SELECT section, value, revision, fences FROM ${tables.partitions}
    WHERE partition = ? AND section IN (${sections.head}, ${sections.commits})
    AND kind = '' AND key IN ('', ?)`;
  const idsQuery = `SELECT section, value, revision, fences FROM ${tables.partitions}
    WHERE partition = ? AND section IN (${sections.head}, ${sections.commits})`;

  async function send(commit: Commit, checked: CheckedCommit): Promise<number> {
    const { partition } = checked;
    for (let tries = 0; tries < triesMax; tries++) {
      const removal = outbox.removal(partition);
      const known = fences.get(partition) ?? null;
      const batch = { commit, checked, removal, fences: known, nowMs: clock.nowMs() };
      const answer = await session.writeIf(statements.commit(batch), reachOf(partition));
      if (answer.kind === "notDone") throw storeUnavailable(answer.cause);
      if (answer.kind === "unknown") return await lookUp(commit, partition, answer.cause);
      if (answer.kind === "applied") {
        if (removal) outbox.removed(partition, removal.last);
        return commit.expectedRevision + 1;
      }
      checkRefusal(commit, partition, answer.row);
      remember(partition, standingOf(answer.row).fences);
    }
    throw new Fault("STORE_UNAVAILABLE", { say: "others stop what is written here" });
  }

  /** Finds out what became of a commit whose answer was lost, and makes that final. */
  async function lookUp(commit: Commit, partition: string, cause: unknown): Promise<number> {
    const revision = commit.expectedRevision + 1;
    const statement = { query: slotQuery, params: [partition, slotOf(revision)] };
    const untilMs = clock.monotonicMs() + lookUpMsMax;
    for (let tries = 0; clock.monotonicMs() < untilMs; tries++) {
      if (tries > 0) await new Promise<void>((resolve) => clock.after(lookAgainMs, resolve));
      const options = { reach: reachOf(partition), isSerial: true };
      const rows = await session.rows(statement, options).catch(() => undefined);
      if (!rows) continue;
      const standing = standingOf(rows[0]);
      const now = numberOf(standing.revision);
      if (now >= revision + commitIdsKept) break; // Its slot was used again since.
      const winner = rows.find((row) => row["section"] === sections.commits)?.["value"];
      if (now >= revision && winner === commit.commitId) return revision;
      if (now !== commit.expectedRevision)
        throw placementChanged(partition, commit.expectedRevision, now);
      if (await stop(partition, standing)) throw storeUnavailable(cause);
    }
    wake(partition, true);
    throw commitUnknown(partition, cause);
  }

  /** Whether nothing that was sent before can change the partition any more. */
  async function stop(partition: string, { revision, fences: seen }: Standing): Promise<boolean> {
    const current = { revision, fences: seen ?? fences.get(partition) ?? null };
    const fence = statements.fence(partition, current);
    const answer = await session.writeIf(fence.statements, reachOf(partition));
    if (answer.kind === "applied") remember(partition, fence.next);
    if (answer.kind === "refused") remember(partition, standingOf(answer.row).fences);
    return answer.kind === "applied";
  }

  function remember(partition: string, seen: number | null): void {
    if (seen !== null) fences.set(partition, seen);
  }

  async function wasCommitted(partition: string, commitId: string): Promise<boolean> {
    const statement = { query: idsQuery, params: [partition] };
    for (let tries = 0; tries < triesMax; tries++) {
      const options = { reach: reachOf(partition), isSerial: true };
      const rows = await session.rows(statement, options);
      const ids = rows.filter((row) => row["section"] === sections.commits);
      if (ids.some((row) => row["value"] === commitId)) {
        wake(partition, false);
        return true;
      }
      // A "no" must stay true, also if the commit still lies in some node's inbox.
      if (await stop(partition, standingOf(rows[0]))) return false;
    }
    throw new Fault("STORE_UNAVAILABLE", { say: "it changes faster than it can be looked up" });
  }

  return {
    async commit(commit, call) {
      const checked = checkCommit(commit);
      const { partition } = checked;
      const hasEvents = commit.events.length > 0;
      const way = { isSent: false, isWithdrawn: false };
      const work = async () => {
        // The index and the sweep must be able to find it however soon it takes effect.
        await Promise.all([
          commit.hints.length > 0 && putHints(commit.hints, call),
          hasEvents && noteBegun(partition),
        ]);
        return inTurn(partition, async () => {
          assert(!way.isWithdrawn, "its caller was told that it was not sent");
          way.isSent = true;
          const revision = await send(commit, checked);
          if (hasEvents) committed(entryOf(checked, commit));
          return { revision };
        });
      };
      return untilAborted(work(), call.signal, (cause) => {
        way.isWithdrawn = !way.isSent;
        return way.isSent ? commitUnknown(partition, cause) : cause;
      });
    },
    async wasCommitted(id, commitId) {
      const partition = partitionText(id);
      return inTurn(partition, () => wasCommitted(partition, commitId));
    },
  };
}

function entryOf(checked: CheckedCommit, { events }: Commit): OutboxEntry {
  const { partition } = checked;
  const last = events.at(-1)?.sequence ?? 0;
  return { partition, last, count: events.length, events: eventsText(checked) };
}

/** @throws Fault `PLACEMENT_CHANGED`; AssertionError when the events do not go on. */
function checkRefusal(commit: Commit, partition: string, row: types.Row): void {
  const { expectedRevision, events } = commit;
  const revision = numberOf(row["revision"]);
  if (revision !== expectedRevision) throw placementChanged(partition, expectedRevision, revision);
  const [first] = events;
  if (!first || commit.startsAfter !== undefined) return;
  const lastSequence = numberOf(row["last_sequence"]);
  assert(
    first.sequence === lastSequence + 1,
    `${partition}: event ${first.sequence} does not go on from ${lastSequence}`,
  );
}

function standingOf(row: types.Row | undefined): Standing {
  return {
    revision: numberOrNull(row?.["revision"]),
    fences: numberOrNull(row?.["fences"]),
  };
}
