import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { waitUntil } from "../../../examples/demo/wait.js";
import { freePort } from "../../free-port.js";
import { fromDocs } from "./from-docs.js";

/** A real Prometheus and a real Alertmanager, told what docs/alerts.md tells their operators. */
export interface Monitors {
  /** The sum of one of Alertmanager's own figures, of webhooks alone. */
  sent(figure: string): Promise<number>;
  /** Ends Prometheus alone. Resolves to what starts it again. */
  endPrometheus(): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export interface Watched {
  readonly dir: string;
  /** Muster's, `host:port`. */
  readonly address: string;
  /** Of the API, to find the group's servers. */
  readonly apiToken: string;
  readonly account: string;
  /** Of the group's webhook. */
  readonly token: string;
  /** Where Prometheus is to listen. */
  readonly prometheusPort: number;
}

const readyMsMax = 60_000;
const stopMsMax = 10_000;

/** @throws Error: one of them does not start, with its last words; nothing is left running. */
export async function startMonitors(watched: Watched, signal: AbortSignal): Promise<Monitors> {
  const { dir, prometheusPort: prometheus } = watched;
  const alertmanager = await freePort();
  const urlOf = (port: number) => `http://127.0.0.1:${port}`;
  await writeConfigs(watched, alertmanager);
  const running: Started[] = [];
  const stop = async () => void (await Promise.all(running.map(end)));
  const start = async (program: string, port: number, words: readonly string[]) => {
    const log = join(dir, `${program}.log`);
    const one = await startProgram(program, words, log);
    running.push(one);
    const isReady = async () => {
      if (one.child.exitCode !== null) throw new Error(await lastWords(program, log));
      const answer = await fetch(`${urlOf(port)}/-/ready`).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.status === 200;
    };
    await waitUntil(`${program} is ready`, isReady, { withinMs: readyMsMax, signal });
  };
  const startPrometheus = () =>
    start("prometheus", prometheus, [
      `--config.file=${join(dir, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(dir, "prometheus")}`,
      `--web.listen-address=127.0.0.1:${prometheus}`,
    ]);
  try {
    await start("prometheus-alertmanager", alertmanager, [
      `--config.file=${join(dir, "alertmanager.yml")}`,
      `--storage.path=${join(dir, "alertmanager")}`,
      `--web.listen-address=127.0.0.1:${alertmanager}`,
      "--cluster.listen-address=",
    ]);
    await startPrometheus();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    async sent(figure) {
      const text = await (await fetch(`${urlOf(alertmanager)}/metrics`)).text();
      const own = new RegExp(`^${figure}\\{[^}]*integration="webhook"[^}]*\\} (\\S+)$`, "gm");
      return [...text.matchAll(own)].reduce((sum, [, value]) => sum + Number(value), 0);
    },
    async endPrometheus() {
      await end(running.pop()!);
      return startPrometheus;
    },
    stop,
  };
}

/** The docs' own words, but for addresses, secrets, and times that no test can wait for. */
async function writeConfigs(watched: Watched, alertmanager: number): Promise<void> {
  const { dir, address, account, token, apiToken } = watched;
  const tokenFile = join(dir, "muster-token");
  await writeFile(tokenFile, apiToken, { mode: 0o600 });
  const texts = {
    "alertmanager.yml": await fromDocs("alertmanager.yml", {
      "muster.example:7350": address,
      TOKEN: token,
      "group_wait: 5s": "group_wait: 200ms",
      "group_interval: 15s": "group_interval: 1s",
      "repeat_interval: 2m": "repeat_interval: 3s",
    }),
    "prometheus.yml": await fromDocs("prometheus.yml", {
      "alertmanager.example:9093": `127.0.0.1:${alertmanager}`,
      "muster.example:7350": address,
      "sd/acme": `sd/${account}`,
      "/etc/prometheus/muster-token": tokenFile,
      "scrape_interval: 15s": "scrape_interval: 1s",
      "evaluation_interval: 15s": "evaluation_interval: 1s",
      "refresh_interval: 15s": "refresh_interval: 1s",
    }),
    "web.rules.yml": await fromDocs("web.rules.yml", {
      "for: 30s": "for: 2s",
      "for: 5m": "for: 3s",
    }),
  };
  for (const [name, text] of Object.entries(texts)) await writeFile(join(dir, name), text);
}

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
}

async function startProgram(
  program: string,
  words: readonly string[],
  logFile: string,
): Promise<Started> {
  const log = await open(logFile, "w");
  const child = spawn(program, words, { stdio: ["ignore", log.fd, log.fd] });
  const exited = once(child, "exit").catch(() => undefined);
  const began = Promise.race([once(child, "spawn"), once(child, "error")]);
  await log.close();
  await began;
  assert.ok(child.pid !== undefined, `${program} is missing: test/alerts/bed/install.sh brings it`);
  return { child, exited };
}

async function end({ child, exited }: Started): Promise<void> {
  child.kill("SIGTERM");
  const insist = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
  await exited;
  clearTimeout(insist);
}

async function lastWords(program: string, logFile: string): Promise<string> {
  const lines = (await readFile(logFile, "utf8")).trim().split("\n");
  return `${program} ended:\n${lines.slice(-5).join("\n")}`;
}
