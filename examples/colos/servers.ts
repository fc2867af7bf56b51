import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createServerProcess, type ServerProcess } from "../../test/bed/server-process.js";
import type { BedNode } from "../../test/cassandra/bed/node.js";
import { configFile } from "./config.js";
import { type MusterNode, nodes } from "./layout.js";

const program = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const main = program("../../src/main.js");
const bed = program("../../test/cassandra/bed/main.js");
const run = promisify(execFile);

export function processOf(node: MusterNode): ServerProcess {
  const config = configFile(node);
  return createServerProcess({
    ...{ name: node.name, home: node.home, mark: config },
    prepare: async () => [process.execPath, main, "--config", config],
  });
}

/** Everything of a colo that runs, its Cassandra last. */
export async function partsOf(
  colo: string,
  cassandra: readonly BedNode[],
): Promise<readonly ServerProcess[]> {
  const musters = nodes.filter((node) => node.colo === colo).map(processOf);
  const near = cassandra.filter(({ dataCenter }) => dataCenter === colo);
  const all = [...musters, ...near];
  const pids = await Promise.all(all.map((one) => one.pid()));
  return all.filter((_, index) => pids[index] !== undefined);
}

/** By its own program, whose settings are in the environment. */
export async function cassandraBed(...words: readonly string[]): Promise<void> {
  const { stdout } = await run(process.execPath, [bed, ...words]);
  process.stdout.write(stdout);
}

export async function migrate(node: MusterNode): Promise<void> {
  const { stdout } = await run(process.execPath, [main, "migrate", "--config", configFile(node)]);
  process.stdout.write(`tables: ${stdout}`);
}
