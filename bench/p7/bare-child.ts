import { toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { EventService, SubscribeResponseSchema } from "../../src/gen/muster/v1/event_service_pb.js";
import { createBatchWriter } from "../../src/server/to-wire/event.js";
import { serveParent } from "../lib/child.js";
import { pathOf } from "../lib/grpc-call.js";
import { makeBatches } from "./batches.js";
import { createFeeder, type FeedLoad } from "./feeder.js";

/**
 * The reference: nothing but grpc-js, which sends the same bytes, prepared, to whoever connects.
 */
const writer = createBatchWriter();
const prepared = makeBatches().map((events, index) => {
  const message = writer.write({ events, cursor: String(index) }, (cursor) => `cursor-${cursor}`);
  return Buffer.from(toBinary(SubscribeResponseSchema, message));
});
const streams = new Set<grpc.ServerWritableStream<Buffer, Buffer>>();
const same = (bytes: Buffer) => bytes;
const subscribe: grpc.MethodDefinition<Buffer, Buffer> = {
  path: pathOf(EventService.method.subscribe),
  requestStream: false,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
const server = new grpc.Server({ "grpc.enable_channelz": 0 });
server.addService(
  { subscribe },
  {
    subscribe(call: grpc.ServerWritableStream<Buffer, Buffer>) {
      streams.add(call);
      call.on("cancelled", () => streams.delete(call));
      call.write(Buffer.alloc(0)); // As ours: the stream stands.
    },
  },
);
const port = await new Promise<number>((resolve, reject) => {
  const credentials = grpc.ServerCredentials.createInsecure();
  server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
    error ? reject(error) : resolve(bound),
  );
});
let next = 0;
const feeder = createFeeder(() => {
  const bytes = prepared[next++ % prepared.length]!;
  for (const stream of streams) stream.write(bytes);
});

serveParent(
  {
    address: () => `127.0.0.1:${port}`,
    run: (load: FeedLoad) => feeder.run(load),
    acknowledged: (count: number) => feeder.acknowledged(count),
  },
  () => server.forceShutdown(),
);
