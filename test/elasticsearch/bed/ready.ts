import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BedServer } from "./node.js";

const readyMsMax = 180_000;
const answerMsMax = 2_000;

/**
 * Waits until the server takes writes.
 *
 * @throws Error: it ended while it started, or takes too long; with the end of its log
 */
export async function untilReady(server: BedServer): Promise<void> {
  for (const startMs = Date.now(); !(await isReady(server)); await sleep(200)) {
    const isLate = Date.now() - startMs > readyMsMax;
    if (!isLate && (await server.pid()) !== undefined) continue;
    const log = await readFile(join(server.home, "stdout.log"), "utf8").catch(() => "");
    const say = isLate ? `did not answer in ${readyMsMax} ms` : "ended while it started";
    throw new Error(
      `Elasticsearch ${server.name} ${say}\n${log.split("\n").slice(-30).join("\n")}`,
    );
  }
}

async function isReady({ url }: BedServer): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(answerMsMax);
    const answer = await fetch(`${url}/_cluster/health`, { signal });
    const { status } = (await answer.json()) as { readonly status?: string };
    return answer.ok && status !== "red";
  } catch {
    return false; // It will be asked again.
  }
}
