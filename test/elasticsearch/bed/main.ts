import { rm } from "node:fs/promises";
import { ensureJars } from "../../bed/jars.js";
import { obey } from "../../bed/obey.js";
import { server } from "./node.js";
import { untilReady } from "./ready.js";
import { home, jarsDir, serverUrl, sources } from "./settings.js";

const usage = `usage: npm run bed:elasticsearch -- COMMAND
  up                   start the server and wait until it answers
  down [--clean]       stop it; --clean deletes its data
  status               whether it runs
  run WORD...          an empty bed, the command, and down again whatever happened
  launch|stop|kill|pause|resume`;

async function up(): Promise<void> {
  await ensureJars({ sources, dir: jarsDir, goals: ["package", `-Djars=${jarsDir}`] });
  const startMs = Date.now();
  await server.launch();
  await untilReady();
  console.log(`up in ${Math.round((Date.now() - startMs) / 1_000)} s: ${serverUrl}`);
}

async function down(clean: boolean): Promise<void> {
  if ((await server.pid()) !== undefined) await server.stop();
  if (clean) await rm(home, { recursive: true, force: true });
}

const status = async () => [`${serverUrl}: ${(await server.pid()) ?? "stopped"}`];
const bed = { usage, up, down, status, serverOf: () => server };
process.exitCode = await obey(bed, process.argv.slice(2));
