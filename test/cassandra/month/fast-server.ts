import { setTimeout as sleep } from "node:timers/promises";
import { Client, type types } from "cassandra-driver";

/** What one replica read for a statement. */
export interface Slice {
  readonly table: string;
  readonly rows: number;
  readonly tombstones: number;
}

/** Stands between the store and the server, so that a day there is over in seconds. */
export interface FastServer {
  /** How many seconds are a day from now on: each TTL is scaled. */
  pace(dayS: number): void;
  /** The slices that `work` has the server read, as its own traces tell. */
  traced(work: () => Promise<unknown>): Promise<readonly Slice[]>;
  close(): Promise<void>;
}

type Query = { readonly query: string; readonly params: readonly unknown[] };
/** As the library has them, of all that the store calls. */
interface Calls {
  execute(query: string, params: unknown[], options: object): Promise<types.ResultSet>;
  batch(queries: readonly Query[], options: object): Promise<types.ResultSet>;
}

const dayOfSeconds = 86_400;
const traceMsMax = 20_000;
const read = /^Read (\d+) live rows and (\d+) tombstone cells/;

/** In this process, from now on, for every connection. */
export function createFastServer(contactPoint: string, dataCenter: string): FastServer {
  const observer = new Client({ contactPoints: [contactPoint], localDataCenter: dataCenter });
  const calls = Client.prototype as unknown as Calls;
  const { execute, batch } = calls;
  let dayS = dayOfSeconds;
  let sessions: { readonly id: types.Uuid; readonly table: string }[] | undefined;

  calls.execute = async function (query, params, options) {
    const into = sessions;
    if (!into || this === (observer as unknown)) return execute.call(this, query, params, options);
    const result = await execute.call(this, query, params, { ...options, traceQuery: true });
    into.push({ id: result.info.traceId, table: /FROM \S+\.(\w+)/.exec(query)?.[1] ?? query });
    return result;
  };
  calls.batch = function (queries, options) {
    const scaled = queries.map((one) => {
      if (!one.query.endsWith("USING TTL ?")) return one;
      const ttlS = Math.ceil((Number(one.params.at(-1)) * dayS) / dayOfSeconds);
      return { ...one, params: [...one.params.slice(0, -1), ttlS] };
    });
    return batch.call(this, scaled, options);
  };

  async function slicesOf(id: types.Uuid, table: string): Promise<readonly Slice[]> {
    const done = "SELECT duration FROM system_traces.sessions WHERE session_id = ?";
    const told = "SELECT activity FROM system_traces.events WHERE session_id = ?";
    for (const startMs = Date.now(); ; await sleep(20)) {
      const [session] = (await observer.execute(done, [id], { prepare: true })).rows;
      if (session?.["duration"] != null) break;
      if (Date.now() - startMs > traceMsMax) throw new Error("a trace does not come to its end");
    }
    const { rows } = await observer.execute(told, [id], { prepare: true });
    return rows
      .map((row) => read.exec(String(row["activity"])))
      .filter((found) => found !== null)
      .map(([, live, gone]) => ({ table, rows: Number(live), tombstones: Number(gone) }));
  }

  return {
    pace(seconds) {
      dayS = seconds;
    },
    async traced(work) {
      const mine: NonNullable<typeof sessions> = [];
      sessions = mine;
      try {
        await work();
      } finally {
        sessions = undefined;
      }
      return (await Promise.all(mine.map(({ id, table }) => slicesOf(id, table)))).flat();
    },
    async close() {
      Object.assign(calls, { execute, batch });
      await observer.shutdown();
    },
  };
}
