import type { Database } from "../sqlite-worker/database.js";
import { done, type Handlers } from "../sqlite-worker/protocol.js";
import type { StoreOperations } from "./operations.js";
import { newFeedName } from "./schema.js";

/** Worker side: a copy of the file, as it stands between two commits. Others wait meanwhile. */
export function createBackUpHandlers(db: Database): Handlers<Pick<StoreOperations, "backUp">> {
  return {
    backUp: {
      // Not a change of this file, and SQLite allows none of it in a transaction.
      writes: false,
      run(file) {
        db.prepare("VACUUM INTO ?").run(file);
        db.prepare("ATTACH ? AS copy").run(file);
        try {
          db.exec(`UPDATE copy.facts SET value = ${newFeedName} WHERE name = 'feed'`);
        } finally {
          db.exec("DETACH copy");
        }
        return done(undefined);
      },
    },
  };
}
