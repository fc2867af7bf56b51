import type { FeedEntry, Store } from "../../core/ports/store.js";
import { createRecent } from "../recent.js";

/** The feed for many readers: those that stand at the same place share what is read. */
export interface Pages {
  after(cursor: string): Promise<readonly FeedEntry[]>;
}

const entriesMax = 200;
const pagesMax = 50;

export function createPages(store: Pick<Store, "readFeed">, signal: AbortSignal): Pages {
  const reading = new Map<string, Promise<readonly FeedEntry[]>>();
  const full = createRecent<string, readonly FeedEntry[]>(pagesMax);

  async function read(cursor: string): Promise<readonly FeedEntry[]> {
    try {
      const page = await store.readFeed(cursor, entriesMax, { signal });
      // Only a page that nothing more comes into is the same for whoever comes later.
      if (page.length === entriesMax) full.set(cursor, page);
      return page;
    } finally {
      reading.delete(cursor);
    }
  }

  return {
    after(cursor) {
      const known = full.get(cursor);
      if (known) return Promise.resolve(known);
      const under = reading.get(cursor) ?? read(cursor);
      reading.set(cursor, under);
      return under;
    },
  };
}
