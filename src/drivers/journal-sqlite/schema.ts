import type { Schema } from "../sqlite-worker/open-database.js";

/**
 * `words` holds no text of its own, only the index. Its text is tokens that we made, between
 * spaces, so that every journal finds the same; `scope` names account and group, so that no
 * tenant's search walks through another's events.
 */
export const journalSchema: Schema = {
  applicationId: 0x4d75734a,
  // Behind a power cut it stands where it stood a moment before, and goes on from the feed.
  durability: "normal",
  migrations: [
    `
    CREATE TABLE IF NOT EXISTS facts (
      name TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO facts VALUES ('position', '');

    CREATE TABLE IF NOT EXISTS accounts (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE
    ) STRICT;

    CREATE TABLE IF NOT EXISTS groups (
      id INTEGER PRIMARY KEY,
      account_id INTEGER NOT NULL,
      name TEXT NOT NULL,
      UNIQUE (account_id, name)
    ) STRICT;

    CREATE TABLE IF NOT EXISTS events (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      event_id TEXT NOT NULL UNIQUE,
      account_id INTEGER NOT NULL,
      group_id INTEGER NOT NULL,
      server TEXT,
      type TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      event TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS events_by_account ON events (account_id, at_ms);
    CREATE INDEX IF NOT EXISTS events_by_group ON events (group_id, at_ms);
    CREATE INDEX IF NOT EXISTS events_by_server ON events (server, at_ms)
      WHERE server IS NOT NULL;

    CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
      scope, tokens, content = '', contentless_delete = 1, tokenize = 'ascii'
    );
    `,
    // What follows from an event is found by it. Told by the event itself, so it is written once.
    `
    CREATE INDEX IF NOT EXISTS events_by_parent ON events (json_extract(event, '$.parent'))
      WHERE json_extract(event, '$.parent') IS NOT NULL;
    `,
  ],
};
