import { randomUUID } from "node:crypto";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { PeerCommand, PeerDoor } from "../../core/ports/peers.js";
import { type IdentityFiles, isPeer, readIdentity } from "./identity.js";
import { createSilenceWatch } from "./silence.js";
import {
  askPath,
  decodeCommand,
  encodeFault,
  encodeResult,
  isOutcome,
  peerLimits,
  timeoutHeader,
} from "./wire.js";

export interface PeerListenerOptions {
  readonly installation: string;
  readonly identity: IdentityFiles;
  /** Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly door: PeerDoor;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where nodes of other colos ask: HTTP/2 over mutual TLS, for the installation's nodes alone. */
export interface PeerListener {
  /** `host:port`. */
  readonly address: string;
  /** Takes nothing more, lets what runs finish for at most `graceMs`, and closes everything. */
  close(graceMs: number): Promise<void>;
}

/** New certificates are in use after that. */
const rereadMs = 60_000;
const handshakeMsMax = 5_000;
/** More than a way there and back between colos. */
const lingerMs = 500;

/** @throws Error when the address cannot be listened on, or a file is of no use. */
export async function openPeerListener(options: PeerListenerOptions): Promise<PeerListener> {
  const { installation, clock, log, door } = options;
  const sessions = new Set<http2.ServerHttp2Session>();
  let identity = await readIdentity(options.identity);
  const silence = createSilenceWatch(clock);
  let draining = false;
  const server = tls.createServer({
    ...identity,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["h2"],
    handshakeTimeout: handshakeMsMax,
  });
  server.maxConnections = peerLimits.connectionsMax;
  server.on("tlsClientError", (error, socket) => {
    log.warn({ error: error.message }, "a stranger at the peers' door was turned away");
    socket.destroy();
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", (error) =>
      log.debug({ error: error.message }, "a peer's connection failed"),
    );
    // Before it is spoken to: what is not spoken to sends no command.
    const certificate = socket.getPeerX509Certificate();
    if (!certificate || !isPeer(certificate, installation)) {
      log.warn({ address: socket.remoteAddress }, "a certificate of no peer was turned away");
      socket.destroy();
    } else serve(socket);
  });

  function serve(socket: TLSSocket): void {
    const session = http2.performServerHandshake(socket, {
      settings: { maxConcurrentStreams: peerLimits.streamsPerConnectionMax },
    });
    sessions.add(session);
    silence.add(session, socket);
    session.on("close", () => sessions.delete(session));
    session.on("error", (error) => log.debug({ error: String(error) }, "a peer's session failed"));
    session.on("stream", (stream, headers) => {
      stream.on("error", (error) => log.debug({ error: String(error) }, "a peer is gone"));
      take(stream, headers);
    });
  }

  function take(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
    const isAsk = headers[":method"] === "POST" && headers[":path"] === askPath;
    if (!isAsk || draining) {
      answer(stream, isAsk ? 503 : 404);
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= peerLimits.requestBytesMax) chunks.push(chunk);
    });
    stream.on("end", () => {
      if (stream.destroyed || stream.aborted) return; // Its caller has given up.
      const isWhole = size <= peerLimits.requestBytesMax;
      const command = isWhole ? decodeCommand(Buffer.concat(chunks)) : undefined;
      if (draining || silence.slept()) answer(stream, 503);
      else if (!command) answer(stream, isWhole ? 400 : 413);
      else void carryOut(stream, command, Number(headers[timeoutHeader] ?? Number.NaN));
    });
  }

  async function carryOut(
    stream: http2.ServerHttp2Stream,
    command: PeerCommand,
    timeoutMs: number,
  ): Promise<void> {
    const { name, principal, requestId } = command;
    const about = { command: name, principal, requestId };
    const controller = new AbortController();
    const end = () => controller.abort();
    const patienceMs = timeoutMs > 0 ? timeoutMs : peerLimits.askMsMax;
    const timer = clock.after(Math.min(patienceMs, peerLimits.askMsMax), end);
    stream.on("close", end);
    try {
      const body = encodeResult(await door.answer(command, controller.signal));
      if (body.length > peerLimits.answerBytesMax) throw new Error("the answer is too large");
      log.debug(about, "a peer's command was carried out");
      answer(stream, 200, body);
    } catch (error) {
      if (controller.signal.aborted) {
        log.debug(about, "a peer's command took longer than its caller waits");
        answer(stream, 504);
      } else if (isOutcome(error)) {
        log.debug({ ...about, reason: error.reason }, "a peer's command was refused");
        answer(stream, 200, encodeFault(error));
      } else {
        const incident = randomUUID();
        const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
        log.error({ ...about, incident, error: shown }, "a peer's command failed");
        answer(stream, 500);
      }
    } finally {
      timer.cancel();
      stream.off("close", end);
    }
  }

  let reread = clock.after(rereadMs, look);
  function look(): void {
    readIdentity(options.identity)
      .then((now) => {
        if (JSON.stringify(now) === JSON.stringify(identity)) return;
        server.setSecureContext({ ...now, minVersion: "TLSv1.3" });
        identity = now;
        log.info({}, "new certificates for peers are in use");
      })
      .catch((error: unknown) => {
        log.warn({ error: String(error) }, "the peers' certificates could not be read anew");
      });
    if (!draining) reread = clock.after(rereadMs, look);
  }

  await listen(server, options.listen);
  const { address, port } = server.address() as AddressInfo;
  return {
    address: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`,
    async close(graceMs) {
      draining = true;
      reread.cancel();
      silence.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Says up to which command it has them, and waits until they must have heard it: cut at once,
      // they could not tell whether a command on its way was taken.
      for (const session of sessions) if (!session.destroyed) session.goaway();
      const lingering = clock.after(lingerMs, () => {
        for (const session of sessions) session.close();
      });
      const patience = clock.after(graceMs, () => {
        for (const session of sessions) session.destroy();
      });
      await closed;
      lingering.cancel();
      patience.cancel();
    },
  };
}

function answer(stream: http2.ServerHttp2Stream, status: number, body?: Buffer): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond({
    ":status": status,
    "content-type": "application/json",
    "content-length": body?.length ?? 0,
  });
  stream.end(body);
}

function listen(
  server: tls.Server,
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
