import { type Hint, type HintKey, isBusyIndex, type Store } from "../../core/ports/store.js";
import { checkHints } from "../store-rules/check-commit.js";
import { boundPage, pageLimits } from "../store-rules/page-limits.js";
import { createBusyIndexes } from "./busy-indexes.js";
import { groupBy } from "./group-by.js";
import { createPlaces, type Place } from "./hint-places.js";
import type { Tables } from "./schema.js";
import { numberOf, type Session, type Statement } from "./session.js";

const statementsPerBatch = 100;

type HintMethods = Pick<Store, "putHints" | "deleteHints" | "listHints">;

/** Indexes: their keys in order, in one partition or in some. Plain writes, the newest wins. */
export function createHints(session: Session, tables: Tables): HintMethods {
  const places = createPlaces(tables);
  const busy = createBusyIndexes(session, tables);
  const list = `SELECT key, value FROM ${tables.hints} WHERE name = ? AND key > ? LIMIT ?`;

  async function put({ statements, at }: Place, hints: readonly Hint[]): Promise<void> {
    const { put: query } = statements;
    const writes = hints.map(({ key, value }) => ({ query, params: [...at, key, value] }));
    await session.write(writes, "colo");
  }

  async function remove({ statements, at }: Place, hints: readonly HintKey[]): Promise<void> {
    const keys = hints.map(({ key }) => key);
    const seen = { query: statements.written, params: [...at, keys] };
    // As old as what was seen: a hint that another node writes meanwhile stays, whatever the
    // difference between its clock and ours.
    const deletions = (await session.rows(seen, { reach: "colo" })).map(
      (row): Statement => ({
        query: statements.remove,
        params: [numberOf(row["at"]), ...at, row["key"]],
      }),
    );
    if (deletions.length > 0) await session.write(deletions, "colo");
  }

  return {
    async putHints(hints) {
      checkHints(hints);
      for (const [index, those] of groupBy(hints, indexOf)) {
        if (isBusyIndex(index)) await busy.note(index);
        await inBatches(those, ({ key }) => places.of(index, key), put);
      }
    },
    async deleteHints(hints) {
      checkHints(hints);
      for (const [index, those] of groupBy(hints, indexOf)) {
        const former = places.formerly(index);
        if (former) await inBatches(those, () => former, remove);
        await inBatches(those, ({ key }) => places.of(index, key), remove);
      }
    },
    async listHints({ index, afterKey, hintsMax }) {
      const limit = boundPage(hintsMax, pageLimits.hintsMax);
      if (isBusyIndex(index)) return busy.list({ index, afterKey, limit });
      const statement = { query: list, params: [index, afterKey, limit] };
      const rows = await session.rows(statement, { reach: "colo" });
      return rows.map((row) => ({
        index,
        key: row["key"] as string,
        value: row["value"] as string,
      }));
    },
  };
}

const indexOf = ({ index }: HintKey) => index;

/** Those of one partition together: a batch over several would be a burden. */
async function inBatches<Item extends HintKey>(
  items: readonly Item[],
  placeOf: (item: Item) => Place,
  send: (place: Place, batch: readonly Item[]) => Promise<void>,
): Promise<void> {
  const placed = items.map((item) => ({ item, place: placeOf(item) }));
  const groups = groupBy(placed, ({ place }) => place.at.join(" "));
  await Promise.all(
    [...groups.values()].map(async (group) => {
      for (let start = 0; start < group.length; start += statementsPerBatch) {
        const batch = group.slice(start, start + statementsPerBatch);
        await send(
          batch[0]!.place,
          batch.map(({ item }) => item),
        );
      }
    }),
  );
}
