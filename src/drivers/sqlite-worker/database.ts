import assert from "node:assert/strict";

/** The part of `node:sqlite` that we use; both drivers have it. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export interface Statement {
  run(...values: readonly SqlValue[]): {
    changes: number | bigint;
    lastInsertRowid: number | bigint;
  };
  get(...values: readonly SqlValue[]): unknown;
  all(...values: readonly SqlValue[]): unknown[];
  setReturnArrays(enabled: boolean): void;
}

export type SqlValue = string | number | null;

/**
 * Node's own SQLite where it has a good one (its first versions carry a WAL bug that can corrupt
 * the file), else the same API as a package, which loads without a compiler.
 */
export async function openFile(
  path: string,
  options: OpenOptions = { readOnly: false },
): Promise<Database> {
  const { DatabaseSync } = hasGoodSqlite(process.versions.node)
    ? builtin()
    : ((await import("@photostructure/sqlite")) as SqliteModule);
  return new DatabaseSync(path, options);
}

export function hasGoodSqlite(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  return major >= 24 || (major === 22 && minor >= 23);
}

interface OpenOptions {
  readonly readOnly: boolean;
}

interface SqliteModule {
  readonly DatabaseSync: new (path: string, options: OpenOptions) => Database;
}

function builtin(): SqliteModule {
  const found = process.getBuiltinModule("node:sqlite") as SqliteModule | undefined;
  assert(found, "this Node was built without SQLite");
  return found;
}

/** A prepared statement that gives its rows as arrays: no object per row, no name per value. */
export function prepareRows<Columns extends readonly unknown[]>(db: Database, sql: string) {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  return {
    all: (...values: readonly SqlValue[]) => statement.all(...values) as Columns[],
    get: (...values: readonly SqlValue[]) => statement.get(...values) as Columns | undefined,
  };
}

/** SQLite's primary result code of an error, or undefined when it is not SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

/** https://sqlite.org/rescode.html: the ones that tell of the machine, not of a bug in our SQL. */
export const sqliteCodes = {
  busy: 5,
  locked: 6,
  noMemory: 7,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;
