import type { Hint, HintKey } from "../../core/ports/store.js";
import { compareText } from "../store-rules/text-order.js";

export interface Hints {
  put(hint: Hint, nowMs: number): void;
  delete(hint: HintKey, nowMs: number): void;
  /** The page as it was at `asOfMs`: now, or a replica's past. */
  list(
    page: { index: string; afterKey: string; hintsMax: number },
    asOfMs: number,
  ): readonly Hint[];
  indexes(): Iterable<string>;
}

/** undefined stands for "deleted". Oldest first; the last is the newest. */
type History = { readonly atMs: number; readonly value: string | undefined }[];

/** Hints with as much of their past as a replica may be behind. */
export function createHints(pastMsMax: () => number): Hints {
  const indexes = new Map<string, Map<string, History>>();

  const note = ({ index, key }: HintKey, value: string | undefined, nowMs: number) => {
    const keys = indexes.get(index) ?? new Map<string, History>();
    indexes.set(index, keys);
    const history = keys.get(key) ?? [];
    keys.set(key, history);
    // What comes from another colo may be older than what stands here.
    const place = history.findLastIndex(({ atMs }) => atMs <= nowMs) + 1;
    history.splice(place, 0, { atMs: nowMs, value });
    // The newest that is older than any replica is the last that anyone can still see.
    const horizonMs = nowMs - pastMsMax();
    const visible = history.findLastIndex(({ atMs }) => atMs <= horizonMs);
    if (visible > 0) history.splice(0, visible);
    if (history.length === 1 && history[0]?.value === undefined) keys.delete(key);
  };

  return {
    put: (hint, nowMs) => note(hint, hint.value, nowMs),
    delete: (hint, nowMs) => note(hint, undefined, nowMs),
    list({ index, afterKey, hintsMax }, asOfMs) {
      const keys = indexes.get(index) ?? new Map<string, History>();
      const after = [...keys.keys()].filter((key) => compareText(key, afterKey) > 0);
      const hints: Hint[] = [];
      for (const key of after.sort(compareText)) {
        const history = keys.get(key) ?? [];
        const value = history.findLast(({ atMs }) => atMs <= asOfMs)?.value;
        const last = history.at(-1);
        if (last?.value === undefined && (last?.atMs ?? 0) <= asOfMs - pastMsMax())
          keys.delete(key);
        if (value !== undefined) hints.push({ index, key, value });
        if (hints.length === hintsMax) break;
      }
      return hints;
    },
    indexes: () => indexes.keys(),
  };
}
