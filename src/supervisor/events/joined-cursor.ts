import { Fault } from "../../core/errors/fault.js";
import type { ColoId } from "../../core/model/ids.js";
import type { OtherFeed } from "../../core/ports/store.js";

/** Places in several feeds, of which the store's own has no name. A feed without one: its start. */
export type Places = ReadonlyMap<ColoId | "own", string>;

const separator = "~";

/**
 * One text for places in several feeds: their cursors, in order, so that equal places are equal
 * texts on every node. Of a single feed it is that feed's own cursor.
 */
export function joinCursors(places: Places): string {
  const texts = [...places.values()].filter((text) => text !== "");
  return texts.sort().join(separator);
}

/**
 * Each feed knows its own cursors, whoever joined them.
 *
 * @throws Fault `CURSOR_INVALID`: two places in one feed, or in feeds that are not known here.
 */
export function splitCursor(cursor: string, others: ReadonlyMap<ColoId, OtherFeed>): Places {
  const places = new Map<ColoId | "own", string>();
  for (const text of cursor === "" ? [] : cursor.split(separator)) {
    const owner = [...others].find(([, feed]) => feed.isCursor(text))?.[0] ?? "own";
    if (places.has(owner))
      throw new Fault("CURSOR_INVALID", { say: "the cursor is not one of this installation's" });
    places.set(owner, text);
  }
  return places;
}
