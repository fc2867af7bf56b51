import { create, toBinary } from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";
import { EventService, SubscribeRequestSchema } from "../../src/gen/muster/v1/event_service_pb.js";
import { bearer, openGrpcClient, pathOf } from "../lib/grpc-call.js";
import { benchToken } from "../lib/muster.js";
import { eventsPerBatch, streamAccount } from "./batches.js";

export interface Subscribers {
  /** From now on batches are counted anew. */
  restart(): void;
  close(): void;
}

export interface SubscribersOptions {
  readonly address: string;
  readonly count: number;
  readonly connections: number;
  /** Told each time that all have got so many more batches. */
  readonly tellEvery: number;
  readonly everybodyHas: (batches: number) => void;
}

/** Streams that count what they get. Resolves when every stream stands. */
export async function openSubscribers(options: SubscribersOptions): Promise<Subscribers> {
  const clients = Array.from({ length: Math.min(options.connections, options.count) }, () =>
    openGrpcClient(options.address),
  );
  const got = new Array<number>(options.count).fill(0);
  /** How many subscribers have got each batch so far, by its number. */
  const reached = new Map<number, number>();
  const count = (subscriber: number) => {
    const batch = ++got[subscriber]!;
    const by = (reached.get(batch) ?? 0) + 1;
    if (by < options.count) return void reached.set(batch, by);
    reached.delete(batch);
    // The last ones of a run are told one by one: nobody knows which is the last.
    if (batch % options.tellEvery === 0) options.everybodyHas(batch);
    else scheduleRest(batch);
  };
  let rest: NodeJS.Immediate | undefined;
  const scheduleRest = (batch: number) => {
    clearImmediate(rest);
    rest = setImmediate(() => options.everybodyHas(batch));
  };
  const streams = await Promise.all(
    got.map((_, index) => {
      const client = clients[index % clients.length]!;
      return openStream(client, (bytes) => {
        const events = countEvents(bytes);
        if (events === 0) return; // A heartbeat.
        if (events % eventsPerBatch !== 0) throw new Error(`a batch of ${events} events`);
        for (let left = events; left > 0; left -= eventsPerBatch) count(index);
      });
    }),
  );
  return {
    restart() {
      got.fill(0);
      reached.clear();
    },
    close() {
      for (const stream of streams) stream.cancel();
      for (const client of clients) client.close();
    },
  };
}

function openStream(
  client: grpc.Client,
  take: (bytes: Buffer) => void,
): Promise<grpc.ClientReadableStream<Buffer>> {
  const request = create(SubscribeRequestSchema, { parent: `accounts/${streamAccount}` });
  const bytes = Buffer.from(toBinary(SubscribeRequestSchema, request));
  const same = (one: Buffer) => one;
  const path = pathOf(EventService.method.subscribe);
  const stream = client.makeServerStreamRequest(path, same, same, bytes, bearer(benchToken));
  return new Promise((resolve, reject) => {
    let closing = false;
    stream.on("error", (error: grpc.ServiceError) => {
      if (!closing && error.code !== 1) reject(error);
    });
    stream.once("data", () => {
      resolve(stream);
      closing = true;
      stream.on("data", take);
    });
  });
}

/**
 * Events in a SubscribeResponse: its fields 1. Both sides' answers are taken apart no further, so
 * that the subscribers are not what is measured.
 */
export function countEvents(bytes: Buffer): number {
  let events = 0;
  for (let place = 0; place < bytes.length; ) {
    const field = bytes[place++]! >> 3;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[place++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    place += length;
    if (field === 1) events++;
  }
  return events;
}
