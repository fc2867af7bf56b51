import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../core/errors/fault.js";
import type { Migration } from "../../core/ports/store-definition.js";
import { migrationsOf, type Tables, tablesOf } from "./schema.js";
import { openSession, type Session, type SessionOptions, takenEffect } from "./session.js";
import {
  type Copies,
  checkName,
  readFacts,
  readReplication,
  sayCopies,
  tooNew,
  versionOf,
} from "./standing.js";

export interface MigrateOptions extends SessionOptions {
  readonly keyspace: string;
  readonly replicas: Copies;
}

const lockS = 60;
const lockTriesMax = 120;
const lockPauseMs = 1_000;

/**
 * Makes the keyspace and its tables, or brings them up to date. May run twice, and twice at once.
 * Never changes the replication of a keyspace that is there.
 *
 * @throws Fault `CONFIG_INVALID`: a name is none, or the tables are of a newer Muster.
 * @throws Fault `STORE_UNAVAILABLE`
 */
export async function migrate(
  options: MigrateOptions,
  { isDryRun }: { readonly isDryRun: boolean },
): Promise<Migration> {
  const { keyspace, replicas } = options;
  checkName(keyspace);
  const create = createKeyspace(keyspace, replicas);
  const session = await openSession(options);
  try {
    const tables = tablesOf(keyspace);
    const found = await readReplication(session, keyspace);
    const [is, asked] = [sayCopies(found ?? replicas), sayCopies(replicas)];
    const remarks =
      is === asked ? [] : [`the keyspace has copies ${is}; configured are ${asked}: left as it is`];
    const base = [...(found ? [] : [create]), createFacts(tables)];
    const plan = async () => {
      const from = versionOf(await readFacts(session, keyspace, "everywhere"));
      const migrations = migrationsOf(tables);
      if (from > migrations.length) throw tooNew(keyspace);
      const more = migrations.slice(from).flat();
      const statements = more.length === 0 ? [] : [...base, ...more].map(onOneLine);
      return { from, to: migrations.length, more, told: { statements, remarks } };
    };
    if (isDryRun) {
      const { from, to, told } = await plan();
      return { from, to, ...told };
    }
    for (const statement of base) await session.define(statement);
    return await withLock(session, tables, async () => {
      const { from, to, more, told } = await plan();
      for (const statement of more) await session.define(statement);
      await noteVersion(session, tables, to);
      return { from, to, ...told };
    });
  } finally {
    await session.close();
  }
}

function createKeyspace(keyspace: string, replicas: Copies): string {
  const copies = Object.entries(replicas).map(([dataCenter, count]) => {
    if (/^[A-Za-z0-9_-]{1,48}$/.test(dataCenter) && Number.isInteger(count) && count > 0)
      return `, '${dataCenter}': ${count}`;
    const say = `replicas: ${dataCenter} must be a data centre with a count of copies`;
    throw new Fault("CONFIG_INVALID", { say });
  });
  return `CREATE KEYSPACE IF NOT EXISTS ${keyspace}
    WITH replication = {'class': 'NetworkTopologyStrategy'${copies.join("")}}`;
}

function createFacts({ facts }: Tables): string {
  return `CREATE TABLE IF NOT EXISTS ${facts} (name text PRIMARY KEY, value text)`;
}

function onOneLine(statement: string): string {
  return statement.replace(/\s+/g, " ");
}

async function noteVersion(session: Session, tables: Tables, version: number): Promise<void> {
  const note = `INSERT INTO ${tables.facts} (name, value) VALUES (?, ?)`;
  const feed = crypto.randomUUID().slice(0, 8);
  const once = { query: `${note} IF NOT EXISTS`, params: ["feed", feed] };
  takenEffect(await session.writeIf([once], "everywhere"));
  await session.write([{ query: note, params: ["version", String(version)] }], "everywhere");
}

/** Two that define the same table at once would leave the nodes with different ideas of it. */
async function withLock<Value>(
  session: Session,
  tables: Tables,
  work: () => Promise<Value>,
): Promise<Value> {
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
    return await work();
  } finally {
    await session.writeIf([{ query: giveBack, params: [owner] }], "everywhere");
  }
}
