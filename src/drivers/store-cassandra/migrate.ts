import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../core/errors/fault.js";
import { migrationsOf, type Tables, tablesOf } from "./schema.js";
import { openSession, type Session, type SessionOptions, takenEffect } from "./session.js";

export interface MigrateOptions extends SessionOptions {
  readonly keyspace: string;
  /** Copies in each data centre, by its name in Cassandra. */
  readonly replicas: Readonly<Record<string, number>>;
}

const lockS = 60;
const lockTriesMax = 120;
const lockPauseMs = 1_000;
const nameForm = /^[a-z][a-z0-9_]{0,47}$/;

/**
 * Makes the keyspace and its tables, or brings them up to date. May run twice, and twice at once.
 * Never changes the replication of a keyspace that is there.
 *
 * @throws Fault `CONFIG_INVALID`: a name is none, or the tables are of a newer Muster.
 * @throws Fault `STORE_UNAVAILABLE`
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  checkName("keyspace", options.keyspace);
  const copies = Object.entries(options.replicas).map(([dataCenter, count]) => {
    if (!/^[A-Za-z0-9_-]{1,48}$/.test(dataCenter) || !Number.isInteger(count) || count < 1)
      throw configInvalid(`replicas: ${dataCenter} must be a data centre with a count of copies`);
    return `, '${dataCenter}': ${count}`;
  });
  const session = await openSession(options);
  try {
    const tables = tablesOf(options.keyspace);
    await session.define(`CREATE KEYSPACE IF NOT EXISTS ${options.keyspace}
      WITH replication = {'class': 'NetworkTopologyStrategy'${copies.join("")}}`);
    await session.define(
      `CREATE TABLE IF NOT EXISTS ${tables.facts} (name text PRIMARY KEY, value text)`,
    );
    await withLock(session, tables, () => bringUpToDate(session, tables));
  } finally {
    await session.close();
  }
}

/**
 * The feed's name, if the tables are what this Muster works with.
 *
 * @throws Fault `CONFIG_INVALID`: they are not; `musterctl` and docs/cassandra.md tell what to do.
 */
export async function checkSchema(session: Session, keyspace: string): Promise<string> {
  checkName("keyspace", keyspace);
  const tables = tablesOf(keyspace);
  const facts = await readFacts(session, tables).catch((error: unknown) => {
    throw isUnknownTable(error) ? outOfDate(keyspace, 0) : error;
  });
  const version = Number(facts.get("version") ?? 0);
  const newest = migrationsOf(tables).length;
  if (version > newest) throw tooNew(keyspace);
  if (version < newest) throw outOfDate(keyspace, version);
  return facts.get("feed") ?? "";
}

async function bringUpToDate(session: Session, tables: Tables): Promise<void> {
  const migrations = migrationsOf(tables);
  const facts = await readFacts(session, tables);
  const done = Number(facts.get("version") ?? 0);
  if (done > migrations.length) throw tooNew(tables.facts);
  for (const statements of migrations.slice(done))
    for (const statement of statements) await session.define(statement);
  const note = `INSERT INTO ${tables.facts} (name, value) VALUES (?, ?)`;
  const feed = crypto.randomUUID().slice(0, 8);
  takenEffect(
    await session.writeIf(
      [{ query: `${note} IF NOT EXISTS`, params: ["feed", feed] }],
      "everywhere",
    ),
  );
  const version = String(migrations.length);
  await session.write([{ query: note, params: ["version", version] }], "everywhere");
}

/** Two that define the same table at once would leave the nodes with different ideas of it. */
async function withLock(
  session: Session,
  tables: Tables,
  work: () => Promise<void>,
): Promise<void> {
  const owner = crypto.randomUUID();
  const take = `INSERT INTO ${tables.facts} (name, value) VALUES ('migrating', ?)
    IF NOT EXISTS USING TTL ${lockS}`;
  const giveBack = `DELETE FROM ${tables.facts} WHERE name = 'migrating' IF value = ?`;
  for (let tries = 1; ; tries++) {
    if (takenEffect(await session.writeIf([{ query: take, params: [owner] }], "everywhere"))) break;
    if (tries === lockTriesMax)
      throw new Fault("STORE_UNAVAILABLE", { say: "another migration is under way" });
    await sleep(lockPauseMs);
  }
  try {
    await work();
  } finally {
    await session.writeIf([{ query: giveBack, params: [owner] }], "everywhere");
  }
}

async function readFacts(session: Session, tables: Tables): Promise<ReadonlyMap<string, string>> {
  const query = `SELECT name, value FROM ${tables.facts} WHERE name IN ('version', 'feed')`;
  const rows = await session.rows({ query, params: [] }, { reach: "everywhere" });
  return new Map(rows.map((row) => [row["name"] as string, row["value"] as string]));
}

function checkName(field: string, name: string): void {
  if (nameForm.test(name)) return;
  throw configInvalid(
    `${field}: ${name} must be of a-z, 0-9 and _, begin with a letter, 48 at most`,
  );
}

function configInvalid(say: string): Fault {
  return new Fault("CONFIG_INVALID", { say });
}

function tooNew(name: string): Fault {
  return configInvalid(`${name} was written by a newer Muster`);
}

function outOfDate(keyspace: string, version: number): Fault {
  return configInvalid(`keyspace ${keyspace} has tables of version ${version}: migrate it first`);
}

/** Also that of an unknown keyspace. */
function isUnknownTable(error: unknown): boolean {
  const cause =
    error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return cause?.code === 0x2200;
}
