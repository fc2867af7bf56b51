import { type FollowedBatch, followEvents, type MusterClient } from "../../clients/node/index.js";
import { group } from "./settings.js";

export type MusterEvent = FollowedBatch["events"][number];

/** Everything that happened to the group, as its event stream tells it. */
export interface History {
  /** Until the signal. */
  run(signal: AbortSignal, onEvent: (event: MusterEvent) => void): Promise<void>;
  count(): number;
  /** What was missing or came twice: a stream must have no such thing. */
  gaps(): readonly string[];
  /** Whether an event of this type was seen. */
  saw(type: string): boolean;
}

export function createHistory(client: MusterClient): History {
  const lastSequence = new Map<string, bigint>();
  const types = new Set<string>();
  const gaps: string[] = [];
  let count = 0;

  const take = (event: MusterEvent) => {
    const stream = `${event.group}@${event.colo}`;
    const expected = (lastSequence.get(stream) ?? 0n) + 1n;
    if (event.sequence !== expected)
      gaps.push(`${stream}: ${event.sequence} came instead of ${expected}`);
    lastSequence.set(stream, event.sequence);
    types.add(event.type);
    count++;
  };
  return {
    async run(signal, onEvent) {
      const parent = `accounts/${group.account}`;
      for await (const batch of followEvents(client, { parent, fromStart: true, signal }))
        for (const event of batch.events) {
          take(event);
          onEvent(event);
        }
    },
    count: () => count,
    gaps: () => gaps,
    saw: (type) => types.has(type),
  };
}
