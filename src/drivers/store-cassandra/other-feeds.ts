import type { ColoId } from "../../core/model/ids.js";
import type { Call } from "../../core/ports/call.js";
import type { Clock } from "../../core/ports/clock.js";
import type { OtherFeed } from "../../core/ports/store.js";
import { parseCursor } from "./cursor.js";
import { createFeedReader } from "./feed-reader.js";
import type { Tables } from "./schema.js";
import { createSegments } from "./segments.js";
import type { Session } from "./session.js";

export interface OtherFeedsParts {
  readonly session: Session;
  readonly tables: Tables;
  readonly clock: Clock;
  /** The store's own. */
  readonly colo: string;
  readonly feedOf: (colo: string) => string;
  readonly heed: <Value>(call: Call, work: () => Promise<Value>) => Promise<Value>;
}

/** Colos come seldom; a new one's first events wait that long to be seen elsewhere. */
const lookEveryMs = 10_000;

/** The feeds that other colos write, as this colo's replicas have them. */
export function createOtherFeeds(
  parts: OtherFeedsParts,
): () => Promise<ReadonlyMap<ColoId, OtherFeed>> {
  const { session, tables, clock, colo, feedOf, heed } = parts;
  const query = `SELECT colo FROM ${tables.feedHeads}`;
  let known: ReadonlyMap<ColoId, OtherFeed> = new Map();
  let lookedAtMs = Number.NEGATIVE_INFINITY;

  function open(other: string): OtherFeed {
    const feed = feedOf(other);
    const reader = createFeedReader({ segments: createSegments(session, tables, other), feed });
    return {
      readFeed: (after, max, call) => heed(call, () => reader.readFeed(after, max, call)),
      feedHead: (call) => heed(call, () => reader.feedHead(call)),
      isCursor: (text) => parseCursor(feed, text) !== undefined,
    };
  }

  return async () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lookedAtMs < lookEveryMs) return known;
    const rows = await session.rows({ query, params: [] }, { reach: "colo" });
    const others = rows.map((row) => row["colo"] as ColoId).filter((one) => one !== colo);
    known = new Map(others.map((one) => [one, known.get(one) ?? open(one)]));
    lookedAtMs = nowMs;
    return known;
  };
}
