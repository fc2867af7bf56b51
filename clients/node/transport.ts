import * as http from "node:http";
import * as https from "node:https";
import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";

/** PEM texts. Left out: the system's authorities, and no certificate of our own. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name to expect in the server's certificate, where it is not the address. */
  readonly serverName?: string;
}

export interface ClientTransport {
  readonly transport: Transport;
  /** Ends the connections that are kept for the next call, and the calls under way on them. */
  close(): void;
}

export type TransportKind = "connect" | "grpc" | "grpcWeb";

/** Answers larger than this are refused instead of filling the memory. */
const readBytesMax = 64 * 1024 * 1024;
/** Finds out that a quiet HTTP/2 connection is dead; HTTP/1.1 has the stream's heartbeats. */
const pingIntervalMs = 30_000;

/** A connection to one address. `connect` and `grpcWeb` speak HTTP/1.1, `grpc` HTTP/2. */
export function createClientTransport(options: {
  readonly address: string;
  readonly kind: TransportKind;
  readonly tls: ClientTls | undefined;
  readonly interceptors: readonly Interceptor[];
}): ClientTransport {
  const baseUrl = baseUrlOf(options.address, options.tls !== undefined);
  const common = { baseUrl, readMaxBytes: readBytesMax, interceptors: [...options.interceptors] };
  const secure = secureOptionsOf(options.tls);
  if (options.kind === "grpc") {
    const sessionManager = new Http2SessionManager(baseUrl, { pingIntervalMs }, secure);
    return {
      transport: createGrpcTransport({ ...common, sessionManager }),
      close: () => sessionManager.abort(),
    };
  }
  const agent = baseUrl.startsWith("https:")
    ? new https.Agent({ keepAlive: true, ...secure })
    : new http.Agent({ keepAlive: true });
  const http1 = { ...common, httpVersion: "1.1", nodeOptions: { agent } } as const;
  const create = options.kind === "connect" ? createConnectTransport : createGrpcWebTransport;
  return { transport: create(http1), close: () => agent.destroy() };
}

/** `host:port` or a URL. Throws TypeError on anything else, before the first call. */
export function baseUrlOf(address: string, secure: boolean): string {
  const scheme = /^https?:\/\//.test(address) ? "" : secure ? "https://" : "http://";
  const text = `${scheme}${address}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new TypeError(`the address must be host:port or a URL, not "${address}"`);
  }
  if (secure && url.protocol === "http:") {
    throw new TypeError(`the address says http, but TLS was asked for: "${address}"`);
  }
  return url.href.replace(/\/$/, "");
}

function secureOptionsOf(tls: ClientTls | undefined) {
  return {
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  };
}
