import type { Duplex } from "node:stream";
import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { Fault } from "../../core/errors/fault.js";
import type { CallContext, GuardedMethod, GuardedService, GuardedStream } from "../guarded.js";
import type { ServerLimits } from "../limits.js";
import { packStatus, StatusError, statusOfFault } from "../status-error.js";

/** Native gRPC. Takes connections that somebody else has accepted. */
export interface GrpcDoor {
  inject(connection: Duplex): void;
  /** Sends GOAWAY and resolves when every call has ended. */
  drain(): Promise<void>;
  /** Cuts what is left. */
  destroy(): void;
}

/** Services that grpc-js serves beside the guarded ones: health and reflection. */
export interface OpenService {
  readonly definition: grpc.ServiceDefinition;
  readonly handlers: grpc.UntypedServiceImplementation;
}

export function createGrpcDoor(
  services: readonly GuardedService[],
  open: readonly OpenService[],
  limits: ServerLimits,
): GrpcDoor {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": limits.requestBytesMax,
    "grpc.max_send_message_length": limits.responseBytesMax,
    "grpc.max_concurrent_streams": limits.streamsPerConnectionMax,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc.enable_channelz": 0,
  });
  for (const service of services) {
    const methods = service.methods.map((method) => method.desc);
    server.addService(definitionOf(service.desc.typeName, methods), handlersOf(service, limits));
  }
  for (const { definition, handlers } of open) server.addService(definition, handlers);
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  return {
    inject: (connection) => injector.injectConnection(connection),
    drain: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    destroy: () => server.forceShutdown(),
  };
}

/** What could not be decoded, so that the handler can answer with a status of its own. */
const malformed = Symbol("malformed");

/** A grpc-js definition from protobuf-es descriptors. */
export function definitionOf(
  typeName: string,
  methods: readonly DescMethod[],
): grpc.ServiceDefinition {
  const definition: Record<string, grpc.MethodDefinition<unknown, unknown>> = {};
  for (const method of methods) {
    const kind = method.methodKind;
    definition[method.name] = {
      path: `/${typeName}/${method.name}`,
      requestStream: kind === "client_streaming" || kind === "bidi_streaming",
      responseStream: kind === "server_streaming" || kind === "bidi_streaming",
      requestSerialize: (message) => encode(method.input, message as Message),
      requestDeserialize: (bytes) => decode(method.input, bytes),
      responseSerialize:
        kind === "server_streaming" ? encodeOnce(method.output) : encodeWith(method.output),
      responseDeserialize: (bytes) => fromBinary(method.output, bytes),
    };
  }
  return definition;
}

function decode(desc: DescMessage, bytes: Buffer): Message | typeof malformed {
  try {
    return fromBinary(desc, bytes);
  } catch {
    return malformed;
  }
}

