import { Code, ConnectError } from "@connectrpc/connect";

/**
 * Asks anew where the connection ended under the question, as nodes close those that lie idle, and
 * where a store was not there for a moment.
 */
export async function patiently<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const isCut = error instanceof ConnectError && cutCodes.has(error.code);
      if (!isCut || tries === triesMax) throw error;
    }
  }
}

const cutCodes: ReadonlySet<Code> = new Set([Code.Aborted, Code.Unavailable]);
const triesMax = 5;
