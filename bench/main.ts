import { performance } from "node:perf_hooks";
import { Command, Option } from "commander";
import { benches } from "./benches.js";
import type { Bench } from "./lib/bench.js";
import { keepResult, resultOf } from "./lib/result.js";
import { tableOf } from "./lib/table.js";
import { againInBed, isBedUp } from "./p1/bed.js";

interface Flags {
  readonly json?: boolean;
  readonly cloud: "simulated" | "openstack";
}

async function main(name: string | undefined, { json, cloud }: Flags): Promise<void> {
  if (name === undefined) {
    for (const one of benches)
      process.stdout.write(
        `${one.id}  ${one.title}${one.cloud ? ` (--cloud ${one.cloud})` : ""}\n`,
      );
    return;
  }
  const wanted = cloud === "simulated" ? undefined : cloud;
  const bench = benches.find((one) => one.id === name.toUpperCase() && one.cloud === wanted);
  if (!bench)
    throw new Error(`there is no benchmark ${name} on ${cloud}; without a name all are listed`);
  if (bench.cloud === "openstack" && !(await isBedUp())) process.exitCode = await againInBed();
  else await runOne(bench, json === true);
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
  .addOption(
    new Option("--cloud <cloud>", "where servers are made")
      .choices(["simulated", "openstack"])
      .default("simulated"),
  )
  .option("--json", "one JSON object as the last line")
  .action(main);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
