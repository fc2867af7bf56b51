import { setTimeout as delay } from "node:timers/promises";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import type { Event, EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { explainError } from "./explain-error.js";

export interface FollowOptions {
  /** `accounts/{account}`. */
  readonly parent: string;
  /** Only this group's events, by its id. */
  readonly group?: string;
  /** Only these types. All when left out or empty. */
  readonly types?: readonly string[];
  /** Goes on behind the batch that carried it. Left out: from now on. */
  readonly cursor?: string;
  /** Without a cursor: from the beginning of what is kept. */
  readonly fromStart?: boolean;
  /** Ends the iteration, quietly. */
  readonly signal?: AbortSignal;
  /** A stream without events and heartbeats for so long counts as broken. Default 60 s. */
  readonly silenceMsMax?: number;
  /** So many failures in a row, without a batch between, end the iteration. Default 1,000. */
  readonly attemptsMax?: number;
  /** Told before each wait for another attempt. What it throws ends the iteration. */
  readonly onRetry?: (retry: FollowRetry) => void;
}

export interface FollowRetry {
  /** What broke the stream; undefined when the server just ended it. */
  readonly error: ConnectError | undefined;
  /** Counts the failures in a row, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
  /** To go on behind what was seen; "" when nothing was seen yet. */
  readonly cursor: string;
}

export interface FollowedBatch {
  /** Empty in a heartbeat. */
  readonly events: readonly Event[];
  /** To go on behind this batch, in another process or another year. Keep it once it is handled. */
  readonly cursor: string;
}

const silenceMsDefault = 60_000;
const attemptsMaxDefault = 1_000;
const backoffMsMin = 200;
const backoffMsMax = 10_000;

/**
 * Events in batches, each placement's in order, without gap or repeat, over any number of broken
 * connections: each new stream goes on behind the last batch that was handed out. "From now on"
 * begins with the server's first answer. Throws what no other attempt can heal, such as
 * CURSOR_EXPIRED (its fact `resume_cursor` says where what is still kept begins), or a wrong token.
 */
export async function* followEvents(
  client: { readonly events: Client<typeof EventService> },
  options: FollowOptions,
): AsyncGenerator<FollowedBatch, void, undefined> {
  let cursor = options.cursor ?? "";
  let failures = 0;
  while (!isAborted(options)) {
    let error: ConnectError | undefined;
    try {
      for await (const batch of streamOnce(client.events, options, cursor)) {
        failures = 0;
        cursor = batch.cursor === "" ? cursor : batch.cursor;
        yield { events: batch.events, cursor };
      }
    } catch (caught) {
      error = ConnectError.from(caught);
    }
    if (isAborted(options)) return;
    failures += 1;
    if (error !== undefined && !isWorthRetrying(error)) throw error;
    if (failures >= (options.attemptsMax ?? attemptsMaxDefault)) throw error ?? endedByServer();
    const delayMs = backoffMs(failures, error);
    options.onRetry?.({ error, attempt: failures, delayMs, cursor });
    await delay(delayMs, undefined, optionalSignal(options.signal)).catch(endQuietly);
  }
}

/** One stream to its end. Its silence is measured only while we wait for it, not for the reader. */
async function* streamOnce(
  events: Client<typeof EventService>,
  options: FollowOptions,
  cursor: string,
): AsyncGenerator<FollowedBatch, void, undefined> {
  const stop = new AbortController();
  const silenceMsMax = options.silenceMsMax ?? silenceMsDefault;
  const arm = () =>
    setTimeout(() => {
      const say = `nothing was heard for ${silenceMsMax} ms`;
      stop.abort(new ConnectError(say, Code.Unavailable));
    }, silenceMsMax);
  // Not AbortSignal.any: on Node 20 it may be collected together with the timeout it waits for.
  const stopToo = () => stop.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", stopToo, { once: true });
  const request = {
    parent: options.parent,
    group: options.group ?? "",
    types: [...(options.types ?? [])],
    cursor,
    fromStart: cursor === "" && options.fromStart === true,
  };
  let timer = arm();
  try {
    for await (const batch of events.subscribe(request, { signal: stop.signal })) {
      clearTimeout(timer);
      yield batch;
      timer = arm();
    }
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", stopToo);
  }
}

const healedByTime: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.ResourceExhausted,
  Code.Aborted,
  Code.Canceled,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unknown,
]);

/**
 * An error without Muster's ErrorInfo was made on the way: a proxy that restarts, or a stream that
 * was cut in the middle of a message, which Connect calls INVALID_ARGUMENT.
 */
function isWorthRetrying(error: ConnectError): boolean {
  if (healedByTime.has(error.code)) return true;
  const isFromServer = error.findDetails(ErrorInfoSchema).length > 0;
  return !isFromServer && error.code === Code.InvalidArgument;
}

/**
 * Doubles from 200 ms to 10 s, the upper half by chance, so that a crowd does not come back at
 * once.
 */
function backoffMs(failures: number, error: ConnectError | undefined): number {
  const fullMs = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(failures - 1, 16));
  const jitteredMs = Math.round(fullMs * (0.5 + Math.random() / 2));
  const askedMs = error === undefined ? undefined : explainError(error).retryAfterMs;
  return (askedMs ?? 0) + jitteredMs;
}

const endedByServer = () => new ConnectError("the server ended the stream", Code.Unavailable);

const isAborted = ({ signal }: FollowOptions): boolean => signal?.aborted === true;

const optionalSignal = (signal: AbortSignal | undefined) =>
  signal === undefined ? {} : { signal };

/** The only way in which the delay fails is the caller's own signal; the loop sees it. */
function endQuietly(): void {}
