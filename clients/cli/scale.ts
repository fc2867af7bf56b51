import type { Command } from "commander";
import { readTargetChange, type TargetChange } from "./args.js";
import { type ExitCode, exitCode } from "./exit.js";
import { addScaleOptions, answerReceipt, askOnce, forceOf, type ScaleOptions } from "./receipts.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";
import { waitWords } from "./standing.js";
import { waitConverged } from "./wait.js";

interface Options extends ScaleOptions {
  readonly wait?: true;
}

export function addScaleCommand(program: Command, run: Run): void {
  const command = program
    .command("scale")
    .description("Set a group's target, or change it by so many servers")
    .argument("<group>", "the group's id")
    .argument("<target|+n|-n>", "a target (5) or a change (+2, -2)", readTargetChange)
    .option("--wait", "wait until the group has converged at its target")
    .action((group: string, change: TargetChange, options: Options, self: Command) =>
      run(self, (session) => scale(session, group, change, options)),
    );
  example(
    addScaleOptions(command),
    "scale web 5 --wait",
    'scale web +20 --force --reason "launch day" --for 2h',
  );
}

async function scale(
  session: Session,
  group: string,
  change: TargetChange,
  options: Options,
): Promise<ExitCode> {
  const name = session.group(group);
  const force = forceOf(options);
  const { scaling } = session.client;
  const receipt = await askOnce(session, options.requestId, (requestId) =>
    change.kind === "target"
      ? scaling.setTarget({ name, target: change.target, requestId, ...force }, session.call)
      : scaling.scale({ name, change: change.change, requestId, ...force }, session.call),
  );
  const code = answerReceipt(session, group, receipt);
  if (options.wait !== true || code !== exitCode.ok) return code;
  await waitAndTell(session, name);
  return exitCode.ok;
}

/** Waits, and says on stderr how it ended: the answer itself is printed already. */
export async function waitAndTell(session: Session, name: string): Promise<void> {
  const group = await waitConverged(session, name);
  session.print.note(`converged: ${waitWords(group)}`);
}
