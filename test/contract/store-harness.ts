import { test } from "node:test";
import type { Commit, Store } from "../../src/core/ports/store.js";

/** How the suite gets at a store, and does to it what a port cannot say. */
export interface StoreHarness {
  /** A fresh, empty store. */
  open(): Promise<StoreBench>;
}

export interface StoreBench {
  readonly store: Store;
  nowMs(): number;
  /** Moves the store's wall clock on. */
  advance(ms: number): void;
  /**
   * Sends the commit and loses its answer; gives what the caller was thrown. With others under way
   * it may be CANCELLED before it was sent.
   */
  commitLosingAnswer(commit: Commit): Promise<unknown>;
  /** How many answers were truly lost, so that a test knows that its fault was there. */
  answersLost(): number;
  /** Ends what `open` began; the store may be closed already. */
  dispose(): Promise<void>;
}

export type StoreCase = (title: string, body: (bench: StoreBench) => Promise<void>) => void;

export function storeCases(harness: StoreHarness): StoreCase {
  return (title, body) => {
    test(title, async () => {
      const bench = await harness.open();
      try {
        await body(bench);
      } finally {
        await bench.dispose();
      }
    });
  };
}
