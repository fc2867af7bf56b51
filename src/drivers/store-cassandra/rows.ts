import assert from "node:assert/strict";
import { types } from "cassandra-driver";
import { Fault } from "../../core/errors/fault.js";
import type { Clock } from "../../core/ports/clock.js";
import { partitionText, type ReadCall, type Row, type Store } from "../../core/ports/store.js";
import { pageLimits } from "../store-rules/page-limits.js";
import { never } from "./commit-statements.js";
import { sections, type Tables } from "./schema.js";
import { numberOf, type Page, reachOf, type Session } from "./session.js";

const rowsPerPage = 2_000;
const keysPerRead = 500;
const triesMax = 5;

/** Serial reads of a partition's rows. */
export function createRowReader(
  session: Session,
  tables: Tables,
  clock: Clock,
): Pick<Store, "load" | "read"> {
  const columns = "section, kind, key, value, expires_at_ms, revision, last_sequence";
  const select = `SELECT ${columns} FROM ${tables.partitions} WHERE partition = ?`;
  const all = `${select} AND section IN (${sections.head}, ${sections.rows})`;
  const ofKinds = `${select} AND (section, kind) IN ?`;
  const byKeys = `${select} AND (section, kind, key) IN ?`;

  const isLive = (row: Row) => row.expiresAtMs === undefined || row.expiresAtMs > clock.nowMs();

  return {
    async load(id, kinds, { from }) {
      const partition = partitionText(id);
      const slices = kinds === "all" ? [] : [...new Set(kinds)].map(sliceOf);
      const head = types.Tuple.fromArray([sections.head, ""]);
      const statement =
        kinds === "all"
          ? { query: all, params: [partition] }
          : { query: ofKinds, params: [partition, [head, ...slices]] };
      const pages = await readUntorn(partition, (pageState) => {
        const level = levelOf(partition, from);
        return session.page(statement, { ...level, rowsMax: rowsPerPage, pageState });
      });
      const [first] = pages[0]?.rows ?? [];
      return {
        revision: numberOf(first?.["revision"]),
        lastSequence: numberOf(first?.["last_sequence"]),
        rows: pages
          .flatMap(({ rows }) => rows)
          .filter((row) => row["section"] === sections.rows)
          .map(rowOf)
          .filter(isLive),
      };
    },
    async read(id, keys, { from }) {
      assert(keys.length <= pageLimits.keysMax, `${keys.length} rows cannot be read at once`);
      const partition = partitionText(id);
      const found = new Map<string, Row>();
      for (let start = 0; start < keys.length; start += keysPerRead) {
        const tuples = keys
          .slice(start, start + keysPerRead)
          .map(({ kind, key }) => types.Tuple.fromArray([sections.rows, kind, key]));
        const statement = { query: byKeys, params: [partition, tuples] };
        for (const row of (await session.rows(statement, levelOf(partition, from))).map(rowOf))
          if (isLive(row)) found.set(nameOf(row), row);
      }
      return keys.map((key) => found.get(nameOf(key)));
    },
  };
}

/** A copy's own colo tells what it has; all else is serial. */
function levelOf(partition: string, from: ReadCall["from"]) {
  if (from === "replica") return { reach: "colo" } as const;
  return { reach: reachOf(partition), isSerial: true };
}

/** Each page is a read of its own: only those of one revision make a whole. */
async function readUntorn(
  partition: string,
  read: (pageState: string | undefined) => Promise<Page>,
): Promise<readonly Page[]> {
  for (let tries = 0; tries < triesMax; tries++) {
    const pages: Page[] = [];
    do pages.push(await read(pages.at(-1)?.pageState));
    while (pages.at(-1)?.pageState !== undefined);
    const revisions = pages.flatMap(({ rows }) => rows.map((row) => numberOf(row["revision"])));
    if (new Set(revisions).size <= 1) return pages;
  }
  throw new Fault("STORE_UNAVAILABLE", {
    say: "it changes faster than it can be read",
    facts: { partition },
  });
}

function sliceOf(kind: string): types.Tuple {
  return types.Tuple.fromArray([sections.rows, kind]);
}

function rowOf(row: types.Row): Row {
  const expiresAtMs = numberOf(row["expires_at_ms"]);
  return {
    kind: row["kind"] as string,
    key: row["key"] as string,
    value: row["value"] as string,
    ...(expiresAtMs === never ? {} : { expiresAtMs }),
  };
}

function nameOf({ kind, key }: { readonly kind: string; readonly key: string }): string {
  return `${kind}\0${key}`;
}