function encode(desc: DescMessage, message: Message): Buffer {
  const bytes = toBinary(desc, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function encodeWith(desc: DescMessage): (message: unknown) => Buffer {
  return (message) => encode(desc, message as Message);
}

/** Streams give one message to many subscribers: its bytes are made once. */
function encodeOnce(desc: DescMessage): (message: unknown) => Buffer {
  const encoded = new WeakMap<Message, Buffer>();
  return (message) => {
    const known = encoded.get(message as Message);
    if (known) return known;
    const bytes = encode(desc, message as Message);
    encoded.set(message as Message, bytes);
    return bytes;
  };
}

function handlersOf(
  service: GuardedService,
  limits: ServerLimits,
): grpc.UntypedServiceImplementation {
  const handlers: Record<string, grpc.UntypedHandleCall> = {};
  for (const method of service.methods)
    handlers[method.desc.name] =
      method.kind === "unary" ? unaryHandler(method) : streamHandler(method, limits);
  return handlers;
}

/** grpc-js says "cancelled" after every call; making an exception each time would cost dearly. */
const GONE = "the client is gone, or has its answer";

type Request = Message | typeof malformed;

function unaryHandler(
  method: Extract<GuardedMethod, { kind: "unary" }>,
): grpc.handleUnaryCall<Request, Message> {
  return (call, callback) => {
    if (call.request === malformed) return callback(grpcError(malformedRequest(method.desc)));
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort(GONE));
    method.call(call.request as Message, contextOf(call, gone.signal)).then(
      (response) => callback(null, response),
      (error) => callback(grpcError(error)),
    );
  };
}

function streamHandler(
  method: GuardedStream,
  limits: ServerLimits,
): grpc.handleServerStreamingCall<Request, Message> {
  return (call) => {
    if (call.request === malformed) {
      call.emit("error", grpcError(malformedRequest(method.desc)));
      return;
    }
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort(GONE));
    const messages = method.call(call.request as Message, contextOf(call, gone.signal));
    // `destroy(error)` would leave the client hanging; an "error" event becomes the status.
    pump(messages, call, { stallMsMax: limits.stallMsMax }).then(
      () => call.end(),
      (error) => call.emit("error", grpcError(error)),
    );
  };
}

/** Batches that may wait for one reader. grpc-js alone would let 16 pile up. */
const WRITES_WAITING_MAX = 4;

/** Writes as fast as the reader takes, and no faster. A reader that takes nothing is let go. */
async function pump(
  messages: AsyncGenerator<Message, void, undefined>,
  call: StreamCall,
  { stallMsMax }: { readonly stallMsMax: number },
): Promise<void> {
  let waiting = 0;
  let onTaken: (() => void) | undefined;
  const taken = () => {
    waiting--;
    onTaken?.();
  };
  for await (const message of messages) {
    if (call.cancelled) return;
    waiting++;
    call.write(message, taken);
    if (waiting < WRITES_WAITING_MAX) continue;
    await endOfWait(call, stallMsMax, (resolve) => {
      onTaken = resolve;
    });
    onTaken = undefined;
  }
}

/** Resolves when a write has left, or with the call's end, which leaves writes unanswered. */
function endOfWait(
  call: StreamCall,
  stallMsMax: number,
  whenTaken: (resolve: () => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      call.off("close", done);
      resolve();
    };
    const timer = setTimeout(() => {
      call.off("close", done);
      reject(statusOfFault(stalled(stallMsMax)));
    }, stallMsMax);
    call.once("close", done);
    whenTaken(done);
  });
}

function stalled(stallMsMax: number): Fault {
  const say = `nothing was read for ${stallMsMax} ms; subscribe again with the last cursor`;
  return new Fault("SUBSCRIBER_TOO_SLOW", { say, facts: { stallMsMax: String(stallMsMax) } });
}

type StreamCall = grpc.ServerWritableStream<Request, Message>;
type AnyCall = grpc.ServerUnaryCall<Request, Message> | StreamCall;

function contextOf(call: AnyCall, signal: AbortSignal): CallContext {
  const [authorization] = call.metadata.get("authorization");
  const deadline = call.getDeadline();
  const atMs = deadline instanceof Date ? deadline.getTime() : deadline;
  return {
    authorization: typeof authorization === "string" ? authorization : undefined,
    address: call.getPeer(),
    timeoutMs: Number.isFinite(atMs) ? atMs - Date.now() : undefined,
    signal,
  };
}

function malformedRequest(method: DescMethod): StatusError {
  const say = `the request is not a valid ${method.input.typeName}`;
  return statusOfFault(new Fault("FIELD_INVALID", { say }));
}

/** What grpc-js turns into a status with `grpc-status-details-bin`. */
function grpcError(error: unknown): grpc.ServiceError {
  if (!(error instanceof StatusError)) throw error; // The guard fails with nothing else.
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(packStatus(error)));
  const { code, message } = error;
  return Object.assign(new Error(message), { code, details: message, metadata });
}
