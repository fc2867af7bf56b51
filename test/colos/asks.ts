import { type Daemon, eventually } from "../e2e/daemon.js";
import { assertGapFree, readFromStart, type SeenEvent } from "../e2e/followed.js";
import { web } from "../e2e/groups.js";

export const setTarget = ({ client }: Daemon, target: number, requestId = `to-${target}`) =>
  client.scaling.setTarget({ name: web, target, requestId });

/** Until so many of the daemon's own servers run. */
export const runs = (daemon: Daemon, count: number, msMax?: number) =>
  eventually(
    `${count} run`,
    () => daemon.running(),
    ({ length }) => length === count,
    msMax,
  );

/** Milliseconds. */
export async function took(work: Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work;
  return Math.round(performance.now() - startedMs);
}

/** Each placement's events in the order in which they were told. */
export function byPlacement(events: readonly SeenEvent[]) {
  return Object.fromEntries(
    [...new Set(events.map(({ placement }) => placement))]
      .toSorted()
      .map((one) => [one, events.filter(({ placement }) => placement === one)]),
  );
}

/** All that a stream from the beginning tells before it has to wait. */
export async function seenThrough(daemon: Daemon): Promise<readonly SeenEvent[]> {
  const seen = await readFromStart(daemon);
  assertGapFree(seen);
  return seen;
}
