import http, { type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { cors as connectCors } from "@connectrpc/connect";
import type { DrainSwitch } from "../drain-switch.js";
import type { ServerLimits } from "../limits.js";

/** HTTP/1.1: Connect, gRPC-Web, probes and whatever else is mounted beside them. */
export interface HttpDoor {
  inject(socket: Socket): void;
  /** Closes idle connections now and the others as they finish. */
  drain(): void;
  destroy(): void;
}

/** Takes a request and returns true, or leaves it to others. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createHttpDoor(
  handler: RequestListener,
  limits: ServerLimits,
  drain: DrainSwitch,
): HttpDoor {
  const server = http.createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersMsMax,
      requestTimeout: limits.requestMsMax,
      keepAliveTimeout: limits.idleMsMax,
      connectionsCheckingInterval: Math.min(5_000, limits.headersMsMax),
    },
    (request, response) => {
      const { socket } = request; // Node takes it away from both once the answer is out.
      response.on("error", () => undefined); // The peer is gone; there is nobody to tell.
      response.on("finish", () => endUnread(request, socket));
      const leave = drain.onDrain(() => {
        if (!response.headersSent) response.setHeader("connection", "close");
      });
      response.on("close", () => {
        leave();
        if (drain.draining) setImmediate(() => server.closeIdleConnections());
      });
      handler(request, response);
    },
  );
  server.maxHeadersCount = limits.headersMax;
  // It never listens itself, but only a listening server enforces its time limits.
  server.emit("listening");
  return {
    inject: (socket) => void server.emit("connection", socket),
    drain: () => server.closeIdleConnections(),
    destroy() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** How long a peer may go on sending what was answered already, to get to read the answer. */
const unreadMsMax = 2_000;

/** Node takes the rest of a refused request until `requestTimeout`, however fast it comes. */
function endUnread(request: IncomingMessage, socket: Socket): void {
  if (request.complete || socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), unreadMsMax);
  const stop = () => clearTimeout(timer);
  request.once("end", stop);
  socket.once("close", stop);
}

/** `/healthz`: the process answers. `/readyz`: calls are welcome. */
export function createProbes(drain: DrainSwitch, isReady: () => boolean): HttpHandler {
  return (request, response) => {
    const path = request.url?.split("?", 1)[0];
    if (path !== "/healthz" && path !== "/readyz") return false;
    const ready = path === "/healthz" || (!drain.draining && isReady());
    answerText(response, ready ? 200 : 503, ready ? "ok\n" : "not ready\n");
    return true;
  };
}

export function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}

/** Lets pages of the named origins call. Without origins browsers keep to their own. */
export interface CorsOptions {
  readonly origins: readonly string[];
}

/** How long browsers may remember a preflight's answer. */
const PREFLIGHT_SECONDS = 7_200;

/** Adds CORS headers, and answers preflights. */
export function createCors({ origins }: CorsOptions): HttpHandler {
  const allowed = new Set(origins);
  return (request, response) => {
    const { origin } = request.headers;
    response.setHeader("vary", "Origin");
    if (origin === undefined || !allowed.has(origin)) return false;
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-expose-headers", connectCors.exposedHeaders.join(", "));
    const asked = request.headers["access-control-request-method"];
    if (request.method !== "OPTIONS" || asked === undefined) return false;
    const headers = [...connectCors.allowedHeaders, "Authorization"].join(", ");
    response.setHeader("access-control-allow-methods", connectCors.allowedMethods.join(", "));
    response.setHeader("access-control-allow-headers", headers);
    response.setHeader("access-control-max-age", PREFLIGHT_SECONDS);
    response.writeHead(204).end();
    return true;
  };
}
