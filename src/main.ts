#!/usr/bin/env node
import { resolve } from "node:path";
import { Command } from "commander";
import pino from "pino";
import { addressOf, createMuster, type MusterOptions } from "./app.js";
import { readConfig } from "./config.js";
import { isFault } from "./core/errors/fault.js";
import { adminToken, devOptions } from "./dev.js";

interface Flags {
  readonly config?: string;
  readonly dev?: boolean;
  readonly listen?: string;
  readonly token?: string;
  readonly data?: string;
}

const program = new Command("muster")
  .description("The auto-scaling daemon. --dev: one colo of local processes behind a TCP proxy.")
  .option("--config <file>", "configuration file (JSON)")
  .option("--dev", "development: embedded store, process cloud, proxy; loopback only")
  .option("--listen <host:port>", "where to serve the API", process.env["MUSTER_LISTEN"])
  .option("--token <token>", "with --dev: the administrator's token", process.env["MUSTER_TOKEN"])
  .option("--data <dir>", "data folder", process.env["MUSTER_DATA"])
  .addHelpText(
    "after",
    "\nExample: muster --dev --listen 127.0.0.1:7350 --token secret --data ./muster-data",
  );

const loopback: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);
const listenDefault = "127.0.0.1:7350";
const dataDefault = "./muster-data";

interface Start {
  readonly options: MusterOptions;
  /** What the ready line says beside the address. */
  readonly note: string;
}

/** @throws Error or Fault with what is missing or wrong. */
async function startOf(flags: Flags): Promise<Start> {
  if (!flags.config && !flags.dev) throw new Error("give --config FILE, or --dev to try it out");
  const file = flags.config === undefined ? undefined : await readConfig(flags.config);
  const listen = flags.listen ?? file?.config.listen ?? listenDefault;
  const dataDir = flags.data ?? file?.config.dataDir ?? dataDefault;
  if (flags.token && !flags.dev) throw new Error("--token goes with --dev; others are configured");
  if (flags.dev && !loopback.has(addressOf(listen).host))
    throw new Error(`--dev listens on loopback only, not on ${listen}`);
  if (!file) {
    if (!flags.token) throw new Error("--dev needs --token (or MUSTER_TOKEN)");
    const { options, proxy } = await devOptions({ dataDir, listen, token: flags.token });
    return { options, note: `, load balancer web on ${proxy}` };
  }
  const { config, baseDir } = file;
  const tokens = flags.token ? [...config.tokens, adminToken(flags.token)] : config.tokens;
  const { killSwitchFile, secretsKeyFile } = config;
  const files = {
    ...(killSwitchFile ? { killSwitchFile: resolve(baseDir, killSwitchFile) } : {}),
    ...(secretsKeyFile ? { secretsKeyFile: resolve(baseDir, secretsKeyFile) } : {}),
  };
  return { options: { ...config, ...files, baseDir, listen, dataDir, tokens }, note: "" };
}

async function main(): Promise<void> {
  const log = pino({ level: process.env["MUSTER_LOG"] ?? "info" }, pino.destination(2));
  const startedMs = performance.now();
  const { options, note } = await startOf(program.parse().opts<Flags>());
  const muster = await createMuster({ ...options, log });
  const tookMs = Math.round(performance.now() - startedMs);
  process.stdout.write(`muster ready on ${muster.address} in ${tookMs} ms${note}\n`);

  let stopping = false;
  const stop = (name: string) => {
    if (stopping) process.exit(1); // Asked twice: at once.
    stopping = true;
    log.info({ signal: name }, "stopping");
    muster.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ error: String(error) }, "did not stop cleanly");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

main().catch((error: unknown) => {
  const say = isFault(error) || error instanceof Error ? error.message : String(error);
  process.stderr.write(`muster: ${say}\n`);
  process.exit(2);
});
