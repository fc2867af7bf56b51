import { setTimeout as sleep } from "node:timers/promises";
import { defineCloudDriver } from "../../src/core/ports/driver.js";
import processCloud from "../../src/drivers/cloud-process/index.js";

export interface Options {
  /** Between a server's birth and the answer to its create call. */
  readonly answerDelayMs: number;
  /** What the cloud promises: so long after a daemon's death its creates may still take effect. */
  readonly createDeadlineMs: number;
}

const ms = { type: "integer", minimum: 0, maximum: 60_000 } as const;

/**
 * The process cloud with answers as slow as a real cloud's, so that a move takes long enough to be
 * disturbed, and with a shorter promise, so that what a crash left open is settled sooner.
 */
export default defineCloudDriver<Options>({
  name: "slow-process",
  apiVersion: 1,
  optionsSchema: {
    type: "object",
    additionalProperties: false,
    required: ["answerDelayMs", "createDeadlineMs"],
    properties: { answerDelayMs: ms, createDeadlineMs: ms },
  },
  async open({ answerDelayMs, createDeadlineMs }, host) {
    const cloud = await processCloud.open({}, host);
    return {
      ...cloud,
      capabilities: { ...cloud.capabilities, createDeadlineMs },
      async createServer(request, call) {
        const server = await cloud.createServer(request, call);
        await sleep(answerDelayMs, undefined, { signal: call.signal });
        return server;
      },
    };
  },
});
