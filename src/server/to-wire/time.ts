import { create } from "@bufbuild/protobuf";
import {
  type Duration,
  durationFromMs,
  type Timestamp,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";

/** Milliseconds since the epoch as Timestamp; undefined stays undefined. */
export function writeTime(atMs: number): Timestamp;
export function writeTime(atMs: number | undefined): Timestamp | undefined;
export function writeTime(atMs: number | undefined): Timestamp | undefined {
  if (atMs === undefined) return undefined;
  const wholeMs = Math.floor(atMs);
  const seconds = Math.floor(wholeMs / 1_000);
  const nanos = (wholeMs - seconds * 1_000) * 1_000_000;
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos });
}

export function writeDuration(ms: number): Duration {
  return durationFromMs(ms);
}
