import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Clock } from "../../core/ports/clock.js";

/** HTTP as OpenStack's services speak it: JSON both ways, over connections that are kept. */
export interface Http {
  /**
   * One request, one answer, whatever its status.
   *
   * @throws OutsideFault `temporary` when there is none; `ambiguous` when a change was on its way.
   */
  exchange(request: HttpRequest): Promise<HttpAnswer>;
  /** Breaks off what is under way. */
  close(): void;
}

export interface HttpRequest {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

export type HttpMethod = "GET" | "POST" | "PUT" | "DELETE";

export interface HttpAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly body: unknown;
  /** The service's own id of the request, for its operators. */
  readonly requestId: string | undefined;
}

export function isChange(method: HttpMethod): boolean {
  return method !== "GET";
}

const limits = {
  /** A page of 1,000 servers is 2 to 4 MiB. */
  answerBytesMax: 32 * 1_024 * 1_024,
  /** Whoever asks for less has a signal of their own. */
  exchangeMsMax: 120_000,
  connectionsMax: 64,
  /** Below the 5 s after which common web servers drop a connection that nobody uses. */
  idleMsMax: 4_000,
} as const;

export function createHttp(parts: {
  readonly clock: Clock;
  /** Tells the cloud's operators who calls. */
  readonly agent: string;
  readonly ca?: string[];
}): Http {
  const pool = { keepAlive: true, maxSockets: limits.connectionsMax, timeout: limits.idleMsMax };
  const plain = new HttpAgent(pool);
  const secure = new HttpsAgent({ ...pool, ...(parts.ca && { ca: parts.ca }) });
  const running = new Set<(message: string) => void>();
  let closed = false;

  const send = (request: HttpRequest): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const { method, url, signal } = request;
      const isSecure = url.protocol === "https:";
      const payload = request.body === undefined ? undefined : JSON.stringify(request.body);
      const headers = {
        ...{ accept: "application/json", "user-agent": parts.agent },
        ...(payload !== undefined && { "content-type": "application/json" }),
        ...(isChange(method) && { "content-length": Buffer.byteLength(payload ?? "") }),
        ...request.headers,
      };
      let sent = false;
      const outgoing = isSecure
        ? requestHttps(url, { method, headers, agent: secure })
        : requestHttp(url, { method, headers, agent: plain });

      const finish = (end: () => void) => {
        timer.cancel();
        signal.removeEventListener("abort", abort);
        running.delete(breakOff);
        end();
      };
      const fail = (message: string, cause?: unknown) =>
        finish(() => {
          outgoing.destroy();
          const stale =
            !isChange(method) && outgoing.reusedSocket && codeOf(cause) === "ECONNRESET";
          const say = `${url.host}: ${message}`;
          const ambiguous = sent && isChange(method);
          reject(
            stale
              ? new StaleConnection()
              : // Node's own error may hold the answer's bytes, and they a token.
                new OutsideFault("temporary", say, { ambiguous }),
          );
        });
      const breakOff = (message: string) => fail(message);
      const abort = () => fail("the call was given up");
      const { exchangeMsMax } = limits;
      const timer = parts.clock.after(exchangeMsMax, () =>
        fail(`no answer in ${exchangeMsMax} ms`),
      );
      signal.addEventListener("abort", abort, { once: true });
      running.add(breakOff);

      outgoing.once("socket", (socket) => {
        const onReady = () => {
          sent = true;
        };
        if (!socket.connecting) onReady();
        else socket.once(isSecure ? "secureConnect" : "connect", onReady);
      });
      outgoing.on("error", (error) => fail(sayOf(error), error));
      outgoing.once("response", (incoming) =>
        read(incoming).then(
          (text) => finish(() => resolve(answerOf(incoming, text))),
          (error: unknown) => {
            fail(sayOf(error), error);
          },
        ),
      );
      outgoing.end(payload);
    });

  return {
    async exchange(request) {
      if (closed) throw new OutsideFault("temporary", "the driver is closed");
      if (request.signal.aborted) throw new OutsideFault("temporary", "given up before it began");
      try {
        return await send(request);
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
        return await send({ ...request, headers: { ...request.headers, connection: "close" } });
      }
    },
    close() {
      closed = true;
      for (const breakOff of running) breakOff("the driver is closed");
      plain.destroy();
      secure.destroy();
    },
  };
}

/** A kept connection was closed by the other side just before a look was sent over it. */
class StaleConnection extends Error {}

async function read(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.answerBytesMax)
      throw new Error(`the answer is longer than ${limits.answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function answerOf(incoming: IncomingMessage, text: string): HttpAnswer {
  const { headers, statusCode: status = 0 } = incoming;
  const requestId = headers["x-openstack-request-id"] ?? headers["x-compute-request-id"];
  const isJson = headers["content-type"]?.includes("json") === true && text !== "";
  return {
    ...{ status, headers, text },
    body: isJson ? parsed(text) : undefined,
    requestId: typeof requestId === "string" ? requestId : undefined,
  };
}

/** Undefined for what is not JSON whatever its header says: whoever needs a body misses it then. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | undefined)?.code;
}

/** Node's errors for several addresses have no text of their own. */
function sayOf(error: unknown): string {
  const { message } = error as Error;
  return message === "" ? String(codeOf(error) ?? "no connection") : message;
}
