import { openSession, takenEffect } from "../../src/drivers/store-cassandra/session.js";
import type { Home } from "../../test/cassandra/bed.js";
import type { Taker } from "../lib/bare-store.js";

/**
 * Conditional batches with nothing around them, over a session like the store's own: a commit is
 * one, with its rows, and its events as one row more.
 */
export async function openBareWriter(home: Home): Promise<Taker> {
  const session = await openSession(home);
  const table = `${home.keyspace}.bare`;
  await session.define(`CREATE TABLE IF NOT EXISTS ${table} (
    partition text, key text, revision bigint static, value text, PRIMARY KEY (partition, key))`);
  const put = `INSERT INTO ${table} (partition, key, value) VALUES (?, ?, ?)`;
  const advance = `UPDATE ${table} SET revision = ? WHERE partition = ? IF revision = ?`;
  return {
    async commit({ partition: { key: partition }, expectedRevision, puts, events }) {
      const revision = expectedRevision + 1;
      const moving = { query: advance, params: [revision, partition, expectedRevision || null] };
      const rows = puts.map(({ key, value }) => ({ query: put, params: [partition, key, value] }));
      const text = JSON.stringify(events);
      const told = { query: put, params: [partition, `events-${revision}`, text] };
      if (!takenEffect(await session.writeIf([moving, ...rows, told], "colo")))
        throw new Error(`${partition} has another revision than ${expectedRevision}`);
      return { revision };
    },
    close: () => session.close(),
  };
}
