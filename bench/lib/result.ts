import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, Findings } from "./bench.js";

/** What is printed with `--json` and kept in `bench/results/`. */
export interface BenchResult extends Omit<Findings, "ratios"> {
  readonly id: string;
  readonly cloud?: Bench["cloud"];
  readonly store?: Bench["store"];
  readonly title: string;
  /** Only where there is one case. */
  readonly ratio?: number;
  /** Only where there are several. */
  readonly ratios?: Findings["ratios"];
  /** Whether every target was met. */
  readonly met: boolean;
  readonly command: string;
  readonly machine: {
    readonly cpus: number;
    readonly memoryGiB: number;
    readonly platform: string;
    readonly node: string;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly tookMs: number;
}

/** The folder of the repository, seen from `dist/bench/lib`. */
const root = fileURLToPath(new URL("../../../", import.meta.url));

export async function resultOf(
  bench: Bench,
  findings: Findings,
  tookMs: number,
): Promise<BenchResult> {
  const { ratios, ...rest } = findings;
  const [only, ...others] = Object.values(ratios);
  const { id, cloud, store } = bench;
  const flags = Object.entries({ cloud, store }).filter(([, name]) => name !== undefined);
  return tidy({
    id,
    ...Object.fromEntries(flags),
    ...(others.length === 0 && only !== undefined ? { ratio: only } : { ratios }),
    title: bench.title,
    met: findings.targets.every((target) => target.met),
    ...rest,
    command: [
      "npm run bench --",
      id,
      ...flags.map(([flag, name]) => `--${flag} ${name}`),
      "--json",
    ].join(" "),
    machine: {
      cpus: availableParallelism(),
      memoryGiB: totalmem() / 2 ** 30,
      platform: `${process.platform} ${process.arch}`,
      node: process.version,
    },
    versions: await versionsOf(),
    tookMs,
  });
}

/** @returns the path, relative to the repository. */
export async function keepResult(result: BenchResult): Promise<string> {
  const folder = join("bench", "results");
  await mkdir(join(root, folder), { recursive: true });
  const name = [result.id, result.cloud, result.store].filter(Boolean).join("-");
  const path = join(folder, `${name}.json`);
  await writeFile(join(root, path), `${JSON.stringify(result, undefined, 2)}\n`);
  return path;
}

async function versionsOf(): Promise<Record<string, string>> {
  const own = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
    readonly version: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const { openssl: _openssl, ...runtime } = process.versions;
  return { muster: own.version, v8: runtime.v8, uv: runtime.uv, ...own.dependencies };
}

/** Four digits say all that such a measurement can say. */
function tidy<Value>(value: Value): Value {
  const text = JSON.stringify(value, (_key, one: unknown) =>
    typeof one === "number" && !Number.isInteger(one) ? Number(one.toPrecision(4)) : one,
  );
  return JSON.parse(text) as Value;
}
