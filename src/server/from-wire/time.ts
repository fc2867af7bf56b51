import { type Duration, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";

/** Milliseconds, rounded to whole ones; `defaultMs` when absent. */
export function readDuration(duration: Duration | undefined, defaultMs: number): number {
  if (!duration) return defaultMs;
  return Number(duration.seconds) * 1_000 + Math.round(duration.nanos / 1_000_000);
}

export function readTime(time: Timestamp | undefined): number | undefined {
  return time && Math.trunc(timestampMs(time));
}
