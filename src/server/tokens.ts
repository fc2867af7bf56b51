import { createHash } from "node:crypto";
import { Fault } from "../core/errors/fault.js";

/** What a page token or cursor belongs to: the method and all that narrows its answer. */
export type Filter = readonly [method: string, ...rest: readonly unknown[]];

/**
 * Short: it guards against mix-ups, not against forgery; permissions are checked anew each time.
 */
const TAG_LENGTH = 12;

function tagOf(filter: Filter): string {
  const text = JSON.stringify(filter);
  return createHash("sha256").update(text).digest("base64url").slice(0, TAG_LENGTH);
}

/** An opaque page token that goes on after `after`. */
export function writePageToken(filter: Filter, after: string): string {
  return seal(tagOf(filter), after);
}

/** As answered with a page that ends with `last`: empty where nothing follows. */
export function writeNextPageToken(
  filter: Filter,
  { last, more }: { readonly last: string | undefined; readonly more: boolean },
): string {
  return more && last ? writePageToken(filter, last) : "";
}

/**
 * undefined for the first page.
 * @throws Fault `PAGE_TOKEN_INVALID` for what is no token, or one of another method or filter.
 */
export function readPageToken(filter: Filter, token: string): string | undefined {
  if (token === "") return undefined;
  const after = unseal(tagOf(filter), token);
  if (after !== undefined) return after;
  const violations = [{ field: "page_token", description: "is not of this method and filter" }];
  const say = "the page token is not of this method and filter; start again without one";
  throw new Fault("PAGE_TOKEN_INVALID", { say, violations });
}

/** Cursors of one subscription's filter. */
export interface CursorSeal {
  write(feedCursor: string): string;
  /** @throws Fault `CURSOR_INVALID` for what is no cursor, or one of another filter. */
  read(cursor: string): string;
}

export function createCursorSeal(filter: Filter): CursorSeal {
  const tag = tagOf(filter);
  // Many streams with one filter ask for the same cursor, one after the other.
  let last = { feedCursor: "", sealed: seal(tag, "") };
  return {
    write(feedCursor) {
      if (last.feedCursor !== feedCursor) last = { feedCursor, sealed: seal(tag, feedCursor) };
      return last.sealed;
    },
    read(cursor) {
      const feedCursor = unseal(tag, cursor);
      if (feedCursor !== undefined) return feedCursor;
      const violations = [{ field: "cursor", description: "is not of a stream with this filter" }];
      const say = "the cursor is not of a stream with this filter";
      throw new Fault("CURSOR_INVALID", { say, violations });
    },
  };
}

function seal(tag: string, text: string): string {
  return Buffer.from(JSON.stringify({ f: tag, a: text })).toString("base64url");
}

function unseal(tag: string, sealed: string): string | undefined {
  try {
    const { f, a } = JSON.parse(Buffer.from(sealed, "base64url").toString());
    return f === tag && typeof a === "string" ? a : undefined;
  } catch {
    return undefined; // Not JSON, so not ours.
  }
}
