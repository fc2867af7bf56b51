import type { Journal, JournalQuery } from "../../src/core/ports/journal.js";
import type { FeedEntry } from "../../src/core/ports/store.js";
import { countTo, eventOf, placement } from "./store-samples.js";

export interface JournalHarness {
  /** A fresh, empty journal. */
  open(): Promise<JournalBench>;
}

export interface JournalBench {
  readonly journal: Journal;
  /** Returns when all that was appended can be found; a journal may need a moment. */
  settle(): Promise<void>;
  dispose(): Promise<void>;
}

export type JournalCase = (title: string, body: (bench: JournalBench) => Promise<void>) => void;

/** The feed's entries of some events of one placement, 1 ms apart from 1,001 ms on. */
export function entriesOf(
  count: number,
  over: (n: number) => Partial<FeedEntry["event"]> = () => ({}),
): readonly FeedEntry[] {
  return countTo(count).map((n) => ({
    event: eventOf(placement("web"), n, over(n)),
    cursor: `cursor-${n}`,
  }));
}

export function queryOf(over: Partial<JournalQuery> = {}): JournalQuery {
  return { account: "acme", order: "newestFirst", eventsMax: 100, ...over };
}
