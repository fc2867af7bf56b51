import type { Command } from "commander";
import type { ExitCode } from "./exit.js";
import type { Session } from "./session.js";

/** Opens a session from the command's options, runs the body, and closes it again. */
export type Run = (
  command: Command,
  body: (session: Session) => Promise<ExitCode>,
) => Promise<void>;

/** Shown under the options of `--help`. */
export const example = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText(
    "after",
    `\n${lines.length > 1 ? "Examples" : "Example"}:\n${lines.map((line) => `  $ musterctl ${line}`).join("\n")}`,
  );
