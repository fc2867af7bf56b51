import net, { type AddressInfo, type Socket } from "node:net";
import tls from "node:tls";
import type { Log } from "../../core/ports/log.js";
import type { ServerLimits } from "../limits.js";

/** PEM texts. With `ca`, clients must show a certificate that it signed. */
export interface TlsOptions {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca?: string | Buffer;
}

export interface PortOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions;
  readonly limits: ServerLimits;
  readonly log: Log;
  /** Take over a connection once its protocol is known. */
  readonly onHttp2: (socket: Socket) => void;
  readonly onHttp1: (socket: Socket) => void;
}

/** One listening port for HTTP/2 (native gRPC) and HTTP/1.1 (all else). */
export interface Port {
  readonly address: string;
  readonly port: number;
  /** Accepts nothing more, drops who has not spoken yet, resolves when the last one has left. */
  close(): Promise<void>;
  /** Cuts every connection. */
  destroy(): void;
}

/** @throws Error when the address cannot be listened on. */
export async function openPort(options: PortOptions): Promise<Port> {
  const { limits, log } = options;
  const silent = new Set<Socket>();
  const sockets = new Set<Socket>();
  const accept = (socket: Socket) => {
    silent.add(socket);
    // Peers come and go as they like: a reset is not our failure, and must not be our end.
    socket.on("error", (error) => log.debug({ error: error.message }, "connection failed"));
    socket.on("close", () => silent.delete(socket));
    recognize(socket, limits.firstBytesMsMax, (http2) => {
      silent.delete(socket);
      if (http2) options.onHttp2(socket);
      else options.onHttp1(socket);
    });
  };
  const server = options.tls ? secureServer(options.tls, limits, accept) : plainServer(accept);
  // With TLS these are the sockets below it, so that unfinished handshakes are known too.
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.maxConnections = limits.connectionsMax;
  server.on("drop", () => log.warn({ max: limits.connectionsMax }, "connection limit reached"));
  await listen(server, options);
  const { address, port } = server.address() as AddressInfo;
  return {
    address,
    port,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of silent) socket.destroy();
      return closed;
    },
    destroy() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function plainServer(accept: (socket: Socket) => void): net.Server {
  return net.createServer({ noDelay: true }, accept);
}

function secureServer(
  { cert, key, ca }: TlsOptions,
  limits: ServerLimits,
  accept: (socket: Socket) => void,
): net.Server {
  const server = tls.createServer({
    cert,
    key,
    ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }),
    handshakeTimeout: limits.firstBytesMsMax,
    minVersion: "TLSv1.2",
    // Browsers offer both and get Connect; who offers HTTP/2 alone speaks native gRPC.
    ALPNCallback: ({ protocols }) => ["http/1.1", "h2"].find((one) => protocols.includes(one)),
  });
  server.on("secureConnection", accept);
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

function listen(
  server: net.Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      // Out of file descriptors, for instance: goes by, and must not end the process.
      server.on("error", () => undefined);
      resolve();
    });
  });
}

/** How every HTTP/2 connection begins (`PRI * HTTP/2.0`). No HTTP/1.1 method does. */
const HTTP2_START = "PRI";

/** Looks at a connection's first bytes and puts them back. Who says nothing in time is dropped. */
function recognize(socket: Socket, msMax: number, found: (http2: boolean) => void): void {
  const timer = setTimeout(() => socket.destroy(), msMax);
  let seen = Buffer.alloc(0);
  const stop = () => {
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("end", onGone);
    socket.off("close", onGone);
  };
  const onGone = () => {
    stop();
    socket.destroy();
  };
  const onReadable = () => {
    const chunk: Buffer | null = socket.read();
    if (!chunk) return;
    seen = Buffer.concat([seen, chunk]);
    const start = seen.toString("latin1", 0, HTTP2_START.length);
    if (start.length < HTTP2_START.length && HTTP2_START.startsWith(start)) return;
    stop();
    socket.unshift(seen);
    found(start === HTTP2_START);
  };
  socket.on("readable", onReadable);
  socket.on("end", onGone);
  socket.on("close", onGone);
}
