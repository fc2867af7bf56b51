import type {
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Caller } from "../supervisor/api.js";

/** What a service does, free of any transport. The guard has admitted and checked the request. */
export type ServiceMethods<Desc extends DescService> = {
  readonly [Name in keyof Desc["method"]]: MethodOf<Desc["method"][Name]>;
};

type MethodOf<Method> =
  Method extends DescMethodUnary<infer Input, infer Output>
    ? (request: MessageShape<Input>, caller: Caller) => Promise<MessageInitShape<Output>>
    : Method extends DescMethodServerStreaming<infer Input, infer Output>
      ? (request: MessageShape<Input>, caller: Caller) => AsyncIterable<MessageShape<Output>>
      : never;

/** What a door knows of a call. */
export interface CallContext {
  readonly authorization: string | undefined;
  /** The peer's address, for the audit. */
  readonly address: string;
  /** What is left of the client's deadline; undefined when it gave none. */
  readonly timeoutMs: number | undefined;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** A method that any door can serve. It fails with StatusErrors only. */
export type GuardedMethod = GuardedUnary | GuardedStream;

export interface GuardedUnary {
  readonly kind: "unary";
  readonly desc: DescMethod & DescMethodUnary;
  call(request: Message, context: CallContext): Promise<Message>;
}

export interface GuardedStream {
  readonly kind: "server_streaming";
  readonly desc: DescMethod & DescMethodServerStreaming;
  call(request: Message, context: CallContext): AsyncGenerator<Message, void, undefined>;
}

export interface GuardedService {
  readonly desc: DescService;
  readonly methods: readonly GuardedMethod[];
}
