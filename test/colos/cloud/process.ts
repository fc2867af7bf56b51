import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ColoConfig } from "../../../src/config.js";
import { placeIn } from "../../bed/place.js";
import { assertNothingRemains, defer, eventually } from "../../e2e/daemon.js";
import {
  type CloudRecord,
  cloudRecords,
  type MarkedProcess,
  markedProcesses,
} from "../../e2e/processes.js";
import { freePort } from "../../free-port.js";
import { type CloudCall, callsOf } from "./calls.js";

/** The cloud of a colo, in the colo's network. */
export interface ColoCloud {
  /** How the colo's nodes are told of it. */
  readonly config: ColoConfig;
  /** Its servers that live, as the operating system knows them. */
  running(): Promise<readonly MarkedProcess[]>;
  records(): Promise<readonly CloudRecord[]>;
  calls(): Promise<readonly CloudCall[]>;
}

const main = fileURLToPath(new URL("./main.js", import.meta.url));
const use = `file:${fileURLToPath(new URL("./index.js", import.meta.url))}`;
const pollMs = 100;

/** A cloud that ends with its test, and asserts that no server of it is left then. */
export async function startCloud(
  t: TestContext,
  colo: string,
  installation: string,
): Promise<ColoCloud> {
  const folder = await mkdtemp(join(tmpdir(), "muster-cloud-"));
  const dataDir = join(folder, "drivers", colo, "cloud");
  await mkdir(dataDir, { recursive: true });
  const place = placeIn(colo, 1);
  const port = await freePort();
  const words = [main, dataDir, colo, installation, place.address, String(port)];
  const command = [...place.enter, process.execPath, "--enable-source-maps", ...words];
  const [program = "", ...more] = command;
  const child = spawn(program, more, { stdio: ["ignore", "pipe", "inherit"] });
  const running = async () =>
    (await markedProcesses(folder)).filter(({ cloudId }) => cloudId !== undefined);
  defer(t, async () => {
    try {
      await eventually("no server runs", running, ({ length }) => length === 0);
    } finally {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      await assertNothingRemains(folder);
    }
  });
  await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(() => Promise.reject(new Error(`the cloud of ${colo} ended`))),
  ]);
  return {
    config: { cloud: { use, options: { url: `http://${place.address}:${port}` } }, pollMs },
    running,
    records: () => cloudRecords(folder, colo),
    calls: () => callsOf(dataDir),
  };
}
