import { Fault } from "../../core/errors/fault.js";
import { migrationsOf, tablesOf } from "./schema.js";
import type { Reach, Session } from "./session.js";

/** Copies in each data centre, by its name in Cassandra. */
export type Copies = Readonly<Record<string, number>>;

const nameForm = /^[a-z][a-z0-9_]{0,47}$/;

/**
 * The feed's name, if the tables are what this Muster works with. Asks this colo's replicas; all
 * colos' only where those have not heard of a migration.
 *
 * @throws Fault `CONFIG_INVALID`: they are not, and what to do.
 * @throws Fault `STORE_UNAVAILABLE`
 */
export async function checkSchema(session: Session, keyspace: string): Promise<string> {
  checkName(keyspace);
  const newest = migrationsOf(tablesOf(keyspace)).length;
  let facts = await readFacts(session, keyspace, "colo");
  if (versionOf(facts) < newest) facts = await readFacts(session, keyspace, "everywhere");
  const version = versionOf(facts);
  if (version > newest) throw tooNew(keyspace);
  if (version < newest) throw outOfDate(keyspace, version);
  return facts.get("feed") ?? "";
}

/** What is noted of the tables; nothing where there are none. @throws Fault `STORE_UNAVAILABLE` */
export async function readFacts(
  session: Session,
  keyspace: string,
  reach: Reach,
): Promise<ReadonlyMap<string, string>> {
  const { facts } = tablesOf(keyspace);
  const query = `SELECT name, value FROM ${facts} WHERE name IN ('version', 'feed')`;
  try {
    const rows = await session.rows({ query, params: [] }, { reach });
    return new Map(rows.map((row) => [row["name"] as string, row["value"] as string]));
  } catch (error) {
    if (isUnknownTable(error)) return new Map();
    throw error;
  }
}

export function versionOf(facts: ReadonlyMap<string, string>): number {
  return Number(facts.get("version") ?? 0);
}

/** Undefined: there is no such keyspace. @throws Fault `STORE_UNAVAILABLE` */
export async function readReplication(
  session: Session,
  keyspace: string,
): Promise<Copies | undefined> {
  const query = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";
  const [row] = await session.rows({ query, params: [keyspace] }, { reach: "colo" });
  if (!row) return undefined;
  const { class: _, ...copies } = row["replication"] as Readonly<Record<string, string>>;
  return Object.fromEntries(Object.entries(copies).map(([name, count]) => [name, Number(count)]));
}

/** `ams: 1, iad: 3` */
export function sayCopies(copies: Copies): string {
  const names = Object.keys(copies).sort();
  return names.map((name) => `${name}: ${copies[name]}`).join(", ");
}

/** @throws Fault `CONFIG_INVALID` */
export function checkName(keyspace: string): void {
  if (nameForm.test(keyspace)) return;
  const say = `keyspace: ${keyspace} must be of a-z, 0-9 and _, begin with a letter, 48 at most`;
  throw new Fault("CONFIG_INVALID", { say });
}

export function tooNew(keyspace: string): Fault {
  const say = `keyspace ${keyspace} was written by a newer Muster: use that one`;
  return new Fault("CONFIG_INVALID", { say });
}

function outOfDate(keyspace: string, version: number): Fault {
  const found = version === 0 ? "has no tables" : `has tables of version ${version}`;
  const say = `keyspace ${keyspace} ${found}: run muster migrate --config FILE first`;
  return new Fault("CONFIG_INVALID", { say });
}

/** Also that of an unknown keyspace. */
function isUnknownTable(error: unknown): boolean {
  const cause =
    error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return cause?.code === 0x2200;
}
