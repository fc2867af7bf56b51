/**
 * The local time of an IANA zone, as milliseconds that `Date`'s UTC methods read as that local
 * time. Whole seconds: offsets had some, long ago.
 */
export interface Zone {
  localOf(atMs: number): number;
  /**
   * The instant of a local time. One that comes twice is its first; one that is skipped is the
   * moment of the jump over it (B7.1).
   */
  instantOf(localMs: number): number;
}

const dayMs = 86_400_000;
const secondMs = 1_000;

/** @throws RangeError for a zone that this machine does not know. */
export function createZone(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone, calendar: "gregory", hourCycle: "h23" },
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });

  function offsetAt(atMs: number): number {
    const wholeMs = Math.floor(atMs / secondMs) * secondMs;
    const parts = new Map(format.formatToParts(wholeMs).map(({ type, value }) => [type, value]));
    const of = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
    const date = [of("year"), of("month") - 1, of("day")] as const;
    return Date.UTC(...date, of("hour"), of("minute"), of("second")) - wholeMs;
  }

  /** The first moment of the later offset; `fromMs` still has the earlier one, `toMs` the later. */
  function jumpBetween(fromMs: number, toMs: number): number {
    const later = offsetAt(toMs);
    let before = fromMs;
    let after = toMs;
    while (after - before > secondMs) {
      const middle = Math.floor((before + after) / 2 / secondMs) * secondMs;
      if (middle > before && offsetAt(middle) !== later) before = middle;
      else if (middle > before) after = middle;
      else break;
    }
    return after;
  }

  return {
    localOf: (atMs) => atMs + offsetAt(atMs),
    instantOf(localMs) {
      // No zone changes its offset twice within two days.
      const offsets = [offsetAt(localMs - dayMs), offsetAt(localMs + dayMs)];
      const instants = offsets.map((offset) => localMs - offset).toSorted((a, b) => a - b);
      const found = instants.find((atMs) => atMs + offsetAt(atMs) === localMs);
      return found ?? jumpBetween(instants[0]!, instants[1]!);
    },
  };
}
