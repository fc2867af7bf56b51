import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "../e2e/tools.js";

/** What the checker found. */
export interface Verdict {
  readonly verdict: "Ok" | "Illegal" | "Unknown";
  readonly partitions: number;
  readonly operations: number;
  /** Commits of which nobody knows whether they took effect. */
  readonly open: number;
  /** Reads that are stale by design: left out. */
  readonly replica: number;
  /** What fits no order. */
  readonly stuck?: string;
}

const sources = resolve("test", "linearizability");
/** From the network, with an empty cache and a busy machine. */
const buildMsMax = 900_000;
const checkMsMax = 300_000;

/** A checker built from `main.go`, for some histories. */
export interface Checker {
  /** @throws Error: a line is none that `recordStore` writes */
  check(lines: readonly string[]): Promise<Verdict>;
  remove(): Promise<void>;
}

/** @throws Error: Go is missing, or cannot build it */
export async function buildChecker(): Promise<Checker> {
  const folder = await mkdtemp(join(tmpdir(), "muster-linearizability-"));
  const program = join(folder, "linearizability");
  const words = ["build", "-mod=readonly", "-o", program, "."];
  const built = await run("go", words, { cwd: sources, msMax: buildMsMax });
  if (built.code !== 0) throw new Error(`the checker was not built: ${built.stderr}`);
  return {
    async check(lines) {
      const stdin = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      const checked = await run(program, [], { stdin, msMax: checkMsMax });
      if (checked.code !== 0) throw new Error(`the history was not checked: ${checked.stderr}`);
      return JSON.parse(checked.stdout) as Verdict;
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
