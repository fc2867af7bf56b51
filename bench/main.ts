import { performance } from "node:perf_hooks";
import { Command, Option } from "commander";
import { benches } from "./benches.js";
import type { Bench } from "./lib/bench.js";
import { againWithCassandra, isCassandraUp } from "./lib/cassandra-bed.js";
import { keepResult, resultOf } from "./lib/result.js";
import { tableOf } from "./lib/table.js";
import { againInBed, isBedUp } from "./p1/bed.js";

interface Flags {
  readonly json?: boolean;
  readonly cloud: "simulated" | "openstack";
  readonly store?: "cassandra";
}

async function main(name: string | undefined, { json, cloud, store }: Flags): Promise<void> {
  if (name === undefined) {
    for (const one of benches)
      process.stdout.write(`${[one.id, one.title, ...needsOf(one)].join("  ")}\n`);
    return;
  }
  const wanted = cloud === "simulated" ? undefined : cloud;
  const found = benches.filter((one) => one.id === name.toUpperCase() && one.cloud === wanted);
  // Where there is one way alone, nobody has to say which.
  const bench = found.find((one) => one.store === store) ?? (store ? undefined : found[0]);
  if (!bench) {
    const where = [cloud, store].filter(Boolean).join(" and ");
    throw new Error(`there is no benchmark ${name} on ${where}; without a name all are listed`);
  }
  if (bench.cloud === "openstack" && !(await isBedUp())) process.exitCode = await againInBed();
  else if (bench.store === "cassandra" && !(await isCassandraUp()))
    process.exitCode = await againWithCassandra();
  else await runOne(bench, json === true);
}

function needsOf({ cloud, store }: Bench): readonly string[] {
  return [...(cloud ? [`--cloud ${cloud}`] : []), ...(store ? [`--store ${store}`] : [])];
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
  .addOption(
    new Option("--store <store>", "what keeps the state, where that is not embedded").choices([
      "cassandra",
    ]),
  )
  .option("--json", "one JSON object as the last line")
  .action(main);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
