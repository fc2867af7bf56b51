import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Store } from "../../src/core/ports/store.js";
import { createMemoryStore } from "../../src/drivers/store-memory/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { patientCall } from "../contract/store-samples.js";
import { createRunningClock } from "../drivers/running-clock.js";
import { createTestFolder } from "../drivers/sqlite-files.js";
import { createRandom } from "../simulation/virtual-clock.js";
import { alone, assertSame, breakingAfter, exported, imported, play, steps } from "./stores.js";

const runs = 30;

type Open = (folder: Awaited<ReturnType<typeof createTestFolder>>) => Promise<Store>;

const kinds: Readonly<Record<string, Open>> = {
  async memory() {
    return createMemoryStore({ clock: createRunningClock(), random: createRandom(1) });
  },
  async SQLite(folder) {
    const path = folder.file(`${randomUUID()}.db`);
    return createSqliteStore({ path, clock: createRunningClock() });
  },
};

async function withStores(
  opens: readonly Open[],
  body: (stores: readonly Store[]) => Promise<void>,
): Promise<void> {
  const folder = await createTestFolder();
  const stores = await Promise.all(opens.map((open) => open(folder)));
  try {
    await body(stores);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await folder.remove();
  }
}

for (const [from, to] of [
  ["memory", "SQLite"],
  ["SQLite", "memory"],
] as const)
  describe(`from ${from} to ${to}`, () => {
    test("M3.2 what is exported, imported and exported again is the same", async () => {
      const property = fc.asyncProperty(steps, async (all) => {
        await withStores([kinds[from]!, kinds[to]!], async (stores) => {
          const [source, target] = stores.map(alone);
          await play(stores[0]!, all);
          const before = await exported(source!);
          await imported(target!, before);
          assertSame(await exported(target!), before);
        });
      });
      await fc.assert(property, { numRuns: runs });
    });

    test("M3.2 an import that breaks off anywhere goes on to the same end", async () => {
      let broke = 0;
      const property = fc.asyncProperty(steps, fc.nat(3), async (all, commits) => {
        await withStores([kinds[from]!, kinds[to]!], async ([source, target]) => {
          await play(source!, all);
          const before = await exported(alone(source!));
          const breaking = breakingAfter(target!, commits);
          await imported(alone(breaking.store), before).catch(() => {});
          if (breaking.broke()) broke += 1;
          await imported(alone(target!), before, true);
          assertSame(await exported(alone(target!)), before);
        });
      });
      await fc.assert(property, { numRuns: runs });
      assert.ok(broke > runs / 4, `only ${broke} broke off`);
    });
  });

test("M3.2 a placement with thousands of large rows moves in commits that a store takes", async () => {
  await withStores([kinds["SQLite"]!, kinds["SQLite"]!], async ([source, target]) => {
    const partition = { scope: "placement", key: "acme/web/iad" } as const;
    const call = patientCall();
    const sizes = [...Array.from({ length: 3_000 }, () => 2_000), 5_000_000, 100, 6_000_000];
    for (const [n, size] of sizes.entries()) {
      const row = { kind: "server", key: `k${n}`, value: JSON.stringify("é".repeat(size / 2)) };
      const commit = { partition, expectedRevision: n, commitId: `c${n}`, puts: [row] };
      await source!.commit({ ...commit, deletes: [], events: [], hints: [] }, call);
    }
    const before = await exported(alone(source!));
    await imported(alone(target!), before);
    assertSame(await exported(alone(target!)), before);
    assert.ok((await target!.load(partition, [], call)).revision < 20);
  });
});
