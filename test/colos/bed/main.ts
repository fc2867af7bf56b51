import { fileURLToPath } from "node:url";
import { enter, networks } from "../../bed/place.js";
import { execute, runIn } from "../../bed/run.js";
import { layNetworks, removeNetworks, world } from "./networks.js";

const usage = `usage: npm run bed:colos -- COMMAND
  up                   networks and servers of all colos, and wait until they answer
  down [--clean]       stop them; --clean deletes their data
  enter WORD...        the command, from where the tests reach every colo
  run WORD...          an empty bed, the command there, and down again whatever happened`;

/** The programs of both beds: what a command of theirs asks of the internet is asked outside. */
const servers = ["cassandra", "elasticsearch"].map((name) =>
  fileURLToPath(new URL(`../../${name}/bed/main.js`, import.meta.url)),
);

async function insist(words: readonly string[]): Promise<void> {
  if ((await execute(words)) !== 0) throw new Error(`failed: ${words.join(" ")}`);
}

const inside = (...words: readonly string[]) => [...enter(world), ...words];
const { execPath: node } = process;

async function up(): Promise<void> {
  for (const server of servers) await insist([node, server, "fetch"]);
  await layNetworks();
  for (const server of servers) await insist(inside(node, server, "up"));
}

async function down(clean: boolean): Promise<void> {
  for (const server of servers) await insist([node, server, "down", ...(clean ? ["--clean"] : [])]);
  await removeNetworks();
}

async function obey([command = "", ...words]: readonly string[]): Promise<number> {
  if (networks.length === 0) throw new Error("MUSTER_NETWORKS: is required, such as iad,ams");
  if (command === "up") await up();
  else if (command === "down") await down(words.includes("--clean"));
  else if (command === "enter") return execute(inside(...words));
  else if (command === "run") return runIn({ up, down }, inside(...words));
  else {
    console.error(usage);
    return 2;
  }
  return 0;
}

process.exitCode = await obey(process.argv.slice(2));
