import type { IncomingMessage, RequestListener } from "node:http";
import type { DescService, Message } from "@bufbuild/protobuf";
import {
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { CallContext, GuardedService } from "../guarded.js";
import type { ServerLimits } from "../limits.js";
import { StatusError } from "../status-error.js";

const peerAddress = createContextKey("", { description: "address of the peer" });

/** Connect and gRPC-Web over HTTP/1.1, for browsers and curl. Reads may come by GET. */
export function createConnectDoor(
  services: readonly GuardedService[],
  limits: ServerLimits,
  fallback: RequestListener,
): RequestListener {
  const handle = connectNodeAdapter({
    routes: routesOf(services),
    // Native gRPC needs HTTP/2 and has a door of its own.
    grpc: false,
    readMaxBytes: limits.requestBytesMax,
    writeMaxBytes: limits.responseBytesMax,
    contextValues: (request) =>
      createContextValues().set(peerAddress, addressOf(request as IncomingMessage)),
    fallback: (request, response) =>
      fallback(request as IncomingMessage, response as Parameters<RequestListener>[1]),
  });
  return (request, response) => handle(request, response);
}

/** The services for any Connect router, in memory as well. */
export function routesOf(
  services: readonly GuardedService[],
  addressDefault = "",
): (router: ConnectRouter) => void {
  return (router) => {
    for (const service of services) router.service(service.desc, implOf(service, addressDefault));
  };
}

function implOf(
  service: GuardedService,
  addressDefault: string,
): Partial<ServiceImpl<DescService>> {
  const impl: Record<string, unknown> = {};
  const contextOf = (context: HandlerContext): CallContext => ({
    authorization: context.requestHeader.get("authorization") ?? undefined,
    address: context.values.get(peerAddress) || addressDefault,
    timeoutMs: context.timeoutMs(),
    signal: context.signal,
  });
  for (const method of service.methods)
    impl[method.desc.localName] =
      method.kind === "unary"
        ? (request: Message, context: HandlerContext) =>
            method.call(request, contextOf(context)).catch(throwConnectError)
        : async function* (request: Message, context: HandlerContext) {
            try {
              yield* method.call(request, contextOf(context));
            } catch (error) {
              throwConnectError(error);
            }
          };
  return impl as Partial<ServiceImpl<DescService>>;
}

function throwConnectError(error: unknown): never {
  if (!(error instanceof StatusError)) throw error; // The guard fails with nothing else.
  const details = error.details.map(({ desc, value }) => ({ desc, value }));
  throw new ConnectError(error.message, error.code, undefined, details);
}

function addressOf({ socket }: IncomingMessage): string {
  return `${socket.remoteAddress ?? ""}:${socket.remotePort ?? ""}`;
}
