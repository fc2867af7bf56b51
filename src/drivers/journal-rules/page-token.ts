import { createHash } from "node:crypto";
import { Fault } from "../../core/errors/fault.js";
import type { JournalQuery } from "../../core/ports/journal.js";

/** The last event of a page: the next one goes on behind it, whatever was appended since. */
export interface Place {
  readonly atMs: number;
  /** The journal's own number of the event: orders those of the same moment. */
  readonly number: number;
  /** The event's own id, where several may have one number. */
  readonly id?: string;
}

/** A token holds for the query that it was made for; only the page's size may change. */
export function encodePageToken(query: JournalQuery, { atMs, number, id }: Place): string {
  const parts = [digest(query), atMs, number, ...(id === undefined ? [] : [id])];
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** @throws Fault `PAGE_TOKEN_INVALID`: not one of ours, or another query's. */
export function placeOf(query: JournalQuery): Place | undefined {
  if (query.pageToken === undefined || query.pageToken === "") return undefined;
  const parts = parse(query.pageToken);
  if (!Array.isArray(parts) || parts.length < 3 || parts.length > 4) throw invalidToken();
  const [made, atMs, number, id] = parts as unknown[];
  if (made !== digest(query) || !isWhole(atMs) || !isWhole(number)) throw invalidToken();
  if (parts.length === 3) return { atMs, number };
  if (typeof id !== "string") throw invalidToken();
  return { atMs, number, id };
}

function digest(query: JournalQuery): string {
  const { account, group, server, text, fromMs, untilMs, order } = query;
  const types = query.types?.toSorted();
  const sets = [query.ids?.toSorted(), query.parents?.toSorted()];
  const filter = [account, group, server, types, ...sets, text, fromMs, untilMs, order];
  const asked = JSON.stringify(filter);
  return createHash("sha256").update(asked).digest("base64url").slice(0, 12);
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
  } catch {
    return undefined; // The caller says so: anyone may send anything as a token.
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

export function invalidToken(): Fault {
  return new Fault("PAGE_TOKEN_INVALID", { say: "this page token is not one of this query" });
}
