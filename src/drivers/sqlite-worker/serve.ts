import { parentPort, workerData } from "node:worker_threads";
import { isFault } from "../../core/errors/fault.js";
import { type Database, prepareRows } from "./database.js";
import { openDatabase, type Schema } from "./open-database.js";
import type { FromWorker, Handlers, Operations, ToWorker } from "./protocol.js";
import { createBatchRunner } from "./run-batch.js";

/** What the opener hands to the worker. */
export interface WorkerData {
  readonly path: string;
}

/** The body of a worker: opens its file, answers batches, and ends when told to. */
export async function serve<Ops extends Operations>(
  schema: Schema,
  createHandlers: (db: Database) => Handlers<Ops>,
): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error("runs in a worker thread only");
  const tell = (message: FromWorker) => port.postMessage(message);
  const { path } = workerData as WorkerData;
  try {
    const db = await openDatabase(path, schema);
    const runner = createBatchRunner(db, createHandlers(db));
    port.on("message", (message: ToWorker) => {
      if (message.kind === "batch") {
        tell({ kind: "answers", answers: runner.run(message.requests) });
        return;
      }
      db.close();
      port.close(); // With nothing left to wait for, the thread ends by itself.
    });
    tell({ kind: "opened", sqliteVersion: versionOf(db) });
  } catch (error) {
    if (!isFault(error)) throw error;
    const { reason, message: say, facts } = error;
    tell({ kind: "notOpened", fault: { reason, say, facts } });
    port.close();
  }
}

function versionOf(db: Database): string {
  return prepareRows<[string]>(db, "SELECT sqlite_version()").get()?.[0] ?? "unknown";
}
