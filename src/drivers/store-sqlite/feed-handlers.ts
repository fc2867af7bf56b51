import { type Database, prepareRows } from "../sqlite-worker/database.js";
import { done, type Handlers, type Outcome, refused } from "../sqlite-worker/protocol.js";
import { cursorExpired, cursorInvalid } from "../store-rules/faults.js";
import type { StoreOperations, TrimFeedArgs } from "./operations.js";

type FeedOperations = Pick<StoreOperations, "readFeed" | "feedHead" | "trimFeed">;

const trimmedPerTurnMax = 2_000;

/** Worker side: the events of all partitions in the order of their commits. */
export function createFeedHandlers(db: Database): Handlers<FeedOperations> {
  const fact = prepareRows<[string]>(db, "SELECT value FROM facts WHERE name = ?");
  const feed = fact.get("feed")?.[0] ?? "";
  const page = prepareRows<[number, string]>(
    db,
    "SELECT position, event FROM feed WHERE position > ? ORDER BY position LIMIT ?",
  );
  const newest = prepareRows<[number]>(db, "SELECT seq FROM sqlite_sequence WHERE name = 'feed'");
  const head = () => newest.get()?.[0] ?? 0;
  const trimmed = () => Number(fact.get("trimmed")?.[0] ?? 0);
  const trim = createTrim(db);

  /** Position behind which a reader goes on; the beginning is that of what is kept. */
  const positionOf = (cursor: string): Outcome<number> => {
    if (cursor === "") return done(trimmed());
    const position = decode(feed, cursor);
    if (position === undefined || position > head()) return refused(cursorInvalid());
    return done(position);
  };

  return {
    readFeed: {
      writes: false,
      run({ after, entriesMax }) {
        const start = positionOf(after);
        if (start.kind !== "done") return start;
        const kept = trimmed();
        if (start.value < kept) return refused(cursorExpired(encode(feed, kept)));
        const entries = page.all(start.value, entriesMax);
        return done(entries.map(([position, event]) => [encode(feed, position), event] as const));
      },
    },
    feedHead: { writes: false, run: () => done(encode(feed, head())) },
    trimFeed: {
      writes: true,
      run({ olderThanMs, before }: TrimFeedArgs) {
        const end = positionOf(before);
        return end.kind === "done" ? done(trim(olderThanMs, end.value)) : end;
      },
    },
  };
}

/** Trims from the front alone: a hole further back would be a gap that no cursor can tell. */
function createTrim(db: Database): (olderThanMs: number, last: number) => boolean {
  const front = prepareRows<[number, number]>(
    db,
    "SELECT position, at_ms FROM feed WHERE position <= ? ORDER BY position LIMIT ?",
  );
  const remove = db.prepare("DELETE FROM feed WHERE position <= ?");
  const note = db.prepare("UPDATE facts SET value = ? WHERE name = 'trimmed'");
  return (olderThanMs, last) => {
    const candidates = front.all(last, trimmedPerTurnMax);
    const kept = candidates.findIndex(([, atMs]) => atMs >= olderThanMs);
    const old = kept === -1 ? candidates : candidates.slice(0, kept);
    const position = old.at(-1)?.[0];
    if (position === undefined) return false;
    remove.run(position);
    note.run(String(position));
    return old.length === trimmedPerTurnMax;
  };
}

function encode(feed: string, position: number): string {
  return `${feed}-${position.toString(36)}`;
}

/** Undefined for anything that `encode` did not make, or made for another file. */
function decode(feed: string, cursor: string): number | undefined {
  const text = cursor.startsWith(`${feed}-`) ? cursor.slice(feed.length + 1) : "";
  if (!/^(0|[1-9a-z][0-9a-z]{0,9})$/.test(text)) return undefined;
  return Number.parseInt(text, 36);
}
