import { Worker } from "node:worker_threads";
import { Fault } from "../../core/errors/fault.js";
import type { Log } from "../../core/ports/log.js";
import type { FromWorker, Operations, ToWorker } from "./protocol.js";
import { createRequestQueue, type RequestQueue } from "./request-queue.js";
import type { WorkerData } from "./serve.js";
import { type Ask, faultOf } from "./settle.js";

export interface SqliteWorker<Ops extends Operations> {
  /**
   * Asks the worker. Requests take effect in the order of the calls.
   *
   * @throws Fault as refused; `STORE_UNAVAILABLE` when certainly nothing was written; `CANCELLED`
   * or
   *   `DEADLINE_EXCEEDED` when aborted; `unknownFault()` when a change may have been written.
   */
  ask<Name extends keyof Ops & string>(
    name: Name,
    args: Ops[Name]["args"],
    ask: Ask,
  ): Promise<Ops[Name]["answer"]>;
  /** Answers what was asked before, closes the file and ends the thread. */
  close(): Promise<void>;
}

export interface OpenWorker {
  /** The worker's module. */
  readonly entry: URL;
  readonly path: string;
  readonly log?: Log | undefined;
}

/** Starts the worker and waits until its file is open. @throws Fault as `openDatabase` */
export async function openWorker<Ops extends Operations>(
  options: OpenWorker,
): Promise<SqliteWorker<Ops>> {
  const workerData: WorkerData = { path: options.path };
  const worker = new Worker(options.entry, { workerData, execArgv: workerFlags() });
  const opened = await firstMessage(worker, options.path);
  const queue = createRequestQueue((requests) => {
    worker.postMessage({ kind: "batch", requests } satisfies ToWorker);
  });
  const ended = watchEnd(worker, queue, options);
  worker.on("message", (message: FromWorker) => {
    if (message.kind === "answers") queue.answered(message.answers);
  });
  options.log?.info({ file: options.path, sqlite: opened }, "data file opened");

  let closing: Promise<void> | undefined;
  return {
    ask: (name, args, ask) => queue.add(name, args, ask),
    close() {
      closing ??= (async () => {
        await queue.close();
        worker.postMessage({ kind: "close" } satisfies ToWorker);
        await ended;
      })();
      return closing;
    },
  };
}

/** Of the process's own flags a worker takes none: some, such as `--input-type`, break it. */
function workerFlags(): string[] {
  return process.execArgv.filter((flag) => flag === "--enable-source-maps");
}

async function firstMessage(worker: Worker, path: string): Promise<string> {
  const failed = (cause?: unknown): Fault => {
    const say = `${path} cannot be opened: its worker failed`;
    return new Fault("STORE_UNAVAILABLE", { say, facts: { file: path }, cause });
  };
  return new Promise((resolve, reject) => {
    let refusal: Fault | undefined;
    worker.once("message", (message: FromWorker) => {
      if (message.kind === "opened") resolve(message.sqliteVersion);
      else if (message.kind === "notOpened") refusal = faultOf(message.fault);
    });
    worker.once("error", (error) => reject(failed(error)));
    worker.once("exit", () => reject(refusal ?? failed()));
  });
}

/**
 * A worker that dies takes no one's answer with it: those in flight learn that they are unknown.
 */
function watchEnd(worker: Worker, queue: RequestQueue, { path, log }: OpenWorker): Promise<void> {
  worker.on("error", (error) => {
    log?.error({ file: path, error: String(error) }, "the data file's worker failed");
    queue.lost(error);
  });
  return new Promise((resolve) => {
    worker.once("exit", () => {
      queue.lost(new Error("the data file's worker has ended"));
      resolve();
    });
  });
}
