import { link, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openFile, sqliteCode, sqliteCodes } from "./database.js";

/**
 * Whether another process works with the data file. The file and what lies beside it stay as they
 * are, the newest commits of a crash included: it is opened to be read, under another name.
 *
 * @throws Error: it cannot be told, or the file is no data file.
 */
export async function isHeld(path: string): Promise<boolean> {
  const folder = await mkdtemp(join(dirname(path), ".held-"));
  try {
    // SQLite's locks are the file's, whatever its name; the log of changes goes by the name.
    const other = join(folder, "state.db");
    await link(path, other);
    const db = await openFile(other, { readOnly: true });
    try {
      db.exec("PRAGMA busy_timeout = 0; SELECT 1 FROM sqlite_schema");
      return false;
    } catch (error) {
      if (sqliteCode(error) === sqliteCodes.busy) return true;
      throw error;
    } finally {
      db.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
