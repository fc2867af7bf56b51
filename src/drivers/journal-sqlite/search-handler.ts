import type { Phrase } from "../journal-rules/search-text.js";
import { type Database, prepareRows, type SqlValue } from "../sqlite-worker/database.js";
import { done, type Handlers } from "../sqlite-worker/protocol.js";
import type { FoundTuple, JournalOperations, SearchArgs } from "./operations.js";
import { scopeOf } from "./scope.js";

/** Up to so many matches are fetched and sorted; of more, the newest few are found by walking. */
const matchesSortedMax = 5_000;

/**
 * Worker side: the search. Every shape of query is one prepared statement; there are a few dozen.
 */
export function createSearchHandler(
  db: Database,
): Handlers<Pick<JournalOperations, "search">>["search"] {
  const statements = new Map<string, ReturnType<typeof prepareRows<FoundTuple>>>();
  const findAccount = prepareRows<[number]>(db, "SELECT id FROM accounts WHERE name = ?");
  const findGroup = prepareRows<[number]>(
    db,
    "SELECT id FROM groups WHERE account_id = ? AND name = ?",
  );
  const matches = prepareRows<[number]>(
    db,
    `SELECT count(*) FROM
       (SELECT 1 FROM words WHERE words MATCH ? LIMIT ${matchesSortedMax})`,
  );

  const run = ({ sql, values }: Sql): readonly FoundTuple[] => {
    const statement = statements.get(sql) ?? prepareRows<FoundTuple>(db, sql);
    statements.set(sql, statement);
    return statement.all(...values);
  };

  return {
    writes: false,
    run(args) {
      const { account: accountName, group: groupName } = args.query;
      const account = findAccount.get(accountName)?.[0];
      if (account === undefined) return done([]);
      const group = groupName === undefined ? undefined : findGroup.get(account, groupName)?.[0];
      if (groupName !== undefined && group === undefined) return done([]);
      const scope: Scope = group === undefined ? { account } : { account, group };
      if (args.phrases.length === 0) return done(run(searchSql(args, scope, undefined)));
      const match = matchOf(scope, args.phrases);
      const isRare = (matches.get(match)?.[0] ?? 0) < matchesSortedMax;
      return done(run(searchSql(args, scope, { match, isRare })));
    },
  };
}

interface Scope {
  readonly account: number;
  readonly group?: number;
}

interface Sql {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

interface Text {
  readonly match: string;
  readonly isRare: boolean;
}

function searchSql(args: SearchArgs, scope: Scope, text: Text | undefined): Sql {
  const { query, behind, eventsMax } = args;
  const newestFirst = query.order === "newestFirst";
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  const add = (condition: string, ...added: readonly SqlValue[]) => {
    conditions.push(condition);
    values.push(...added);
  };

  if (text?.isRare) add("words MATCH ?", text.match);
  if (scope.group === undefined) add("account_id = ?", scope.account);
  else add("group_id = ?", scope.group);
  if (query.server !== undefined) add("server = ?", query.server);
  if (query.fromMs !== undefined) add("at_ms >= ?", query.fromMs);
  if (query.untilMs !== undefined) add("at_ms < ?", query.untilMs);
  if (behind) add(`(at_ms, number) ${newestFirst ? "<" : ">"} (?, ?)`, behind.atMs, behind.number);
  if (query.types !== undefined)
    add("type IN (SELECT value FROM json_each(?))", JSON.stringify(query.types));
  if (query.ids !== undefined) add(idsSql, JSON.stringify(query.ids));
  if (query.parents !== undefined) add(parentsSql, JSON.stringify(query.parents));
  if (text && !text.isRare)
    add("EXISTS (SELECT 1 FROM words WHERE words MATCH ? AND rowid = number)", text.match);

  const direction = newestFirst ? "DESC" : "ASC";
  const sql = `SELECT at_ms, number, event FROM ${source(args, scope, text)}
    WHERE ${conditions.join(" AND ")}
    ORDER BY at_ms ${direction}, number ${direction} LIMIT ?`;
  return { sql, values: [...values, eventsMax] };
}

const idsSql = `number IN (SELECT number FROM events
  WHERE event_id IN (SELECT value FROM json_each(?)))`;

const parentsSql = `number IN (SELECT number FROM events INDEXED BY events_by_parent
  WHERE json_extract(event, '$.parent') IS NOT NULL
    AND json_extract(event, '$.parent') IN (SELECT value FROM json_each(?)))`;

/** The order of the joins is ours to say: the planner knows no sizes. */
function source({ query }: SearchArgs, scope: Scope, text: Text | undefined): string {
  if (text?.isRare) return "words CROSS JOIN events ON number = words.rowid";
  if (query.ids !== undefined || query.parents !== undefined) return "events NOT INDEXED";
  if (query.server !== undefined) return "events INDEXED BY events_by_server";
  if (scope.group !== undefined) return "events INDEXED BY events_by_group";
  return "events INDEXED BY events_by_account";
}

/** FTS5's language. Tokens are letters and digits alone, so nothing in them can be syntax. */
function matchOf(scope: Scope, phrases: readonly Phrase[]): string {
  const words = phrases.map(({ tokens, isPrefix }) => {
    return `"${tokens.join(" ")}"${isPrefix ? " *" : ""}`;
  });
  return `scope : "${scopeOf(scope)}" AND tokens : (${words.join(" AND ")})`;
}
