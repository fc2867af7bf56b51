import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { isFault } from "../src/core/errors/fault.js";

/**
 * Asks anew where the connection ended under the question, as nodes close those that lie idle, and
 * where a store was not there for a moment.
 */
export async function patiently<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || tries === triesMax) throw error;
      await sleep(tries * restMs);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof ConnectError) return cutCodes.has(error.code);
  return isFault(error, "STORE_UNAVAILABLE");
}

const cutCodes: ReadonlySet<Code> = new Set([Code.Aborted, Code.Unavailable]);
const triesMax = 5;
const restMs = 200;
