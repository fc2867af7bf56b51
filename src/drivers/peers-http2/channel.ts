import http2 from "node:http2";
import type { Clock, Timer } from "../../core/ports/clock.js";
import { connectPeer } from "./connect.js";
import type { Identity } from "./identity.js";
import { askPath, peerLimits, timeoutHeader } from "./wire.js";

/** What became of a request. */
export type Sent =
  | { readonly kind: "answered"; readonly body: Buffer }
  /** No peer has begun with it, nor will. */
  | { readonly kind: "notTaken"; readonly cause: unknown }
  /** It left, and nobody can say how far it came. */
  | { readonly kind: "unknown"; readonly cause: unknown };

/** The way to one address: one connection, kept while it works, made anew when it is needed. */
export interface Channel {
  readonly address: string;
  /** Never sends twice, never throws. */
  send(body: Buffer, timeoutMs: number, signal: AbortSignal): Promise<Sent>;
  close(): void;
}

export interface ChannelOptions {
  readonly address: string;
  /** Whose node the other side has to be, by its certificate. */
  readonly installation: string;
  /** Read for each connection, so that new certificates need no restart. */
  readonly identity: () => Promise<Identity>;
  readonly clock: Clock;
}

/** An address that was not there is left alone for a moment: others may be, and soon it again. */
const restMs = 500;
/**
 * So long after packets to it have vanished nobody waits for the address: it is tried beside, and
 * taken again once that worked.
 */
const silenceMs = 10_000;

export function createChannel({ address, installation, identity, clock }: ChannelOptions): Channel {
  let session: http2.ClientHttp2Session | undefined;
  let opening: Promise<http2.ClientHttp2Session> | undefined;
  let restUntilMs = Number.NEGATIVE_INFINITY;
  let silentUntilMs = Number.NEGATIVE_INFINITY;
  let closed = false;

  async function open(): Promise<http2.ClientHttp2Session> {
    if (closed) throw new Error("this node is stopping");
    const startedMs = clock.monotonicMs();
    if (startedMs < restUntilMs) throw new Error(`${address} was not there just now`);
    try {
      session = await connectPeer({ address, installation, identity: await identity(), clock });
      silentUntilMs = Number.NEGATIVE_INFINITY;
      if (closed) session.destroy();
      keepAlive(session, clock);
      return session;
    } catch (error) {
      const nowMs = clock.monotonicMs();
      restUntilMs = nowMs + restMs;
      if (nowMs - startedMs >= peerLimits.connectMsMax) silentUntilMs = nowMs + silenceMs;
      throw error;
    }
  }

  function opened(): Promise<http2.ClientHttp2Session> {
    opening ??= open().finally(() => {
      opening = undefined;
    });
    if (clock.monotonicMs() >= silentUntilMs) return opening;
    opening.catch(() => undefined); // Nobody waits for it.
    return Promise.reject(new Error(`${address} has not answered for some seconds`));
  }

  return {
    address,
    async send(body, timeoutMs, signal) {
      let ready = session;
      try {
        if (!ready || ready.closed || ready.destroyed) ready = await opened();
      } catch (cause) {
        return { kind: "notTaken", cause };
      }
      return post(ready, { body, timeoutMs, signal });
    },
    close() {
      closed = true;
      session?.destroy();
    },
  };
}

/** A connection whose other side has vanished ends itself, and what waits on it is told. */
function keepAlive(session: http2.ClientHttp2Session, clock: Clock): void {
  let timer: Timer;
  const pause = () => {
    timer = clock.after(peerLimits.pingEveryMs, () => {
      if (session.destroyed) return; // Its last bytes are on their way.
      const silent = () => session.destroy(new Error("it went silent"));
      timer = clock.after(peerLimits.pongMsMax, silent);
      session.ping((error) => {
        timer.cancel();
        if (!error) pause();
      });
    });
  };
  pause();
  session.once("close", () => timer.cancel());
}

interface Post {
  readonly body: Buffer;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function post(session: http2.ClientHttp2Session, ask: Post): Promise<Sent> {
  const { body, timeoutMs, signal } = ask;
  if (signal.aborted) return Promise.resolve({ kind: "notTaken", cause: signal.reason });
  let stream: http2.ClientHttp2Stream;
  try {
    stream = session.request({
      ":method": "POST",
      ":path": askPath,
      "content-type": "application/json",
      "content-length": body.length,
      [timeoutHeader]: Math.max(1, Math.floor(timeoutMs)),
    });
  } catch (cause) {
    return Promise.resolve({ kind: "notTaken", cause }); // The connection has ended meanwhile.
  }
  return new Promise((resolve) => {
    let status = 0;
    let length = 0;
    let cause: unknown;
    let size = 0;
    const chunks: Buffer[] = [];
    const leave = () => stream.close(http2.constants.NGHTTP2_CANCEL);
    signal.addEventListener("abort", leave, { once: true });
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
      length = Number(headers["content-length"]);
    });
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= peerLimits.answerBytesMax) chunks.push(chunk);
      else leave();
    });
    stream.on("error", (error) => {
      cause = error;
    });
    stream.on("close", () => {
      signal.removeEventListener("abort", leave);
      // Without an id it never left; what is refused, the other side has not looked at.
      const isSafe =
        stream.id === undefined || stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM;
      const said = cause ?? new Error(status === 0 ? "no answer" : `answered ${status}`);
      if (isSafe || isRefusal(status)) resolve({ kind: "notTaken", cause: said });
      else if (status === 200 && size === length)
        resolve({ kind: "answered", body: Buffer.concat(chunks) });
      else resolve({ kind: "unknown", cause: said });
    });
    stream.end(body);
  });
}

/** What the other side answers before it begins with a command, and only then. */
function isRefusal(status: number): boolean {
  return (status >= 400 && status < 500) || status === 503;
}
