import type { Hint, HintKey, Store } from "../../core/ports/store.js";
import type { Later } from "../later.js";

/**
 * What many runs leave in the index of due times, written together. What is put is there before
 * what was deleted with it is gone, so that a crash between the two loses nothing.
 */
export interface IndexWrites {
  put(hint: Hint): void;
  delete(hint: Hint): void;
  /** Whether it is on its way out. */
  isLeaving(hint: HintKey): boolean;
}

const delayMs = 50;
const pageMax = 500;

export function createIndexWrites(deps: {
  readonly store: Pick<Store, "putHints" | "deleteHints">;
  readonly later: Later;
  readonly signal: AbortSignal;
}): IndexWrites {
  const { store, later, signal } = deps;
  const puts = new Map<string, Hint>();
  const deletes = new Map<string, Hint>();
  let isOnItsWay = false;

  const textOf = ({ index, key }: HintKey) => `${index} ${key}`;

  async function write(): Promise<void> {
    const leaving = [...deletes];
    for (const page of pagesOf([...puts])) {
      await store.putHints(
        page.map(([, hint]) => hint),
        { signal },
      );
      for (const [text] of page) puts.delete(text);
    }
    // What was put again meanwhile stays: it is not among the deletes any more.
    for (const page of pagesOf(leaving)) {
      const still = page.filter(([text]) => deletes.has(text));
      await store.deleteHints(
        still.map(([, hint]) => hint),
        { signal },
      );
      for (const [text] of still) deletes.delete(text);
    }
    isOnItsWay = false;
    soon();
  }

  function soon(): void {
    if (isOnItsWay || puts.size + deletes.size === 0) return;
    isOnItsWay = true;
    later(delayMs, write);
  }

  return {
    put(hint) {
      puts.set(textOf(hint), hint);
      deletes.delete(textOf(hint));
      soon();
    },
    delete(hint) {
      deletes.set(textOf(hint), hint);
      soon();
    },
    isLeaving: (hint) => deletes.has(textOf(hint)),
  };
}

function pagesOf<One>(all: readonly One[]): readonly (readonly One[])[] {
  const pages: One[][] = [];
  for (let at = 0; at < all.length; at += pageMax) pages.push(all.slice(at, at + pageMax));
  return pages;
}
