import type { Store } from "../../core/ports/store.js";
import { checkHints } from "../store-rules/check-commit.js";
import { boundPage, pageLimits } from "../store-rules/page-limits.js";
import type { Tables } from "./schema.js";
import { numberOf, type Session, type Statement } from "./session.js";

const statementsPerBatch = 100;

type HintMethods = Pick<Store, "putHints" | "deleteHints" | "listHints">;

/** Indexes: one partition each, its keys in order. Plain writes, the newest wins. */
export function createHints(session: Session, tables: Tables): HintMethods {
  const put = `INSERT INTO ${tables.hints} (name, key, value) VALUES (?, ?, ?)`;
  const remove = `DELETE FROM ${tables.hints} USING TIMESTAMP ? WHERE name = ? AND key = ?`;
  const written = `SELECT key, WRITETIME(value) AS at FROM ${tables.hints}
    WHERE name = ? AND key IN ?`;
  const list = `SELECT key, value FROM ${tables.hints} WHERE name = ? AND key > ? LIMIT ?`;

  return {
    async putHints(hints) {
      checkHints(hints);
      await inBatches(hints, (batch) =>
        session.write(
          batch.map(({ index, key, value }) => ({ query: put, params: [index, key, value] })),
          "colo",
        ),
      );
    },
    async deleteHints(hints) {
      checkHints(hints);
      await inBatches(hints, async (batch) => {
        const [{ index } = { index: "" }] = batch;
        const keys = batch.map(({ key }) => key);
        const rows = await session.rows(
          { query: written, params: [index, keys] },
          {
            reach: "colo",
          },
        );
        // As old as what was seen: a hint that another node writes meanwhile stays, whatever the
        // difference between its clock and ours.
        const deletions = rows.map(
          (row): Statement => ({ query: remove, params: [numberOf(row["at"]), index, row["key"]] }),
        );
        if (deletions.length > 0) await session.write(deletions, "colo");
      });
    },
    async listHints({ index, afterKey, hintsMax }) {
      const limit = boundPage(hintsMax, pageLimits.hintsMax);
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

/** Those of one index at once: a batch over several partitions would be a burden. */
async function inBatches<Item extends { readonly index: string }>(
  items: readonly Item[],
  send: (batch: readonly Item[]) => Promise<void>,
): Promise<void> {
  for (const name of new Set(items.map(({ index }) => index))) {
    const those = items.filter(({ index }) => index === name);
    for (let start = 0; start < those.length; start += statementsPerBatch)
      await send(those.slice(start, start + statementsPerBatch));
  }
}
