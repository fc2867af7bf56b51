import { describe } from "node:test";
import { storeCommitCases } from "./store-commit-cases.js";
import { storeFeedCases } from "./store-feed-cases.js";
import { type StoreHarness, storeCases } from "./store-harness.js";
import { storeHintCases } from "./store-hint-cases.js";
import { storeMoveCases } from "./store-move-cases.js";
import { storePropertyCases } from "./store-property-cases.js";
import { storeRefusalCases } from "./store-refusal-cases.js";

export type { StoreBench, StoreHarness } from "./store-harness.js";

/** What every `Store` keeps, ours or a stranger's (src/core/ports/store.ts). */
export function storeContract(name: string, harness: StoreHarness): void {
  describe(`Store contract: ${name}`, () => {
    const check = storeCases(harness);
    storeCommitCases(check);
    storeRefusalCases(check);
    storeFeedCases(check);
    storeHintCases(check);
    storeMoveCases(check);
    storePropertyCases(check);
  });
}
