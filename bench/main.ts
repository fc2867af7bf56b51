import { performance } from "node:perf_hooks";
import { Command } from "commander";
import { benches } from "./benches.js";
import type { Bench } from "./lib/bench.js";
import { keepResult, resultOf } from "./lib/result.js";
import { tableOf } from "./lib/table.js";

interface Flags {
  readonly json?: boolean;
}

async function main(name: string | undefined, { json }: Flags): Promise<void> {
  if (name === undefined) {
    for (const { id, title } of benches) process.stdout.write(`${id}  ${title}\n`);
    return;
  }
  const bench = benches.find(({ id }) => id === name.toUpperCase());
  if (!bench) throw new Error(`there is no benchmark ${name}; without a name all are listed`);
  await runOne(bench, json === true);
}

async function runOne(bench: Bench, json: boolean): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${bench.id}: ${line}\n`);
  const startMs = performance.now();
  const findings = await bench.run({ say });
  const result = await resultOf(bench, findings, Math.round(performance.now() - startMs));
  say(`kept in ${await keepResult(result)}`);
  process.stdout.write(`${json ? JSON.stringify(result) : tableOf(result)}\n`);
}

const program = new Command("bench")
  .description("Measures Muster against bare references on this machine.")
  .argument("[name]", "which benchmark, e.g. P3; without it they are listed")
  .option("--json", "one JSON object as the last line")
  .action(main);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
