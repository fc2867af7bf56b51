import type { MusterEvent } from "../../src/core/model/event.js";
import type { AccountId, ColoId, EventId, GroupId } from "../../src/core/model/ids.js";

export const eventsPerBatch = 10;
export const streamAccount = "bench" as AccountId;
/** Made once and sent over and over: making events is not what is measured. */
export const batchesKept = 64;

/** Batches of events as a busy account's: decisions and servers coming into service. */
export function makeBatches(): readonly (readonly MusterEvent[])[] {
  return Array.from({ length: batchesKept }, (_, batch) =>
    Array.from({ length: eventsPerBatch }, (_, index) => eventOf(batch * eventsPerBatch + index)),
  );
}

function eventOf(number: number): MusterEvent {
  const text = String(number).padStart(10, "0");
  return {
    id: `01k0000000000000${text}` as EventId,
    type: "server.in_service",
    atMs: Date.UTC(2030, 0, 1) + number,
    account: streamAccount,
    group: `group-${number % 7}` as GroupId,
    colo: "iad" as ColoId,
    sequence: number + 1,
    message: `The server is in service: server-${text} answered its load balancer`,
    facts: { loadBalancer: "web", waitedMs: 1_234 + number },
    parent: `01j0000000000000${text}` as EventId,
  };
}
