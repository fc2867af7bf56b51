import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, types } from "cassandra-driver";
import type { BedNode } from "./node.js";
import { cqlPort } from "./settings.js";

const readyMsMax = 240_000;

/**
 * Waits until every node answers and sees all others alive, with one schema.
 *
 * @throws Error: one ended while it started, or they took too long; with the end of its log
 */
export async function untilReady(nodes: readonly BedNode[], count: number): Promise<void> {
  for (const startMs = Date.now(); ; await sleep(250)) {
    const problems = await Promise.all(nodes.map((node) => problemOf(node, count)));
    const found = problems.find((problem) => problem !== "");
    if (found === undefined) return;
    for (const node of nodes)
      if ((await node.pid()) === undefined)
        throw new Error(`node ${node.number} ended while it started\n${await lastWords(node)}`);
    if (Date.now() - startMs > readyMsMax) throw new Error(found);
  }
}

async function problemOf(node: BedNode, count: number): Promise<string> {
  const client = new Client({
    contactPoints: [`${node.address}:${cqlPort}`],
    localDataCenter: node.dataCenter,
    socketOptions: { connectTimeout: 2_000, readTimeout: 4_000 },
  });
  try {
    await client.connect();
    const known = client.hosts.length;
    if (known !== count) return `node ${node.number} knows ${known} of ${count} nodes`;
    // Kept twice if there are two nodes: refused while either seems dead from here.
    const consistency = count > 1 ? types.consistencies.all : types.consistencies.one;
    await client.execute("SELECT session_id FROM system_traces.sessions LIMIT 1", [], {
      consistency,
    });
    return "";
  } catch (error) {
    return `node ${node.number}: ${String(error)}`;
  } finally {
    await client.shutdown();
  }
}

/** What stands between the frames of its stack traces. */
async function lastWords({ home }: BedNode): Promise<string> {
  const logs = ["system.log", "stdout.log"].map((file) => join(home, file));
  const texts = await Promise.all(logs.map((file) => readFile(file, "utf8").catch(() => "")));
  const lines = texts.flatMap((text) => text.split("\n"));
  return lines
    .filter((line) => /^(ERROR|Caused by|\S*(Exception|Error)\b)/.test(line))
    .slice(-8)
    .join("\n");
}
