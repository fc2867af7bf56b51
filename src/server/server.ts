import { createRouterTransport, type Transport } from "@connectrpc/connect";
import type { Clock } from "../core/ports/clock.js";
import type { Log } from "../core/ports/log.js";
import type { Supervisor } from "../supervisor/api.js";
import type { Authenticator } from "./authenticator.js";
import { createDrainSwitch, type DrainSwitch } from "./drain-switch.js";
import { createGuard, type Refusal } from "./guard.js";
import type { GuardedService } from "./guarded.js";
import { createHooksDoor } from "./hooks/hooks-door.js";
import { type ServerLimits, serverLimits } from "./limits.js";
import { createServices } from "./services/index.js";
import { createConnectDoor, routesOf } from "./transport/connect-door.js";
import { createDiscoveryDoor } from "./transport/discovery-door.js";
import { createGrpcDoor } from "./transport/grpc-door.js";
import { createHealthService } from "./transport/health.js";
import {
  answerText,
  type CorsOptions,
  createCors,
  createHttpDoor,
  createProbes,
  type HttpHandler,
} from "./transport/http-door.js";
import { createMetricsDoor, type Figures } from "./transport/metrics-door.js";
import { openPort, type Port, type TlsOptions } from "./transport/port.js";
import { createReflectionServices } from "./transport/reflection.js";
import { createRequestValidator } from "./validate.js";

/** What every way of serving needs. */
export interface ApiOptions {
  readonly supervisor: Supervisor;
  readonly authenticator: Authenticator;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits?: Partial<ServerLimits>;
  /** Hears of every refusal of permission (B10.5). Must not throw. */
  readonly onRefused?: (refusal: Refusal) => void;
}

export interface ServerOptions extends ApiOptions {
  /** Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls?: TlsOptions;
  /** Off by default. */
  readonly cors?: CorsOptions;
  /** Asked by `/readyz`; true by default. */
  readonly isReady?: () => boolean;
  /** Served at `/metrics`. */
  readonly figures?: Figures;
  /** Asked, in order, for HTTP/1.1 requests that are no calls: the console. */
  readonly httpHandlers?: readonly HttpHandler[];
}

export interface Server {
  readonly address: string;
  readonly port: number;
  /**
   * Says NOT_SERVING, ends streams with UNAVAILABLE (`SHUTTING_DOWN`), lets running calls finish
   * for at most `graceMs`, and resolves when every connection is closed.
   */
  drain(graceMs: number): Promise<void>;
}

/**
 * Serves the API on one port: gRPC, Connect and gRPC-Web.
 * @throws Error before it listens when a method declares no permission (B10.2), or when it cannot
 * listen.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { clock, log } = options;
  const limits = { ...serverLimits, ...options.limits };
  const drain = createDrainSwitch();
  const services = servicesOf(options, limits, drain);
  const descs = services.map(({ desc }) => desc);
  const health = createHealthService(
    descs.map(({ typeName }) => typeName),
    drain,
  );
  const open = [health, ...createReflectionServices(descs)];
  const grpc = createGrpcDoor(services, open, limits);
  const http = createHttpDoor(httpHandlerOf(services, options, limits, drain), limits, drain);
  const port = await openPort({
    ...options.listen,
    ...(options.tls && { tls: options.tls }),
    limits,
    log,
    onHttp2: grpc.inject,
    onHttp1: http.inject,
  });
  let drained: Promise<void> | undefined;
  return {
    address: port.address,
    port: port.port,
    drain(graceMs) {
      drained ??= drainAll({ graceMs, clock, drain, port, grpc, http });
      return drained;
    },
  };
}

/** The same guarded services without a socket, for whoever embeds Muster. */
export function createInProcessTransport(options: ApiOptions): Transport {
  const limits = { ...serverLimits, ...options.limits };
  const services = servicesOf(options, limits, createDrainSwitch());
  return createRouterTransport(routesOf(services, "in-process"));
}

function servicesOf(
  options: ApiOptions,
  limits: ServerLimits,
  drain: DrainSwitch,
): readonly GuardedService[] {
  const { authenticator, clock, log, supervisor, onRefused = () => undefined } = options;
  const validator = createRequestValidator();
  const guard = createGuard({ authenticator, validator, clock, log, limits, drain, onRefused });
  return createServices(supervisor, guard, { validator, limits });
}

function httpHandlerOf(
  services: readonly GuardedService[],
  options: ServerOptions,
  limits: ServerLimits,
  drain: DrainSwitch,
) {
  const probes = createProbes(drain, options.isReady ?? (() => true));
  const { figures, authenticator, log, supervisor, clock } = options;
  const metrics = figures ? [createMetricsDoor({ figures, authenticator, log })] : [];
  const hooks = createHooksDoor({ supervisor, clock, log });
  const discovery = createDiscoveryDoor({ supervisor, authenticator, clock, log });
  const others = [probes, hooks, discovery, ...metrics, ...(options.httpHandlers ?? [])];
  const connect = createConnectDoor(services, limits, (request, response) => {
    if (!others.some((handle) => handle(request, response)))
      answerText(response, 404, "not found\n");
  });
  const cors = options.cors && createCors(options.cors);
  return (...call: Parameters<HttpHandler>) => {
    if (!cors?.(...call)) connect(...call);
  };
}

interface Draining {
  readonly graceMs: number;
  readonly clock: Clock;
  readonly drain: DrainSwitch;
  readonly port: Port;
  readonly grpc: ReturnType<typeof createGrpcDoor>;
  readonly http: ReturnType<typeof createHttpDoor>;
}

async function drainAll({ graceMs, clock, drain, port, grpc, http }: Draining): Promise<void> {
  drain.start();
  const closed = port.close();
  const grpcDone = grpc.drain();
  http.drain();
  const timer = clock.after(graceMs, () => {
    grpc.destroy();
    http.destroy();
    port.destroy();
  });
  await Promise.all([closed, grpcDone]);
  timer.cancel();
  http.destroy();
}
