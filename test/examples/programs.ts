import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A built example's file. */
export const exampleAt = (path: string): string =>
  fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));

/** Runs a built example to its end, or until the signal ends it. */
export function runExample(
  path: string,
  options: {
    readonly args?: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
    readonly onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void;
  } = {},
): Promise<Run> {
  const { args = [], env = {}, onLine = () => {} } = options;
  const child = spawn(process.execPath, ["--enable-source-maps", exampleAt(path), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    text.stderr += chunk;
  });
  let line = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text.stdout += chunk;
    const lines = (line + chunk).split("\n");
    line = lines.pop() ?? "";
    for (const one of lines) onLine(one, (signal) => void child.kill(signal));
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...text }));
  });
}
