import { Command, CommanderError, Option } from "commander";
import { addAdminCommands } from "./admin.js";
import { addAlertCommands } from "./alerts.js";
import { readSmallFile, readTimeoutMs } from "./args.js";
import { addAuditCommand } from "./audit.js";
import { addCheckCommand } from "./check.js";
import { addColoCommands } from "./colo.js";
import { addCredentialCommands } from "./credentials.js";
import { addEventCommands } from "./events.js";
import { type ExitCode, exitCode } from "./exit.js";
import { addExplainCommand } from "./explain.js";
import { failureOf } from "./failure.js";
import { addGroupCommands } from "./groups.js";
import { addNotifierCommands } from "./notifiers.js";
import { addOrphanCommands } from "./orphans.js";
import { addPlanCommand } from "./plan.js";
import { addPolicyCommands } from "./policies.js";
import type { Io } from "./printer.js";
import { addRebuildCommands } from "./rebuild.js";
import type { Run } from "./run.js";
import { addScaleCommand } from "./scale.js";
import { addScheduleCommands } from "./schedules.js";
import { addServerCommands } from "./servers.js";
import { type GlobalOptions, openSession } from "./session.js";
import { addWebhookCommands } from "./webhooks.js";

/** Runs one command. Resolves to its exit code; rejects only when `io.signal` was aborted. */
export async function runMusterctl(argv: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exitCode.ok;
  let address = "";
  const run: Run = async (command, body) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    address = options.address;
    const session = openSession(options, io);
    try {
      code = await body(session);
    } finally {
      session.client.close();
    }
  };
  try {
    await createProgram(io, run).parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? code : exitCode.usage;
    io.signal.throwIfAborted();
    const failure = failureOf(error, address);
    for (const line of failure.lines) {
      io.stderr.write(line.startsWith(" ") ? `${line}\n` : `musterctl: ${line}\n`);
    }
    return failure.code;
  }
}

function createProgram(io: Io, run: Run): Command {
  const program = new Command("musterctl")
    .description("Talks to Muster, the auto-scaling service for OpenStack clouds.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "musterctl: ")),
    })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(add --help to see what there is)");
  addGlobalOptions(program);
  addGroupCommands(program, run);
  addScaleCommand(program, run);
  addRebuildCommands(program, run);
  addPolicyCommands(program, run);
  addScheduleCommands(program, run);
  addAlertCommands(program, run);
  addWebhookCommands(program, run);
  addNotifierCommands(program, run);
  addServerCommands(program, run);
  addOrphanCommands(program, run);
  addEventCommands(program, run);
  addExplainCommand(program, run);
  addPlanCommand(program, run);
  addCheckCommand(program, run);
  addAuditCommand(program, run);
  addColoCommands(program, run);
  addCredentialCommands(program, run);
  addAdminCommands(program, run);
  return program.addHelpText("after", epilogue);
}

function addGlobalOptions(program: Command): void {
  program
    .addOption(
      new Option("--address <host:port|url>", "where Muster listens")
        .env("MUSTER_ADDRESS")
        .default("127.0.0.1:7350"),
    )
    .addOption(
      new Option(
        "--token <token>",
        "who you are; rather in the environment or a file than here",
      ).env("MUSTER_TOKEN"),
    )
    .option("--token-file <file>", "a file with the token; comes before --token", readSmallFile)
    .option("--ca-file <file>", "PEM of the authority to trust; asks for TLS", readSmallFile)
    .addOption(
      new Option("--account <id>", "whose groups").env("MUSTER_ACCOUNT").default("default"),
    )
    .addOption(
      new Option("-o, --output <format>", "for people or for programs")
        .choices(["table", "json"])
        .default("table"),
    )
    .option(
      "--timeout <duration>",
      "bounds each call (default 30s), --wait (default 10m) and --follow (default: no end)",
      readTimeoutMs,
    );
}

const epilogue = `
Durations look like 90s, 5m or 1h30m. Answers go to stdout, everything else to stderr.

Exit codes:
  0  done; of a scale event: applied, merged, or no change
  1  the call failed
  2  wrong usage; nothing was sent
  3  the scale event was refused or held
  4  timed out while waiting; what was asked for stands
Of an audit: 1 differences, 2 not everything could be seen.
Of a check: 1 problems, 2 no problems, but not everything could be asked.

Example:
  $ musterctl groups apply -f web.json --wait && musterctl scale web +2`;
