import type { Ora } from "ora";
import type { Io } from "./printer.js";

/** How a wait goes on, on stderr. */
export interface Progress {
  update(text: string): void;
  /** Leaves stderr as it was. */
  stop(): void;
}

/** One live line for people at a terminal; otherwise a line whenever something changed. */
export async function createProgress(io: Pick<Io, "stderr" | "env">): Promise<Progress> {
  // Some terminals say that they are 0 columns wide; the library would clear lines for ever.
  const { isTTY, columns = 0 } = io.stderr;
  const isLive = isTTY === true && columns > 0 && io.env["TERM"] !== "dumb";
  return isLive ? liveProgress(io) : lineProgress(io);
}

async function liveProgress({ stderr, env }: Pick<Io, "stderr" | "env">): Promise<Progress> {
  const { default: ora } = await import("ora"); // Only who waits at a terminal pays for loading it.
  // Standard input stays as it is: Ctrl-C must reach us as a signal.
  const common = { stream: stderr, isEnabled: true, discardStdin: false };
  const spinner: Ora = ora({ ...common, color: env["NO_COLOR"] ? false : "cyan" });
  return {
    update(text) {
      spinner.text = cut(text, stderr.columns - spinnerColumns);
      if (!spinner.isSpinning) spinner.start();
    },
    stop: () => void spinner.stop(),
  };
}

function lineProgress({ stderr }: Pick<Io, "stderr">): Progress {
  let last = "";
  return {
    update(text) {
      if (text !== last) stderr.write(`${text}\n`);
      last = text;
    },
    stop() {},
  };
}

const spinnerColumns = 3;

/** What does not fit on the line is less than a line that jumps. */
const cut = (text: string, columns: number): string =>
  text.length <= columns ? text : `${text.slice(0, Math.max(1, columns - 1))}…`;
