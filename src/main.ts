#!/usr/bin/env node
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import pino from "pino";
import { addressOf, createMuster, type Muster, type MusterOptions } from "./app.js";
import { readConfig } from "./config.js";
import { isFault } from "./core/errors/fault.js";
import { adminToken, devOptions } from "./dev.js";
import { runDoctor } from "./doctor/tell.js";
import { runMigration } from "./migrate.js";
import { runExport, runImport } from "./move/run.js";
import { dataDefault, listenDefault, type Settings, settingsOf } from "./settings.js";

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
  if (flags.token && !flags.dev) throw new Error("--token goes with --dev; others are configured");
  if (flags.dev && !loopback.has(addressOf(listen).host))
    throw new Error(`--dev listens on loopback only, not on ${listen}`);
  if (!file) {
    if (!flags.token) throw new Error("--dev needs --token (or MUSTER_TOKEN)");
    const dataDir = flags.data ?? dataDefault;
    const { options, proxy } = await devOptions({ dataDir, listen, token: flags.token });
    return { options, note: `, load balancer web on ${proxy}` };
  }
  const settings = settingsOf(file, flags);
  const tokens = flags.token ? [...settings.tokens, adminToken(flags.token)] : settings.tokens;
  return { options: { ...settings, tokens }, note: "" };
}

async function start(flags: Flags): Promise<void> {
  const log = pino({ level: process.env["MUSTER_LOG"] ?? "info" }, pino.destination(2));
  const startedMs = performance.now();
  const { options, note } = await startOf(flags);
  const stopping = new AbortController();
  const starting = createPatiently({ ...options, log }, stopping.signal);
  const stop = (name: string) => {
    if (stopping.signal.aborted) process.exit(1); // Asked twice: at once.
    stopping.abort();
    log.info({ signal: name }, "stopping");
    starting
      .then((muster) => muster.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ error: String(error) }, "did not stop cleanly");
          process.exit(1);
        },
      );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  const muster = await starting;
  if (stopping.signal.aborted) return;
  const tookMs = Math.round(performance.now() - startedMs);
  process.stdout.write(`muster ready on ${muster.address} in ${tookMs} ms${note}\n`);
}

const storeWaitMsMax = 60_000;
const storeAgainMs = 1_000;

/** A store that nodes share may be on its way back itself, as after a colo has lost its power. */
async function createPatiently(options: MusterOptions, signal: AbortSignal): Promise<Muster> {
  const untilMs = performance.now() + storeWaitMsMax;
  for (;;) {
    try {
      return await createMuster(options);
    } catch (error) {
      const mayCome = options.store !== undefined && isFault(error, "STORE_UNAVAILABLE");
      if (!mayCome || signal.aborted || performance.now() > untilMs) throw error;
      options.log?.warn({ error: String(error) }, "the store cannot be reached; trying again");
      await sleep(storeAgainMs);
    }
  }
}

interface DoctorFlags extends Flags {
  readonly account: readonly string[];
  readonly json?: boolean;
}

async function doctor(flags: DoctorFlags): Promise<void> {
  if (flags.config === undefined) throw new Error("give --config FILE, as the daemon gets it");
  const { config, account: accounts, json = false } = flags;
  const options = { ...flags, config, accounts, json };
  process.exitCode = await runDoctor(options, process.stdout, process.env);
}

/** For work on what a daemon works with: by the daemon's own configuration, and no other. */
async function configured(flags: Flags): Promise<Settings> {
  if (flags.config === undefined) throw new Error("give --config FILE, as the daemon gets it");
  return settingsOf(await readConfig(flags.config), flags);
}

interface MigrateFlags extends Flags {
  readonly dryRun?: boolean;
}

async function migrate(flags: MigrateFlags): Promise<void> {
  const settings = await configured(flags);
  await runMigration(settings, { isDryRun: flags.dryRun === true }, process.stdout);
}

async function exportState(file: string, flags: Flags): Promise<void> {
  await runExport(await configured(flags), file, process.stdout);
}

interface ImportFlags extends Flags {
  readonly moved?: boolean;
}

async function importState(file: string, flags: ImportFlags): Promise<void> {
  const settings = await configured(flags);
  await runImport(settings, { file, isMoved: flags.moved === true }, process.stdout);
}

program.action(start);
program
  .command("doctor")
  .description(
    "Find out why a Muster does not start, or does not work, and what to do about it. Starts " +
      "nothing, changes nothing. Exit code 1: there are problems",
  )
  .option("--account <id>", "try this account's credentials too; repeatable", collect, [])
  .option("--json", "for programs")
  .configureHelp({ showGlobalOptions: true })
  .addHelpText("after", "\nExample: muster doctor --config muster.json")
  .action((_: unknown, self: Command) => doctor(self.optsWithGlobals<DoctorFlags>()));

program
  .command("migrate")
  .description(
    "Make what the configured store is kept in, or bring it up to date. Harmless where nothing is " +
      "to be done, and beside Musters that run",
  )
  .option("--dry-run", "only say what would be done")
  .configureHelp({ showGlobalOptions: true })
  .addHelpText("after", "\nExample: muster migrate --config muster.json --dry-run")
  .action((_: unknown, self: Command) => migrate(self.optsWithGlobals<MigrateFlags>()));

program
  .command("export")
  .description(
    "Write all that the configured store keeps into a file, for another store, and stop every colo " +
      "in this one by its kill switch. No Muster may work with it. Credentials stay encrypted",
  )
  .argument("<file>", "a new file")
  .configureHelp({ showGlobalOptions: true })
  .addHelpText("after", "\nExample: muster export --config muster.json state.export")
  .action((file: string, _: unknown, self: Command) =>
    exportState(file, self.optsWithGlobals<Flags>()),
  );

program
  .command("import")
  .description(
    "Fill the configured store, which must be empty, with an export. Every group is in quarantine " +
      "until it is confirmed. Where it breaks off, the same command goes on",
  )
  .argument("<file>", "what `muster export` wrote")
  .option("--moved", "no Muster has worked with the old store since: nothing is put in quarantine")
  .configureHelp({ showGlobalOptions: true })
  .addHelpText("after", "\nExample: muster import --config muster.json state.export --moved")
  .action((file: string, _: unknown, self: Command) =>
    importState(file, self.optsWithGlobals<ImportFlags>()),
  );

function collect(one: string, before: readonly string[]): readonly string[] {
  return [...before, one];
}

program.parseAsync().catch((error: unknown) => {
  const say = isFault(error) || error instanceof Error ? error.message : String(error);
  process.stderr.write(`muster: ${say}\n`);
  process.exit(2);
});
