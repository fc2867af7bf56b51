/**
 * A second opinion on cron, which shares nothing with the service: it walks the minutes of real
 * time, looks what a wall clock in the zone shows, and rings where an expression says so.
 */
export interface Oracle {
  /** All times in (fromMs, toMs] at which it rings. */
  between(expression: string, fromMs: number, toMs: number): number[];
  /** The first minutes after the zone's clocks were put forward or back. */
  readonly changes: readonly number[];
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export function createOracle(timeZone: string, fromMs: number, toMs: number): Oracle {
  const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  const offsets = new Map<number, number>();
  let newest = { cell: Number.NaN, offset: 0 };

  /** Of the half-hour that the minute is in: no zone changes within one. */
  function offsetMinutes(atMs: number): number {
    const cell = Math.floor(atMs / (30 * minuteMs));
    if (cell === newest.cell) return newest.offset;
    newest = { cell, offset: offsetIn(cell) };
    return newest.offset;
  }

  function offsetIn(cell: number): number {
    const known = offsets.get(cell);
    if (known !== undefined) return known;
    const text = format.format(cell * 30 * minuteMs);
    const [, sign = "+", hours = "0", minutes = "0"] = /GMT(?:([+-])(\d+):(\d+))?/.exec(text)!;
    const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
    offsets.set(cell, offset);
    return offset;
  }

  const changes: number[] = [];
  for (let dayAtMs = fromMs; dayAtMs < toMs; dayAtMs += dayMs) {
    if (offsetMinutes(dayAtMs) === offsetMinutes(dayAtMs + dayMs)) continue;
    for (let atMs = dayAtMs; atMs < dayAtMs + dayMs; atMs += 30 * minuteMs)
      if (offsetMinutes(atMs) !== offsetMinutes(atMs + 30 * minuteMs))
        changes.push(atMs + 30 * minuteMs);
  }

  return {
    changes,
    between(expression, afterMs, untilMs) {
      const isDue = readExpression(expression);
      const rings: number[] = [];
      // From a day before: by then every minute that comes twice has been seen once.
      const first = Math.floor(afterMs / minuteMs) - 1_440;
      const last = Math.floor(untilMs / minuteMs);
      let seen = first + offsetMinutes(first * minuteMs) - 1;
      for (let minute = first; minute <= last; minute++) {
        const local = minute + offsetMinutes(minute * minuteMs);
        let rang = false;
        // Minutes that the clock jumps over ring at the jump; those it shows again do not.
        for (let shown = seen + 1; shown <= local; shown++) rang = isDue(shown) || rang;
        seen = Math.max(seen, local);
        if (rang && minute * minuteMs > afterMs) rings.push(minute * minuteMs);
      }
      return rings;
    },
  };
}

const months = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const days = "SUN MON TUE WED THU FRI SAT".split(" ");

/** Whether a minute of local time, counted from 1970, is one of the expression's. */
function readExpression(expression: string): (localMinute: number) => boolean {
  const [minutes = "", hours = "", dates = "", monthText = "", weekdays = ""] =
    expression.split(" ");
  const minuteSet = readField(minutes, 0, 59);
  const hourSet = readField(hours, 0, 23);
  const dateSet = readField(dates, 1, 31);
  const monthSet = readField(numbered(monthText, months, 1), 1, 12);
  const daySet = readField(numbered(weekdays, days, 0), 0, 7);
  if (daySet.has(7)) daySet.add(0);
  const matches = new Map<number, boolean>();

  function isDay(day: number): boolean {
    const known = matches.get(day);
    if (known !== undefined) return known;
    const date = new Date(day * dayMs);
    const byDate = dateSet.has(date.getUTCDate());
    const byDay = daySet.has(date.getUTCDay());
    const both = dates === "*" || weekdays === "*" ? byDate && byDay : byDate || byDay;
    const found = monthSet.has(date.getUTCMonth() + 1) && both;
    matches.set(day, found);
    return found;
  }

  return (localMinute) => {
    const ofDay = localMinute % 1_440;
    if (!minuteSet.has(ofDay % 60) || !hourSet.has(Math.floor(ofDay / 60))) return false;
    return isDay(Math.floor(localMinute / 1_440));
  };
}

function numbered(field: string, names: readonly string[], from: number): string {
  return names.reduce((text, name, at) => text.replaceAll(name, String(at + from)), field);
}

function readField(field: string, least: number, most: number): Set<number> {
  const found = new Set<number>();
  for (const part of field.split(",")) {
    const [range = "", step = "1"] = part.split("/");
    const [low = "", high = low] = range.split("-");
    const from = range === "*" ? least : Number(low);
    const to = range === "*" ? most : Number(high);
    for (let value = from; value <= to; value += Number(step)) found.add(value);
  }
  return found;
}
