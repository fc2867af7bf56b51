import { tablesOf } from "../../../src/drivers/store-cassandra/schema.js";
import { openSession } from "../../../src/drivers/store-cassandra/session.js";
import type { Home } from "../bed.js";

const [hourS, dayS] = [3_600, 86_400];

/**
 * Makes the tables forget within `seconds` what they forget within a day. Cassandra knows whole
 * seconds: the ten minutes of busy hints are an hour then, and a window of a day is a minute.
 */
export async function quicken(home: Home, seconds: number): Promise<void> {
  const { partitions, begun, feed, hints, busyHints } = tablesOf(home.keyspace);
  const scaled = (ofS: number) => Math.max(1, Math.ceil((ofS * seconds) / dayS));
  const grace = (ofS: number) => `gc_grace_seconds = ${scaled(ofS)}`;
  const windows = `{'class': 'TimeWindowCompactionStrategy',
    'compaction_window_unit': 'MINUTES', 'compaction_window_size': 1}`;
  const session = await openSession(home);
  for (const [table, options] of [
    [partitions, grace(dayS)],
    [feed, grace(dayS)],
    [hints, grace(3 * hourS)],
    // That memtables are written out by time would only happen later than it should.
    [busyHints, `${grace(hourS / 6)} AND memtable_flush_period_in_ms = 0`],
    [begun, `${grace(dayS)} AND default_time_to_live = ${scaled(30 * dayS)}`],
    [begun, `compaction = ${windows}`],
  ])
    await session.define(`ALTER TABLE ${table} WITH ${options}`);
  await session.close();
}
