import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Bed {
  up(): Promise<void>;
  down(clean: boolean): Promise<void>;
}

/** An empty bed, the command, and down again whatever happened. Gives the command's exit code. */
export async function runIn(bed: Bed, words: readonly string[]) {
  await bed.down(true);
  const stopped = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopped.abort());
  try {
    await bed.up();
    return await execute(words, stopped.signal);
  } finally {
    await bed.down(false);
  }
}

/** The exit code; 130 when it was stopped. */
export async function execute(
  [program = "", ...words]: readonly string[],
  signal: AbortSignal = never,
): Promise<number> {
  if (signal.aborted) return 130;
  const child = spawn(program, words, { stdio: "inherit" });
  signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 130;
}

const never = new AbortController().signal;
