import { onAbort } from "../store-rules/on-abort.js";
import type { Answer, Request } from "./protocol.js";
import {
  type Ask,
  abortFault,
  type Caller,
  lostFault,
  settle,
  unavailableFault,
} from "./settle.js";

/**
 * Gathers what is asked in one turn of the event loop, or while the worker is busy, into batches:
 * one message, one transaction and one fsync for many callers.
 */
export interface RequestQueue {
  add<Value>(name: string, args: unknown, ask: Ask): Promise<Value>;
  answered(answers: readonly Answer[]): void;
  /** The worker is gone: nothing will be answered any more. */
  lost(cause: Error): void;
  /** Takes nothing more; resolves when all that was taken is answered. */
  close(): Promise<void>;
}

/** Over these a request is refused: who waits behind so many has no use for the answer. */
const waitingMax = 20_000;
const requestsPerBatchMax = 1_000;
const batchBytesMax = 16 * 1024 * 1024;
/** Two, so that the worker finds the next batch when it is done with one. */
const batchesInFlightMax = 2;

interface Waiting extends Caller {
  readonly request: Request;
  readonly stopListening: () => void;
}

export function createRequestQueue(send: (requests: readonly Request[]) => void): RequestQueue {
  const waiting = new Map<number, Waiting>();
  const sent = new Map<number, Waiting>();
  let idNext = 1;
  let batchesInFlight = 0;
  let flushing = false;
  let refuse: string | undefined;
  let emptied: (() => void) | undefined;

  const takeBatch = (): Request[] => {
    const batch: Request[] = [];
    let bytes = 0;
    for (const [id, one] of waiting) {
      bytes += one.ask.bytes ?? 0;
      if (batch.length > 0 && bytes > batchBytesMax) break;
      waiting.delete(id);
      sent.set(id, one);
      if (batch.push(one.request) === requestsPerBatchMax) break;
    }
    return batch;
  };

  const flush = () => {
    flushing = false;
    while (waiting.size > 0 && batchesInFlight < batchesInFlightMax) {
      batchesInFlight++;
      send(takeBatch());
    }
  };

  const flushSoon = () => {
    if (flushing || waiting.size === 0 || batchesInFlight >= batchesInFlightMax) return;
    flushing = true;
    setImmediate(flush);
  };

  const drop = (from: Map<number, Waiting>, id: number): Waiting | undefined => {
    const one = from.get(id);
    if (!one) return undefined;
    from.delete(id);
    one.stopListening();
    if (waiting.size + sent.size === 0) emptied?.();
    return one;
  };

  const abort = (id: number) => {
    const wasSent = sent.has(id);
    const one = drop(wasSent ? sent : waiting, id);
    one?.reject(abortFault(one, wasSent));
  };

  return {
    add<Value>(name: string, args: unknown, ask: Ask) {
      return new Promise<Value>((resolve, reject) => {
        const caller: Caller = { ask, resolve: (value) => resolve(value as Value), reject };
        const { signal } = ask.call;
        if (signal.aborted) return reject(abortFault(caller, false));
        if (refuse !== undefined) return reject(unavailableFault(refuse));
        if (waiting.size >= waitingMax) return reject(unavailableFault("too many wait for it"));
        const id = idNext++;
        const stopListening = onAbort(signal, () => abort(id));
        waiting.set(id, { ...caller, request: { id, name, args }, stopListening });
        flushSoon();
      });
    },
    answered(answers) {
      batchesInFlight--;
      for (const { id, outcome } of answers) {
        const one = drop(sent, id);
        if (one) settle(one, outcome);
      }
      flushSoon();
    },
    lost(cause) {
      refuse ??= cause.message;
      for (const id of [...waiting.keys()])
        drop(waiting, id)?.reject(unavailableFault(cause.message));
      for (const id of [...sent.keys()]) {
        const one = drop(sent, id);
        one?.reject(lostFault(one, cause));
      }
    },
    async close() {
      refuse ??= "it is closed";
      if (waiting.size + sent.size === 0) return;
      await new Promise<void>((resolve) => {
        emptied = resolve;
      });
    },
  };
}
