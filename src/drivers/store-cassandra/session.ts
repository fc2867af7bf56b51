import { auth, Client, policies, types } from "cassandra-driver";
import type { PartitionId } from "../../core/ports/store.js";
import { storeUnavailable } from "../store-rules/faults.js";
import { hadNoEffect } from "./faults.js";
import { steadyControl } from "./steady-control.js";

export interface SessionOptions {
  /** `host:port` each. All nodes of the cluster listen on the first one's port. */
  readonly contactPoints: readonly string[];
  /** Cassandra's data centre of this colo: nobody else is asked, but for what all colos write. */
  readonly dataCenter: string;
  /** After that an answer is taken as lost. Longer than the server's own timeouts. */
  readonly requestTimeoutMs: number;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** PEM. Nodes must show a certificate of `ca` for their addresses; ours is shown if given. */
  readonly tls?: { readonly ca: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

/** Whose quorum counts: that of one colo's replicas, or of all colos' together. */
export type Reach = "colo" | "everywhere";

export interface Statement {
  readonly query: string;
  readonly params: readonly unknown[];
}

export interface Page {
  readonly rows: readonly types.Row[];
  readonly pageState: string | undefined;
}

export interface PageOptions {
  readonly reach: Reach;
  /** Sees every conditional write that was acknowledged, and settles those that are under way. */
  readonly isSerial?: boolean;
  readonly rowsMax?: number;
  readonly pageState?: string | undefined;
}

export type ConditionalAnswer =
  | { readonly kind: "applied" }
  /** The condition did not hold; `row` has what stands instead. */
  | { readonly kind: "refused"; readonly row: types.Row }
  | { readonly kind: "notDone"; readonly cause: unknown }
  | { readonly kind: "unknown"; readonly cause: unknown };

/** The connection to the cluster. Every statement is prepared, every answer has a deadline. */
export interface Session {
  /** @throws Fault `STORE_UNAVAILABLE` */
  page(statement: Statement, options: PageOptions): Promise<Page>;
  /** All pages of few rows. @throws Fault `STORE_UNAVAILABLE` */
  rows(statement: Statement, options: PageOptions): Promise<readonly types.Row[]>;
  /** Writes of one partition, at once; may be done twice. @throws Fault `STORE_UNAVAILABLE` */
  write(statements: readonly Statement[], reach: Reach): Promise<void>;
  /** A conditional batch on one partition; never sent twice, never throws. */
  writeIf(statements: readonly Statement[], reach: Reach): Promise<ConditionalAnswer>;
  /** Data definitions; returns when all reachable nodes agree. @throws Fault `STORE_UNAVAILABLE` */
  define(query: string): Promise<void>;
  /** What was asked for before is answered first. */
  close(): Promise<void>;
}

const closed = new Error("the store is closed");
const rowsMaxDefault = 1_000;
const speculativeDelayMs = 250;
/** How soon a connection that lies idle is known to be dead. */
const heartbeatMs = 5_000;
const reconnectMsMin = 100;
const reconnectMsMax = 5_000;

/** @throws Fault `STORE_UNAVAILABLE`: no contact point answers. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { credentials, tls } = options;
  const client = new Client({
    contactPoints: [...options.contactPoints],
    localDataCenter: options.dataCenter,
    // Other nodes are known by their addresses alone.
    protocolOptions: { port: Number(options.contactPoints[0]?.split(":").at(-1)) },
    ...(credentials && {
      authProvider: new auth.PlainTextAuthProvider(credentials.username, credentials.password),
    }),
    // The library takes any certificate unless told otherwise.
    ...(tls && { sslOptions: { ...tls, rejectUnauthorized: true } }),
    socketOptions: {
      connectTimeout: options.requestTimeoutMs,
      readTimeout: options.requestTimeoutMs,
    },
    pooling: { heartBeatInterval: heartbeatMs },
    policies: {
      retry: new policies.retry.FallthroughRetryPolicy(),
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(
        reconnectMsMin,
        reconnectMsMax,
      ),
      speculativeExecution: new policies.speculativeExecution.ConstantSpeculativeExecutionPolicy(
        speculativeDelayMs,
        1,
      ),
    },
  });
  steadyControl(client);
  try {
    await client.connect();
  } catch (error) {
    await client.shutdown();
    throw storeUnavailable(error);
  }
  return createSession(client);
}

function createSession(client: Client): Session {
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;
  const track = async <Value>(ask: () => Promise<Value>): Promise<Value> => {
    if (closing) throw closed;
    const asked = ask();
    running.add(asked);
    return asked.finally(() => running.delete(asked));
  };
  const orUnavailable = <Value>(ask: () => Promise<Value>) =>
    track(ask).catch((error: unknown) => {
      throw storeUnavailable(error);
    });

  const page: Session["page"] = async ({ query, params }, options) => {
    const { reach, isSerial = false, rowsMax = rowsMaxDefault, pageState } = options;
    const result = await orUnavailable(() =>
      client.execute(query, [...params], {
        ...repeatable,
        consistency: isSerial ? levels[reach].serial : levels[reach].plain,
        fetchSize: rowsMax,
        ...(pageState === undefined ? {} : { pageState }),
      }),
    );
    return { rows: result.rows ?? [], pageState: result.pageState || undefined };
  };

  return {
    page,
    async rows(statement, options) {
      const rows: types.Row[] = [];
      let pageState: string | undefined;
      do {
        const next = await page(statement, { ...options, pageState });
        rows.push(...next.rows);
        pageState = next.pageState;
      } while (pageState !== undefined);
      return rows;
    },
    async write(statements, reach) {
      const consistency = levels[reach].plain;
      const options = { ...repeatable, consistency, logged: false };
      const [first, ...more] = statements.map(queryOf);
      if (!first) return;
      await orUnavailable(() =>
        more.length === 0
          ? client.execute(first.query, first.params, options)
          : client.batch([first, ...more], options),
      );
    },
    async writeIf(statements, reach) {
      const { plain: consistency, serial: serialConsistency } = levels[reach];
      const options = { prepare: true, logged: false, consistency, serialConsistency };
      try {
        const result = await track(() => client.batch(statements.map(queryOf), options));
        if (result.wasApplied()) return { kind: "applied" };
        return { kind: "refused", row: result.first() };
      } catch (cause) {
        const isCertain = cause === closed || hadNoEffect(cause);
        return { kind: isCertain ? "notDone" : "unknown", cause };
      }
    },
    async define(query) {
      await orUnavailable(() => client.execute(query));
    },
    close() {
      closing ??= Promise.allSettled(running).then(() => client.shutdown());
      return closing;
    },
  };
}

/**
 * Whether a conditional write took effect; false: its condition did not hold.
 *
 * @throws Fault `STORE_UNAVAILABLE`: it is not known, or was not done.
 */
export function takenEffect(answer: ConditionalAnswer): boolean {
  if (answer.kind === "notDone" || answer.kind === "unknown") throw storeUnavailable(answer.cause);
  return answer.kind === "applied";
}

/** Reads, and writes that give the same when they are done twice. */
const repeatable = { prepare: true, isIdempotent: true, retry: new policies.retry.RetryPolicy() };

const { consistencies } = types;
const levels = {
  colo: { plain: consistencies.localQuorum, serial: consistencies.localSerial },
  everywhere: { plain: consistencies.quorum, serial: consistencies.serial },
} as const;

function queryOf({ query, params }: Statement) {
  return { query, params: [...params] };
}

/** A colo writes its own alone; what belongs to no colo needs most of all replicas. */
export function reachOf(partition: string): Reach {
  const scope = partition.slice(0, partition.indexOf(":")) as PartitionId["scope"];
  return scope === "group" || scope === "account" ? "everywhere" : "colo";
}

/** A column of whole numbers, of which none here is too large for a number. */
export function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(String(value));
}

export function numberOf(value: unknown): number {
  return numberOrNull(value) ?? 0;
}
