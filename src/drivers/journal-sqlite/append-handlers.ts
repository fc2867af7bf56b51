import type { MusterEvent } from "../../core/model/event.js";
import { searchedTokens } from "../journal-rules/search-text.js";
import { type Database, prepareRows } from "../sqlite-worker/database.js";
import { done, type Handlers } from "../sqlite-worker/protocol.js";
import type { JournalOperations } from "./operations.js";
import { scopeOf } from "./scope.js";

type AppendOperations = Pick<JournalOperations, "append" | "position" | "trim">;

const trimmedPerTurnMax = 500;

/** Worker side: what goes in, and what goes out when it is old. */
export function createAppendHandlers(db: Database): Handlers<AppendOperations> {
  const write = createEventWriter(db);
  const note = db.prepare("UPDATE facts SET value = ? WHERE name = 'position'");
  const position = prepareRows<[string]>(db, "SELECT value FROM facts WHERE name = 'position'");
  const old = prepareRows<[number]>(
    db,
    `SELECT number FROM events INDEXED BY events_by_account
     WHERE account_id IN (SELECT id FROM accounts) AND at_ms < ? LIMIT ${trimmedPerTurnMax}`,
  );
  const remove = db.prepare("DELETE FROM events WHERE number = ?");
  const removeWords = db.prepare("DELETE FROM words WHERE rowid = ?");
  return {
    append: {
      writes: true,
      run(args) {
        for (const text of args.events) write(text);
        note.run(args.position);
        return done(undefined);
      },
    },
    position: { writes: false, run: () => done(position.get()?.[0] ?? "") },
    trim: {
      writes: true,
      run(olderThanMs) {
        const numbers = old.all(olderThanMs);
        for (const [number] of numbers) {
          remove.run(number);
          removeWords.run(number);
        }
        return done(numbers.length === trimmedPerTurnMax);
      },
    },
  };
}

function createEventWriter(db: Database): (text: string) => void {
  const insert = db.prepare(
    `INSERT OR IGNORE INTO events (event_id, account_id, group_id, server, type, at_ms, event)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertWords = db.prepare("INSERT INTO words (rowid, scope, tokens) VALUES (?, ?, ?)");
  const addAccount = db.prepare("INSERT OR IGNORE INTO accounts (name) VALUES (?)");
  const findAccount = prepareRows<[number]>(db, "SELECT id FROM accounts WHERE name = ?");
  const addGroup = db.prepare("INSERT OR IGNORE INTO groups (account_id, name) VALUES (?, ?)");
  const findGroup = prepareRows<[number]>(
    db,
    "SELECT id FROM groups WHERE account_id = ? AND name = ?",
  );

  const accountId = (name: string): number => {
    const found = findAccount.get(name);
    return found?.[0] ?? Number(addAccount.run(name).lastInsertRowid);
  };
  const groupId = (account: number, name: string): number => {
    const found = findGroup.get(account, name);
    return found?.[0] ?? Number(addGroup.run(account, name).lastInsertRowid);
  };

  return (text) => {
    const event = JSON.parse(text) as MusterEvent;
    const account = accountId(event.account);
    const group = groupId(account, event.group);
    const { id, server = null, type, atMs } = event;
    const { changes, lastInsertRowid } = insert.run(
      ...[id, account, group, server, type, atMs, text],
    );
    if (Number(changes) === 0) return; // Appended before: the same event again is no news.
    const scope = `${scopeOf({ account })} ${scopeOf({ account, group })}`;
    insertWords.run(Number(lastInsertRowid), scope, searchedTokens(event).join(" "));
  };
}
