import type { MusterEvent } from "../model/event.js";

/** Where nobody has launched anything yet. */
const bootMsDefault = 120_000;

/** The median time from intention to service of the launches that these events tell of whole. */
export function measuredBoot(events: readonly MusterEvent[]): {
  readonly bootMs: number;
  /** 0: there are none, and it is what is assumed of any cloud. */
  readonly launches: number;
} {
  const intended = new Map<string, number>();
  const served = new Map<string, number>();
  for (const { type, server, atMs } of events) {
    if (server === undefined) continue;
    if (type === "server.intended") intended.set(server, atMs);
    // One that went and came back was launched once.
    else served.set(server, Math.min(served.get(server) ?? atMs, atMs));
  }
  const took = [...served].flatMap(([server, atMs]) => {
    const sinceMs = intended.get(server);
    return sinceMs === undefined ? [] : [Math.max(0, atMs - sinceMs)];
  });
  const inOrder = took.toSorted((a, b) => a - b);
  const bootMs = inOrder[Math.floor(inOrder.length / 2)] ?? bootMsDefault;
  return { bootMs, launches: inOrder.length };
}
