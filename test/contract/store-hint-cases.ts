import assert from "node:assert/strict";
import type { Hint, Store } from "../../src/core/ports/store.js";
import type { StoreCase } from "./store-harness.js";
import { commitOf, countTo, patientCall, placement, row } from "./store-samples.js";

/** Indexes: never later than what they point to, listed in order. */
export function storeHintCases(check: StoreCase): void {
  const call = patientCall();
  const hint = (index: string, key: string, value = "v"): Hint => ({ index, key, value });
  const busy = "due/iad/0";

  check("STORE-40 a commit's hints are there when it is, for everyone", async ({ store }) => {
    const partitions = countTo(25).map((n) => placement(`group-${n}`));
    await Promise.all(
      partitions.map(async (partition) => {
        const hints = [hint("work", partition.key, "1")];
        await store.commit(commitOf(partition, 0, { puts: [row("a")], hints }), call);
        const listed = await listAll(store, "work", 100);
        assert.ok(listed.some(({ key }) => key === partition.key));
      }),
    );
    assert.equal((await listAll(store, "work", 4)).length, partitions.length);
  });

  check("STORE-41 hints are listed by the bytes of their keys, page by page", async ({ store }) => {
    // U+1F600 is after U+FF21 by code point, before it in UTF-16.
    const keys = ["", "A", "a", "a/b", "a0", "b", "é", "\uff21", "\u{1F600}", "\u{1F600}b"];
    const shuffled = [...keys.slice(5), ...keys.slice(0, 5)];
    const listed = keys.slice(1); // "" is the beginning, so nothing can be listed there.
    for (const index of ["due", busy]) {
      await store.putHints(
        shuffled.map((key) => hint(index, key)),
        call,
      );
      for (const hintsMax of [1, 3, 50]) {
        const found = await listAll(store, index, hintsMax);
        assert.deepEqual(
          found.map(({ key }) => key),
          listed,
        );
      }
    }
  });

  check("STORE-42 a hint is replaced and deleted by index and key", async ({ store }) => {
    for (const one of ["one", busy]) {
      await store.putHints([hint(one, "a", "1"), hint("two", "a", "2"), hint(one, "b")], call);
      await store.putHints([hint(one, "a", "3")], call);
      await store.deleteHints([hint(one, "b"), hint(one, "never"), hint("none", "a")], call);
      assert.deepEqual(await listAll(store, one, 10), [hint(one, "a", "3")]);
      assert.deepEqual(await listAll(store, "two", 10), [hint("two", "a", "2")]);
      await store.putHints([hint(one, "b", "again")], call);
      assert.equal((await listAll(store, one, 10)).length, 2);
    }
    await store.putHints([], call);
    await store.deleteHints([], call);
  });

  check("STORE-43 of a busy index every hint that stays is listed, and no other", async (bench) => {
    const { store } = bench;
    const all = countTo(600).map((n) => hint(busy, `acme/group-${1_000 + n}`, `${n}`));
    const [gone, stay] = [0, 1].map((rest) => all.filter((_, n) => Number(n % 4 === 3) === rest));
    await store.putHints(all, call);
    await store.deleteHints(gone!, call);
    for (const hintsMax of [1, 7, 100, 150, 600])
      assert.deepEqual(await listAll(store, busy, hintsMax), stay);
    const last = { index: busy, afterKey: stay!.at(-3)!.key, hintsMax: 2 };
    assert.deepEqual(await store.listHints(last, call), stay!.slice(-2));
    await store.putHints(gone!, call);
    assert.deepEqual(await listAll(store, busy, 100), all);
    await store.deleteHints(all, call);
    assert.deepEqual(await listAll(store, busy, 100), []);
  });
}

async function listAll(store: Store, index: string, hintsMax: number): Promise<readonly Hint[]> {
  const found: Hint[] = [];
  for (let afterKey = ""; ; ) {
    const page = await store.listHints({ index, afterKey, hintsMax }, patientCall());
    assert.ok(page.length <= hintsMax);
    found.push(...page);
    const last = page.at(-1);
    if (!last) return found;
    afterKey = last.key;
  }
}
