#!/usr/bin/env node
import { createHash } from "node:crypto";
import { Command } from "commander";
import pino from "pino";
import { addressOf, createMuster, type MusterOptions } from "./app.js";
import { readConfig } from "./config.js";
import { isFault } from "./core/errors/fault.js";

interface Flags {
  readonly config?: string;
  readonly dev?: boolean;
  readonly listen?: string;
  readonly token?: string;
  readonly data?: string;
}

const program = new Command("muster")
  .description(
    "The auto-scaling daemon. With --dev: one colo of local processes behind a TCP proxy.",
  )
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

/** @throws Error with what is missing. */
function devOptions(flags: Flags): MusterOptions {
  const listen = flags.listen ?? "127.0.0.1:7350";
  if (!flags.token) throw new Error("--dev needs --token (or MUSTER_TOKEN)");
  const { host } = addressOf(listen);
  if (!loopback.has(host)) throw new Error(`--dev listens on loopback only, not on ${host}`);
  return {
    dataDir: flags.data ?? "./muster-data",
    listen,
    tokens: [
      {
        principal: "dev",
        tokenSha256: createHash("sha256").update(flags.token).digest("hex"),
        roles: [{ account: "*", role: "admin" }],
      },
    ],
    colos: {
      local: {
        cloud: { use: "builtin:process" },
        loadBalancers: {
          use: "builtin:proxy",
          options: { loadBalancers: { web: { listen: "127.0.0.1:0" } } },
        },
        pollMs: 250,
      },
    },
  };
}

async function optionsOf(flags: Flags): Promise<MusterOptions> {
  if (!flags.config) {
    if (flags.dev) return devOptions(flags);
    throw new Error("give --config FILE, or --dev to try it out");
  }
  const { config, baseDir } = await readConfig(flags.config);
  if (flags.dev && !loopback.has(addressOf(flags.listen ?? config.listen ?? "127.0.0.1:0").host))
    throw new Error("--dev listens on loopback only");
  const token = flags.token && {
    principal: "dev",
    tokenSha256: createHash("sha256").update(flags.token).digest("hex"),
    roles: [{ account: "*", role: "admin" as const }],
  };
  return {
    ...config,
    baseDir,
    dataDir: flags.data ?? config.dataDir ?? "./muster-data",
    ...(flags.listen ? { listen: flags.listen } : {}),
    tokens: flags.dev && token ? [...config.tokens, token] : config.tokens,
  };
}

async function main(): Promise<void> {
  const log = pino({ level: process.env["MUSTER_LOG"] ?? "info" }, pino.destination(2));
  const startedMs = performance.now();
  const muster = await createMuster({ ...(await optionsOf(program.parse().opts<Flags>())), log });
  const tookMs = Math.round(performance.now() - startedMs);
  process.stdout.write(`muster ready on ${muster.address} in ${tookMs} ms\n`);

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
