import { type Database, prepareRows } from "../sqlite-worker/database.js";
import { done, type Handlers } from "../sqlite-worker/protocol.js";
import type { StoreOperations } from "./operations.js";

/** Worker side: what there is, by name. */
export function createNameHandlers(db: Database): Handlers<Pick<StoreOperations, "listNames">> {
  const behind = "WHERE name > ? ORDER BY name LIMIT ?";
  const pages = {
    partitions: prepareRows<[string]>(db, `SELECT name FROM partitions ${behind}`),
    indexes: prepareRows<[string]>(db, `SELECT DISTINCT name FROM hints ${behind}`),
  };
  return {
    listNames: {
      writes: false,
      run({ of, after, namesMax }) {
        const names = pages[of].all(after, namesMax).map(([name]) => name);
        return done({ names, next: names.length === namesMax ? names.at(-1) : undefined });
      },
    },
  };
}
