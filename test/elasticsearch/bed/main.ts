import { rm } from "node:fs/promises";
import { ensureJars } from "../../bed/jars.js";
import { obey } from "../../bed/obey.js";
import { server, servers } from "./node.js";
import { untilReady } from "./ready.js";
import { jarsDir, sources } from "./settings.js";

const usage = `usage: npm run bed:elasticsearch -- COMMAND
  fetch                bring the server's jars
  up                   start the server and wait until it answers
  down [--clean]       stop it; --clean deletes its data
  status               whether it runs
  run WORD...          an empty bed, the command, and down again whatever happened
  launch|stop|kill|pause|resume [NAME]`;

const fetch = () => ensureJars({ sources, dir: jarsDir, goals: ["package", `-Djars=${jarsDir}`] });

async function up(): Promise<void> {
  await fetch();
  const startMs = Date.now();
  for (const one of servers) await one.launch();
  for (const one of servers) await untilReady(one);
  const urls = servers.map(({ url }) => url).join(", ");
  console.log(`up in ${Math.round((Date.now() - startMs) / 1_000)} s: ${urls}`);
}

async function down(clean: boolean): Promise<void> {
  for (const one of servers) {
    if ((await one.pid()) !== undefined) await one.stop();
    if (clean) await rm(one.home, { recursive: true, force: true });
  }
}

const status = () =>
  Promise.all(servers.map(async ({ url, pid }) => `${url}: ${(await pid()) ?? "stopped"}`));

function serverOf([name = server.name]: readonly string[]) {
  const found = servers.find((one) => one.name === name);
  if (!found) throw new Error(`there is no server ${name}`);
  return found;
}

const bed = { usage, fetch, up, down, status, serverOf };
process.exitCode = await obey(bed, process.argv.slice(2));
