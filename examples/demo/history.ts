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
  const sequences = createSequenceCheck();
  const types = new Set<string>();
  let count = 0;
  return {
    async run(signal, onEvent) {
      const parent = `accounts/${group.account}`;
      for await (const batch of followEvents(client, { parent, fromStart: true, signal }))
        for (const event of batch.events) {
          sequences.take(event);
          types.add(event.type);
          count++;
          onEvent(event);
        }
    },
    count: () => count,
    gaps: sequences.gaps,
    saw: (type) => types.has(type),
  };
}

/** Within each placement events count 1, 2, 3, …; here what does not is noticed. */
export function createSequenceCheck() {
  const last = new Map<string, bigint>();
  const gaps: string[] = [];
  return {
    take({ group, colo, sequence }: Pick<MusterEvent, "group" | "colo" | "sequence">) {
      const stream = `${group}@${colo}`;
      const expected = (last.get(stream) ?? 0n) + 1n;
      if (sequence !== expected) gaps.push(`${stream}: ${sequence} came instead of ${expected}`);
      last.set(stream, sequence);
    },
    gaps: (): readonly string[] => gaps,
  };
}
