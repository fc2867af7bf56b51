import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Target } from "./target.js";

export const mainPath = fileURLToPath(new URL("../../clients/cli/main.js", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of the target's own. */
  readonly address?: string;
}

/** What the tool is told to talk to. */
export type Addressed = Pick<Target, "token" | "account" | "addressFor">;

/** The real command line tool, as a child of this process. */
export function startMusterctl(
  target: Addressed,
  args: readonly string[],
  options: RunOptions = {},
): ChildProcessWithoutNullStreams {
  const env = {
    PATH: process.env["PATH"],
    MUSTER_ADDRESS: options.address ?? target.addressFor("connect"),
    MUSTER_TOKEN: target.token,
    MUSTER_ACCOUNT: target.account,
    ...options.env,
  };
  const child = spawn(process.execPath, [mainPath, ...args], { env });
  child.stdin.on("error", () => {}); // A child that ends without reading is no failure of ours.
  child.stdin.end(options.stdin ?? "");
  return child;
}

export async function runMusterctl(
  target: Addressed,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const child = startMusterctl(target, args, options);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** Resolves with the first line of the stream that fits, and goes on reading. */
export function lineOf(stream: NodeJS.ReadableStream, fits: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: stream });
    lines.on("line", (line) => fits.test(line) && resolve(line));
    lines.on("close", () => reject(new Error(`the stream ended without ${fits}`)));
  });
}
