import http from "node:http";
import http2 from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { GetGroupRequestSchema, GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { pathOf } from "../lib/grpc-call.js";
import { benchGroup, benchToken } from "../lib/muster.js";

/** Makes calls with as little work as can be, so that the server is what is measured. */
export interface Load {
  /** Resolves to the answer's message. Rejects unless the call succeeded. */
  call(caller: number): Promise<Buffer>;
  close(): void;
}

export interface LoadOptions {
  readonly address: string;
  readonly connections: number;
  /** Callers read them in turn. */
  readonly groups: number;
}

const path = pathOf(GroupService.method.getGroup);

export function openGrpcLoad({ address, connections, groups }: LoadOptions): Load {
  const requests = requestsFor(groups).map(framed);
  const sessions = Array.from({ length: connections }, () => http2.connect(`http://${address}`));
  const headers = {
    ":method": "POST",
    ":path": path,
    te: "trailers",
    "content-type": "application/grpc",
    authorization: `Bearer ${benchToken}`,
  };
  let next = 0;
  return {
    call: (caller) =>
      new Promise((resolve, reject) => {
        const stream = sessions[caller % sessions.length]!.request(headers);
        const chunks: Buffer[] = [];
        let status: unknown;
        stream.on("response", (got) => {
          status = got["grpc-status"];
        });
        stream.on("trailers", (got) => {
          status = got["grpc-status"];
        });
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          if (status === "0") resolve(Buffer.concat(chunks).subarray(framePrefix));
          else reject(new Error(`gRPC status ${String(status)}`));
        });
        stream.on("error", reject);
        stream.end(requests[next++ % requests.length]);
      }),
    close() {
      for (const session of sessions) session.destroy();
    },
  };
}

export function openConnectLoad({ address, connections, groups }: LoadOptions): Load {
  const requests = requestsFor(groups);
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const [host, port] = address.split(":");
  const options = {
    agent,
    host,
    port,
    path,
    method: "POST",
    headers: {
      "content-type": "application/proto",
      "connect-protocol-version": "1",
      authorization: `Bearer ${benchToken}`,
    },
  };
  let next = 0;
  return {
    call: () =>
      new Promise((resolve, reject) => {
        const request = http.request(options, (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            if (response.statusCode === 200) resolve(Buffer.concat(chunks));
            else reject(new Error(`HTTP status ${response.statusCode}`));
          });
        });
        request.on("error", reject);
        request.end(requests[next++ % requests.length]);
      }),
    close: () => agent.destroy(),
  };
}

function requestsFor(groups: number): Buffer[] {
  return Array.from({ length: groups }, (_, index) => {
    const { account, group } = benchGroup(index);
    const name = `accounts/${account}/groups/${group}`;
    return Buffer.from(toBinary(GetGroupRequestSchema, create(GetGroupRequestSchema, { name })));
  });
}

const framePrefix = 5;

/** A gRPC message: not compressed, and its length. */
function framed(message: Buffer): Buffer {
  const frame = Buffer.alloc(framePrefix + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, framePrefix);
  return frame;
}
