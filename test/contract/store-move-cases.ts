import { AssertionError } from "node:assert";
import assert from "node:assert/strict";
import type { NamesAsked, Store } from "../../src/core/ports/store.js";
import { parsePartition, partitionText } from "../../src/core/ports/store.js";
import type { StoreCase } from "./store-harness.js";
import {
  commitOf,
  countTo,
  eventOf,
  patientCall,
  placement,
  readWholeFeed,
  row,
  sequencesByPlacement,
} from "./store-samples.js";

const web = placement("web");

/** What moving an installation from one store to another needs. */
export function storeMoveCases(check: StoreCase): void {
  const call = patientCall();

  check("STORE-60 every partition and index is named once, page by page", async ({ store }) => {
    const partitions = countTo(23).map((n) => placement(`group-${n}`));
    const group = { scope: "group", key: "acme/web" } as const;
    for (const partition of [...partitions, group])
      await store.commit(commitOf(partition, 0, { puts: [row("a")] }), call);
    // One that has no rows any more was written all the same.
    const gone = { deletes: [{ kind: "server", key: "a" }] };
    await store.commit(commitOf(group, 1, gone), call);
    const quiet = countTo(7).map((n) => `groups/account-${n}`);
    const hints = ["asked/iad", "due/iad/0", ...quiet].flatMap((index) =>
      countTo(4).map((n) => ({ index, key: `group-${n}`, value: "" })),
    );
    await store.putHints(hints, call);
    for (const namesMax of [1, 5, 1_000]) {
      const found = await namesOf(store, { of: "partitions", namesMax });
      assert.deepEqual(found.toSorted(), [...partitions, group].map(partitionText).toSorted());
      const indexes = await namesOf(store, { of: "indexes", namesMax });
      assert.deepEqual(indexes.toSorted(), [...new Set(hints.map(({ index }) => index))]);
    }
    assert.deepEqual(parsePartition(partitionText(group)), group);
  });

  check("STORE-61 the events of a moved partition go on where they ended", async ({ store }) => {
    const [db, quiet] = [placement("db"), placement("quiet")];
    const kept = [41, 42].map((n) => eventOf(web, n));
    await store.commit(commitOf(web, 0, { events: kept, startsAfter: 40 }), call);
    await store.commit(commitOf(db, 0, { puts: [row("a")], startsAfter: 7 }), call);
    await store.commit(commitOf(quiet, 0, { puts: [row("a")], startsAfter: 0 }), call);
    assert.equal((await store.load(web, "all", call)).lastSequence, 42);
    assert.deepEqual(await store.load(db, "all", call), {
      ...{ revision: 1, lastSequence: 7 },
      rows: [row("a")],
    });
    await store.commit(commitOf(web, 1, { events: [eventOf(web, 43)] }), call);
    await store.commit(commitOf(db, 1, { events: [eventOf(db, 8)] }), call);
    await store.commit(commitOf(quiet, 1, { events: [eventOf(quiet, 1)] }), call);
    for (const entriesMax of [1, 100]) {
      const sequences = sequencesByPlacement(await readWholeFeed(store, "", entriesMax));
      assert.deepEqual(sequences.get(web.key), [41, 42, 43]);
      assert.deepEqual(sequences.get(db.key), [8]);
      assert.deepEqual(sequences.get(quiet.key), [1]);
    }
  });

  check("STORE-62 only a partition's first commit is a move's", async ({ store }) => {
    await store.commit(commitOf(web, 0, { events: [eventOf(web, 1)] }), call);
    for (const wrong of [
      commitOf(web, 1, { startsAfter: 1 }),
      commitOf(placement("db"), 0, { startsAfter: 3, events: [eventOf(placement("db"), 5)] }),
      commitOf(placement("db"), 0, { startsAfter: -1 }),
    ])
      await assert.rejects(store.commit(wrong, call), AssertionError);
    assert.equal((await store.load(web, "all", call)).revision, 1);
    assert.equal((await store.load(placement("db"), "all", call)).revision, 0);
  });
}

async function namesOf(
  store: Store,
  { of, namesMax }: Omit<NamesAsked, "after">,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page: Awaited<ReturnType<Store["listNames"]>> = await store.listNames(
      { of, namesMax, after },
      patientCall(),
    );
    assert.ok(page.names.length <= namesMax);
    found.push(...page.names);
    after = page.next;
  }
  return found;
}
