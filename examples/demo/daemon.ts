import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Config } from "../../src/config.js";
import { group, patience } from "./settings.js";

/** A real Muster in a process of its own. */
export interface Daemon {
  readonly pid: number;
  /** Of the API, `host:port`. */
  readonly address: string;
  readonly token: string;
  /** Where the group's users find it. */
  readonly url: string;
  /** Resolves when the process has ended: asked first, forced after a while. */
  stop(): Promise<void>;
  /** Lets it outlive us. */
  detach(): void;
}

/** Somebody else may take a port between our look and the daemon's. */
const attemptsMax = 3;
const stopMsMax = 15_000;
/** What the shell has for musterctl is none of the daemon's business. */
const ownEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("MUSTER_")),
);

/**
 * @param more what its configuration says beside.
 * @throws Error with the daemon's last words.
 */
export async function startDaemon(
  dir: string,
  signal: AbortSignal,
  more: Partial<Config> = {},
): Promise<Daemon> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(dir, signal, more);
    } catch (error) {
      if (attempt >= attemptsMax || signal.aborted) throw error;
    }
  }
}

async function startOnce(dir: string, signal: AbortSignal, more: Partial<Config>): Promise<Daemon> {
  const token = randomBytes(24).toString("base64url");
  const proxy = `127.0.0.1:${await freePort()}`;
  const configPath = join(dir, "muster.json");
  const config = { ...configOf(dir, token, proxy), ...more };
  await writeFile(configPath, JSON.stringify(config, null, 2));
  const log = await open(logOf(dir), "w");
  const main = fileURLToPath(new URL("../../src/main.js", import.meta.url));
  // Detached: Ctrl-C in the terminal is ours to handle, in order.
  const child = spawn(process.execPath, [main, "--config", configPath], {
    detached: true,
    env: { ...ownEnvironment, MUSTER_LOG: "info" },
    stdio: ["ignore", "pipe", log.fd],
  });
  const exited = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
  await log.close();
  const address = await readyAddress(child, signal).catch(async (error: unknown) => {
    await end(child, exited);
    const words = (await readFile(logOf(dir), "utf8")).trim().split("\n").slice(-5).join("\n");
    throw new Error(`the daemon did not start: ${String(error)}\n${words}`);
  });
  return {
    pid: child.pid!,
    address,
    token,
    url: `http://${proxy}/`,
    stop: () => end(child, exited),
    detach() {
      child.stdout?.destroy();
      child.unref();
    },
  };
}

function configOf(dir: string, token: string, proxy: string) {
  const from = 20_000 + 100 * randomInt(100); // Demos side by side rarely meet.
  const healthCheck = { kind: "http", path: "/health", intervalMs: 250, timeoutMs: 2_000 };
  const loadBalancers = {
    [group.loadBalancer]: { listen: proxy, healthCheck: { ...healthCheck, rise: 1, fall: 8 } },
  };
  return {
    listen: "127.0.0.1:0",
    dataDir: join(dir, "data"),
    tokens: [
      {
        principal: "demo",
        tokenSha256: createHash("sha256").update(token).digest("hex"),
        roles: [{ account: "*", role: "admin" }],
      },
    ],
    colos: {
      [group.colo]: {
        cloud: {
          use: "builtin:process",
          options: { bootDelayMs: 1_000, portRange: { from, to: from + 99 } },
        },
        loadBalancers: { use: "builtin:proxy", options: { loadBalancers } },
        pollMs: 250,
      },
    },
  };
}

export const logOf = (dir: string): string => join(dir, "muster.log");

async function readyAddress(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patience.startMs)]);
  const lines = createInterface({ input: child.stdout! });
  const [line] = await Promise.race([
    once(lines, "line", { signal: limit }),
    once(lines, "close", { signal: limit }),
  ]);
  const [, address] = /^muster ready on (\S+)/.exec(String(line)) ?? [];
  if (address === undefined) throw new Error("it ended");
  return address;
}

async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const insist = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
  await exited;
  clearTimeout(insist);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
