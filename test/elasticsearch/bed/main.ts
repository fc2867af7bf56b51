import { rm } from "node:fs/promises";
import { ensureJars } from "../../bed/jars.js";
import { runIn } from "../../bed/run.js";
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

const [command, ...words] = process.argv.slice(2);
switch (command) {
  case "up":
    await up();
    break;
  case "down":
    await down(words.includes("--clean"));
    break;
  case "status":
    console.log(`${serverUrl}: ${(await server.pid()) ?? "stopped"}`);
    break;
  case "run":
    process.exitCode = await runIn({ up, down }, words);
    break;
  case "launch":
  case "stop":
  case "kill":
  case "pause":
  case "resume":
    await server[command]();
    break;
  default:
    console.error(usage);
    process.exitCode = 2;
}
