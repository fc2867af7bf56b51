import { cursorInvalid } from "../store-rules/faults.js";
import type { FeedPlace } from "./segments.js";

/** The feed's name, then segment and ordinal in base 36. */
export function encodeCursor(feed: string, { segment, ordinal }: FeedPlace): string {
  return `${feed}-${segment.toString(36)}.${ordinal.toString(36)}`;
}

/** @throws Fault `CURSOR_INVALID` for anything that `encodeCursor` did not make for this feed. */
export function decodeCursor(feed: string, cursor: string): FeedPlace {
  const place = parseCursor(feed, cursor);
  if (!place) throw cursorInvalid();
  return place;
}

/** Undefined for anything that `encodeCursor` did not make for this feed. */
export function parseCursor(feed: string, cursor: string): FeedPlace | undefined {
  const text = cursor.startsWith(`${feed}-`) ? cursor.slice(feed.length + 1) : "";
  const [, segment, ordinal] =
    /^([1-9a-z][0-9a-z]{0,8})\.(0|[1-9a-z][0-9a-z]{0,8})$/.exec(text) ?? [];
  if (segment === undefined || ordinal === undefined) return undefined;
  return { segment: Number.parseInt(segment, 36), ordinal: Number.parseInt(ordinal, 36) };
}

export function isBefore(left: FeedPlace, right: FeedPlace): boolean {
  return left.segment === right.segment
    ? left.ordinal < right.ordinal
    : left.segment < right.segment;
}
