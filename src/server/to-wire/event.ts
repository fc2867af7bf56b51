import { create } from "@bufbuild/protobuf";
import type { MusterEvent } from "../../core/model/event.js";
import * as wire from "../../gen/muster/v1/event_service_pb.js";
import type { EventBatch } from "../../supervisor/api.js";
import { eventName, groupName } from "../names.js";
import { writeCause, writeFacts } from "./cause.js";
import { writeReceipt } from "./receipt.js";
import { writeTime } from "./time.js";

export function writeEvent(event: MusterEvent): wire.Event {
  const { account, group } = event;
  return create(wire.EventSchema, {
    name: eventName(account, event.id),
    type: event.type,
    time: writeTime(event.atMs),
    group: groupName({ account, group }),
    colo: event.colo,
    sequence: BigInt(event.sequence),
    message: event.message,
    facts: writeFacts(event.facts),
    server: event.server ?? "",
    parent: event.parent ? eventName(account, event.parent) : "",
    principal: event.principal ?? "",
    causes: event.causes?.map(writeCause) ?? [],
    ...(event.receipt && { receipt: writeReceipt(event.receipt) }),
  });
}

/**
 * Answers of Subscribe. All subscribers who are given the same batch are given the same message, so
 * that a door which remembers what it encoded encodes it once.
 */
export interface BatchWriter {
  write(batch: EventBatch, cursorOf: (feedCursor: string) => string): wire.SubscribeResponse;
}

export function createBatchWriter(): BatchWriter {
  const written = new WeakMap<readonly MusterEvent[], wire.SubscribeResponse>();
  return {
    write(batch, cursorOf) {
      const cursor = cursorOf(batch.cursor);
      const known = written.get(batch.events);
      if (known?.cursor === cursor) return known;
      const events = known?.events ?? batch.events.map(writeEvent);
      const message = create(wire.SubscribeResponseSchema, { events, cursor });
      written.set(batch.events, message);
      return message;
    },
  };
}
