import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Daemon, startDaemon, token } from "./daemon.js";
import { converged, createWeb, web } from "./groups.js";

const main = fileURLToPath(new URL("../../src/main.js", import.meta.url));
const colo = "local";

interface Told {
  readonly code: number;
  readonly areas: readonly {
    readonly area: string;
    readonly diagnoses: readonly { readonly subject: string; state: string; say: string }[];
  }[];
}

/** The program itself, as an operator would call it. */
function doctor({ folder }: Daemon): Promise<Told> {
  const args = [main, "doctor", "--config", join(folder, "muster.json"), "--json"];
  const env = { PATH: process.env["PATH"], MUSTER_E2E: folder };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder, env }, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : 0;
      assert.ok(!stdout.includes(token), "the token was told");
      if (stdout === "") reject(new Error(`it said nothing: ${stderr}`));
      else resolve({ code, ...JSON.parse(stdout) });
    });
  });
}

async function print(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const found = await stat(join(folder, name));
      if (!found.isFile()) return name;
      const hash = createHash("sha256").update(await readFile(join(folder, name)));
      return `${name} ${found.mtimeMs} ${hash.digest("hex")}`;
    }),
  );
}

const sayOf = ({ areas }: Told, end: string) =>
  areas.flatMap(({ diagnoses }) => diagnoses).find(({ subject }) => subject.endsWith(end))?.say;

test("M6.2 the doctor looks at a Muster that runs and at one that was killed, and changes neither", async (t) => {
  const daemon = await startDaemon(t, { [colo]: { cloud: { use: "builtin:process" } } });
  await createWeb(daemon, { colo, max: 4 });
  await daemon.client.scaling.setTarget({ name: web, target: 2 });
  await converged(daemon, 2);
  const running = await doctor(daemon);
  assert.equal(running.code, 0, JSON.stringify(running));
  assert.match(sayOf(running, "state.db") ?? "", /another process works with it/);
  assert.match(sayOf(running, `:${daemon.port}`) ?? "", /as it should be/);
  const servers = await daemon.running();
  assert.equal(servers.length, 2, "its servers live");
  await daemon.client.scaling.setTarget({ name: web, target: 3 });
  await converged(daemon, 3);

  await daemon.kill();
  const data = join(daemon.folder, "data");
  const before = await print(data);
  const killed = await doctor(daemon);
  assert.deepEqual(await print(data), before, "not a byte, not a time, not a file");
  assert.match(sayOf(killed, "state.db") ?? "", /no other process works with it/);
  assert.equal(sayOf(killed, `:${daemon.port}`), "is free");
  assert.equal((await daemon.running()).length, 3, "opened clouds would have seen to them");
  await daemon.start();
  await converged(daemon, 3);
});
