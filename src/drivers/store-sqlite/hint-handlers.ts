import { type Database, prepareRows } from "../sqlite-worker/database.js";
import { done, type Handlers } from "../sqlite-worker/protocol.js";
import type { KeyValue, StoreOperations } from "./operations.js";

type HintOperations = Pick<StoreOperations, "putHints" | "deleteHints" | "listHints">;

/** Worker side: the indexes. Here they are exact; the port promises less. */
export function createHintHandlers(db: Database): Handlers<HintOperations> {
  const put = db.prepare("INSERT OR REPLACE INTO hints VALUES (?, ?, ?)");
  const remove = db.prepare("DELETE FROM hints WHERE name = ? AND key = ?");
  const page = prepareRows<KeyValue>(
    db,
    "SELECT key, value FROM hints WHERE name = ? AND key > ? ORDER BY key LIMIT ?",
  );
  return {
    putHints: {
      writes: true,
      run(hints) {
        for (const [index, key, value] of hints) put.run(index, key, value);
        return done(undefined);
      },
    },
    deleteHints: {
      writes: true,
      run(hints) {
        for (const [index, key] of hints) remove.run(index, key);
        return done(undefined);
      },
    },
    listHints: {
      writes: false,
      run: ({ index, afterKey, hintsMax }) => done(page.all(index, afterKey, hintsMax)),
    },
  };
}
