import http from "node:http";
import type { AddressInfo } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { GetGroupResponseSchema, GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { definitionOf } from "../../src/server/transport/grpc-door.js";
import { cpuMs, serveParent } from "../lib/child.js";

/** The reference: grpc-js and Connect alone, with the same codecs, answering one message always. */
let response = fromBinary(GetGroupResponseSchema, new Uint8Array());

const grpcServer = new grpc.Server({ "grpc.enable_channelz": 0 });
grpcServer.addService(definitionOf(GroupService.typeName, [GroupService.method.getGroup]), {
  GetGroup: (_call: unknown, callback: grpc.sendUnaryData<unknown>) => callback(null, response),
});
const grpcPort = await new Promise<number>((resolve, reject) => {
  const credentials = grpc.ServerCredentials.createInsecure();
  grpcServer.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
    error ? reject(error) : resolve(bound),
  );
});

const handler = connectNodeAdapter({
  routes: (router) => void router.service(GroupService, { getGroup: () => response }),
  grpc: false,
});
const connectServer = http.createServer(handler);
await new Promise<void>((resolve) => connectServer.listen(0, "127.0.0.1", resolve));
const connectPort = (connectServer.address() as AddressInfo).port;

serveParent(
  {
    addresses: () => ({ grpc: `127.0.0.1:${grpcPort}`, connect: `127.0.0.1:${connectPort}` }),
    answer(bytes: Uint8Array) {
      response = fromBinary(GetGroupResponseSchema, bytes);
    },
    cpuMs,
  },
  () => {
    grpcServer.forceShutdown();
    connectServer.closeAllConnections();
  },
);
