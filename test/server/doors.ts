import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "../../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.js";
import { definitionOf } from "../../src/server/transport/grpc-door.js";

export type Unary<I extends DescMessage, O extends DescMessage> = DescMethod &
  DescMethodUnary<I, O>;
export type Stream<I extends DescMessage, O extends DescMessage> = DescMethod &
  DescMethodServerStreaming<I, O>;

export interface CallOptions {
  readonly token?: string | undefined;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One way into the server, the same for all: what a test says of one it says of each. */
export interface Door {
  readonly name: "grpc" | "connect" | "grpc-web" | "in-process";
  unary<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: Stream<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncGenerator<MessageShape<O>, void, undefined>;
  close(): void;
}

/** How a call failed, as a client of any door sees it. */
export class CallFailure extends Error {
  readonly code: number;
  readonly find: <Desc extends DescMessage>(desc: Desc) => MessageShape<Desc> | undefined;
  constructor(code: number, message: string, find: CallFailure["find"]) {
    super(message);
    this.code = code;
    this.find = find;
  }
  get reason() {
    return this.find(ErrorInfoSchema)?.reason;
  }
  get metadata() {
    return this.find(ErrorInfoSchema)?.metadata ?? {};
  }
  get fields(): readonly string[] {
    return this.find(BadRequestSchema)?.fieldViolations.map(({ field }) => field) ?? [];
  }
  get retry() {
    return this.find(RetryInfoSchema);
  }
  get quota() {
    return this.find(QuotaFailureSchema);
  }
  get precondition() {
    return this.find(PreconditionFailureSchema);
  }
}

export async function failureOf(call: Promise<unknown>): Promise<CallFailure> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CallFailure) return error;
    throw error;
  }
  throw new Error("the call did not fail");
}

export function createGrpcDoorClient(
  target: string,
  credentials = grpc.credentials.createInsecure(),
  channel: grpc.ChannelOptions = {},
): Door {
  const options = { "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0, ...channel };
  const client = new grpc.Client(target, credentials, options);
  const partsOf = (method: DescMethod) =>
    definitionOf(method.parent.typeName, [method])[method.name]!;
  const callOptions = ({ timeoutMs }: CallOptions): grpc.CallOptions =>
    timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  return {
    name: "grpc",
    unary<I extends DescMessage, O extends DescMessage>(
      method: Unary<I, O>,
      request: MessageInitShape<I>,
      given: CallOptions = {},
    ) {
      const { path, requestSerialize, responseDeserialize } = partsOf(method);
      return new Promise<MessageShape<O>>((resolve, reject) => {
        const call = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(method.input, request),
          metadataOf(given),
          callOptions(given),
          (error, response) =>
            error ? reject(grpcFailure(error)) : resolve(response as MessageShape<O>),
        );
        given.signal?.addEventListener("abort", () => call.cancel());
      });
    },
    async *stream<I extends DescMessage, O extends DescMessage>(
      method: Stream<I, O>,
      request: MessageInitShape<I>,
      given: CallOptions = {},
    ) {
      const { path, requestSerialize, responseDeserialize } = partsOf(method);
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        create(method.input, request),
        metadataOf(given),
        callOptions(given),
      );
      given.signal?.addEventListener("abort", () => call.cancel());
      try {
        for await (const message of call) yield message as MessageShape<O>;
      } catch (error) {
        throw grpcFailure(error as grpc.ServiceError);
      } finally {
        call.cancel();
      }
    },
    close: () => client.close(),
  };
}

function metadataOf({ token }: CallOptions): grpc.Metadata {
  const metadata = new grpc.Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

function grpcFailure(error: grpc.ServiceError): CallFailure {
  const [packed] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const details = packed ? fromBinary(StatusSchema, packed as Buffer).details : [];
  return new CallFailure(error.code, error.details, (desc) =>
    details.map((any) => anyUnpack(any, desc)).find((one) => one !== undefined),
  );
}

export function createConnectDoorClient(baseUrl: string, useBinaryFormat = false): Door {
  const transport = createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat });
  return createTransportDoor("connect", transport);
}

export function createGrpcWebDoorClient(baseUrl: string): Door {
  return createTransportDoor("grpc-web", createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }));
}

export function createTransportDoor(name: Door["name"], transport: Transport): Door {
  const headersOf = ({ token }: CallOptions): Record<string, string> =>
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    name,
    async unary(method, request, given = {}) {
      try {
        const header = headersOf(given);
        const answer = await transport.unary(
          method,
          given.signal,
          given.timeoutMs,
          header,
          request,
        );
        return answer.message;
      } catch (error) {
        throw connectFailure(error);
      }
    },
    async *stream(method, request, given = {}) {
      try {
        const input = (async function* () {
          yield request;
        })();
        const header = headersOf(given);
        const { signal, timeoutMs } = given;
        const answer = await transport.stream(method, signal, timeoutMs, header, input);
        yield* answer.message;
      } catch (error) {
        throw connectFailure(error);
      }
    },
    close: () => undefined,
  };
}

function connectFailure(error: unknown): CallFailure {
  const { code, rawMessage, findDetails } = ConnectError.from(error);
  const found = ConnectError.from(error);
  return new CallFailure(
    code,
    rawMessage,
    (desc) => findDetails.call(found, desc as never)[0] as never,
  );
}
