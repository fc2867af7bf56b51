import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureJars } from "../../bed/jars.js";
import { javaProgram } from "../../bed/java.js";
import { obey } from "../../bed/obey.js";
import { execute } from "../../bed/run.js";
import { type BedNode, bedNodes } from "./node.js";
import { untilReady } from "./ready.js";
import { jarsDir, java, moduleFlags, stateDir } from "./settings.js";

const usage = `usage: npm run bed:cassandra -- COMMAND
  fetch                bring the servers' jars
  up                   start all nodes and wait until they are one cluster
  down [--clean]       stop them; --clean deletes their data
  status               one line for each node
  run WORD...          an empty bed, the command, and down again whatever happened
  launch|stop|kill|pause|resume NUMBER
  nodetool NUMBER WORD...`;

const nodes = bedNodes();

async function fetch(): Promise<void> {
  await ensureJars({
    sources: join("test", "cassandra", "bed"),
    dir: jarsDir,
    goals: [
      ...["dependency:copy-dependencies", "-DincludeScope=runtime"],
      `-DoutputDirectory=${jarsDir}`,
    ],
  });
}

async function up(): Promise<void> {
  await fetch();
  const startMs = Date.now();
  for (const node of nodes) await node.launch();
  await untilReady(nodes, nodes.length);
  const names = nodes.map(({ address, dataCenter }) => `${address} (${dataCenter})`);
  console.log(`up in ${Math.round((Date.now() - startMs) / 1_000)} s: ${names.join(", ")}`);
}

async function down(clean: boolean): Promise<void> {
  for (const node of nodes) if ((await node.pid()) !== undefined) await node.stop();
  if (!clean) return;
  const homes = (await readdir(stateDir).catch(() => [])).filter((name) => /^node\d+$/.test(name));
  for (const home of homes) await rm(join(stateDir, home), { recursive: true });
}

function nodeOf(number: string | undefined): BedNode {
  const found = nodes.find((node) => String(node.number) === number);
  if (!found) throw new Error(`there is no node ${number}`);
  return found;
}

async function nodetool([number, ...words]: readonly string[]): Promise<number> {
  const { home, jmxPort, enter } = nodeOf(number);
  const flags = [
    ...moduleFlags,
    ...["-cp", join(jarsDir, "*"), `-Dcassandra.logdir=${home}`, `-Dcassandra.storagedir=${home}`],
    `-Dlogback.configurationFile=${join(home, "conf", "logback.xml")}`,
    ...["org.apache.cassandra.tools.NodeTool", "-p", String(jmxPort), ...words],
  ];
  return execute([...enter, await javaProgram(java), ...flags]);
}

const status = () =>
  Promise.all(
    nodes.map(async ({ number, dataCenter, pid }) => {
      return `node ${number} ${dataCenter}: ${(await pid()) ?? "stopped"}`;
    }),
  );
const serverOf = ([number]: readonly string[]) => nodeOf(number);
const bed = { usage, fetch, up, down, status, serverOf, more: { nodetool } };
process.exitCode = await obey(bed, process.argv.slice(2));
