import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineCloudDriver } from "../../src/core/ports/driver.js";
import slowCloud, { type Options } from "../e2e/process-cloud.js";

/** What the cloud was asked to do, and did. */
export interface CloudCall {
  readonly kind: "create" | "delete";
  readonly cloudId: string;
  readonly atMs: number;
}

const fileName = "calls.ndjson";

/**
 * The slow process cloud, which writes down what it makes, and what it is about to delete: nothing
 * is concluded from polling.
 */
export default defineCloudDriver<Options>({
  ...slowCloud,
  async open(options, host) {
    const cloud = await slowCloud.open(options, host);
    const write = (kind: CloudCall["kind"], cloudId: string) =>
      appendFile(
        join(host.dataDir, fileName),
        `${JSON.stringify({ kind, cloudId, atMs: Date.now() })}\n`,
      );
    return {
      ...cloud,
      async createServer(request, call) {
        const server = await cloud.createServer(request, call);
        await write("create", server.id);
        return server;
      },
      async deleteServer(request, call) {
        // Before, or a daemon that is killed meanwhile would leave out one that is done.
        await write("delete", request.id);
        return cloud.deleteServer(request, call);
      },
    };
  },
});

/** All calls of the cloud with this data folder, in their order. */
export async function callsOf(dataDir: string): Promise<readonly CloudCall[]> {
  const lines = (await readFile(join(dataDir, fileName), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as CloudCall);
}
