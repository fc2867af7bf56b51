import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "../../core/errors/fault.js";
import { type Database, openFile, prepareRows, sqliteCode, sqliteCodes } from "./database.js";

/** What makes a file this kind of file. Migrations are numbered from 1 by their place. */
export interface Schema {
  /** Stored as SQLite's `application_id`, so that one kind is never opened as the other. */
  readonly applicationId: number;
  /** Each is idempotent: `IF NOT EXISTS`, `OR IGNORE`. Never edited once released. */
  readonly migrations: readonly string[];
  /**
   * "full": what was acknowledged survives a power cut. "normal": the newest of it may not, but the
   * file stays whole; for what is filled again from elsewhere.
   */
  readonly durability: "full" | "normal";
}

/**
 * Opens the file for this process alone, durable, migrated to the newest schema.
 *
 * @throws Fault `STORE_UNAVAILABLE`: another process holds it, or it cannot be opened; names the
 * file.
 * @throws Fault `CONFIG_INVALID`: not a file of this kind, or of a newer Muster.
 */
export async function openDatabase(path: string, schema: Schema): Promise<Database> {
  try {
    createPrivately(path);
    const db = await openFile(path);
    try {
      configure(db, schema);
      migrate(db, path, schema);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw error instanceof Fault ? error : openFault(path, error);
  }
}

/**
 * It holds tenants' credentials, if encrypted ones. SQLite gives its side files the same mode.
 * A file that is there is not touched: to close any descriptor of it would drop this process's
 * locks on it, those of a store that is open already included.
 */
function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function configure(db: Database, { durability }: Schema): void {
  // The exclusive lock comes with the first access and goes with the process, kill -9 included.
  db.exec("PRAGMA busy_timeout = 0");
  db.exec("PRAGMA locking_mode = EXCLUSIVE");
  db.exec("PRAGMA journal_mode = WAL");
  // Said always: drivers and builds have defaults of their own.
  db.exec(`PRAGMA synchronous = ${durability}`);
  db.exec(`PRAGMA cache_size = -${cacheKibibytes}`);
  db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  db.exec(`PRAGMA journal_size_limit = ${walBytesMax}`);
  db.exec("BEGIN IMMEDIATE; COMMIT");
}

const cacheKibibytes = 32_768;
const checkpointPages = 4_000;
const walBytesMax = 64 * 1024 * 1024;

function migrate(db: Database, path: string, { applicationId, migrations }: Schema): void {
  const version = pragma(db, "user_version");
  const owner = pragma(db, "application_id");
  if (owner !== applicationId && (owner !== 0 || version !== 0)) throw foreignFault(path);
  if (version > migrations.length) throw newerFault(path, version, migrations.length);
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(sql);
      db.exec(`PRAGMA application_id = ${applicationId}`);
      db.exec(`PRAGMA user_version = ${index + 1}`);
      db.exec("COMMIT");
    } catch (error) {
      rollBack(db);
      throw error;
    }
  }
}

function pragma(db: Database, name: string): number {
  return prepareRows<[number]>(db, `PRAGMA ${name}`).get()?.[0] ?? 0;
}

/** SQLite itself rolls back after some errors; then there is nothing left to do. */
export function rollBack(db: Database): void {
  try {
    db.exec("ROLLBACK");
  } catch {
    // "no transaction is active": what we wanted.
  }
}

function openFault(path: string, cause: unknown): Fault {
  const code = sqliteCode(cause);
  const facts = { file: path };
  if (code === sqliteCodes.busy || code === sqliteCodes.locked)
    return new Fault("STORE_UNAVAILABLE", {
      say: `${path} is in use by another process: one Muster, one data file`,
      facts,
      cause,
    });
  if (code === sqliteCodes.notADatabase) return foreignFault(path, cause);
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new Fault("STORE_UNAVAILABLE", {
    say: `${path} cannot be opened: ${detail}`,
    facts,
    cause,
  });
}

function foreignFault(path: string, cause?: unknown): Fault {
  return new Fault("CONFIG_INVALID", {
    say: `${path} is not a data file of this kind; it was left as it is`,
    facts: { file: path },
    cause,
  });
}

function newerFault(path: string, version: number, versionMax: number): Fault {
  return new Fault("CONFIG_INVALID", {
    say: `${path} has schema ${version}, made by a newer Muster; this one knows up to ${versionMax}`,
    facts: { file: path },
  });
}
