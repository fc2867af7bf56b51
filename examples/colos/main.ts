import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { colos, type MusterNode, nodes, stateDir } from "./layout.js";

// Before the bed's settings are read. Its jars are those of the tests.
process.env["MUSTER_CASSANDRA_NODES"] = colos.map((colo) => `${colo}=1`).join(",");
process.env["MUSTER_CASSANDRA_JARS"] ??= join(
  process.env["MUSTER_CASSANDRA"] ?? ".bed/cassandra",
  "jars",
);
process.env["MUSTER_CASSANDRA"] = join(stateDir, "cassandra");
process.env["MUSTER_CASSANDRA_PORT"] ??= "26100";

// What the shell has for musterctl is none of the daemons' business.
for (const name of ["MUSTER_TOKEN", "MUSTER_LISTEN", "MUSTER_DATA"]) delete process.env[name];

const { bedNodes } = await import("../../test/cassandra/bed/node.js");
const { removeState, tokenOf, writeConfigs } = await import("./config.js");
const { cassandraBed, migrate, partsOf, processOf } = await import("./servers.js");

const readyMsMax = 120_000;
const lookEveryMs = 250;
const cassandra = bedNodes();

async function up(): Promise<void> {
  await cassandraBed("up");
  await writeConfigs(cassandra);
  await migrate(nodes[0]!);
  for (const node of nodes) await processOf(node).launch();
  await Promise.all(nodes.map(untilReady));
  const musterctl = "node dist/clients/cli/main.js";
  console.log(`
All six are ready. In this shell:

  export MUSTER_ADDRESS=${nodes[0]!.api} MUSTER_TOKEN=${await tokenOf()}
  alias musterctl='${musterctl}'
  musterctl groups apply -f examples/colos/web.json --wait
  musterctl scale web +6 --wait
  musterctl servers list web

examples/colos/README.md tells what else to try.`);
}

async function untilReady({ name, api, home }: MusterNode): Promise<void> {
  for (const startMs = Date.now(); ; await sleep(lookEveryMs)) {
    const answer = await fetch(`http://${api}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() - startMs < readyMsMax) continue;
    const log = await readFile(join(home, "stdout.log"), "utf8");
    throw new Error(
      `${name} did not become ready:\n${log.trim().split("\n").slice(-3).join("\n")}`,
    );
  }
}

async function down({ clean }: { readonly clean?: boolean }): Promise<void> {
  for (const colo of colos) for (const part of await partsOf(colo, cassandra)) await part.resume();
  for (const node of nodes) {
    const muster = processOf(node);
    if ((await muster.pid()) !== undefined) await muster.stop();
  }
  await cassandraBed("down", ...(clean ? ["--clean"] : []));
  if (clean) await removeState();
}

async function status(): Promise<void> {
  for (const node of nodes) {
    const pid = await processOf(node).pid();
    console.log(`${node.name} ${node.api}: ${pid ?? "stopped"}`);
  }
  await cassandraBed("status");
}

function nodeOf(name: string): MusterNode {
  const found = nodes.find((node) => node.name === name);
  if (found) return found;
  throw new Error(`there is no ${name}, only ${nodes.map((node) => node.name).join(", ")}`);
}

const program = new Command("npm run colos --").description(
  "Three colos of two Musters each on this machine, over a real Cassandra in three data centres.",
);
program.command("up").description("start everything, and say how to use it").action(up);
program
  .command("down")
  .description("stop everything")
  .option("--clean", "and forget all of it; delete the groups first")
  .action(down);
program.command("status").description("what runs, and where").action(status);
program
  .command("kill <node>")
  .description("end a Muster as a crash would, e.g. iad-1")
  .action((name: string) => processOf(nodeOf(name)).kill());
program
  .command("start <node>")
  .description("start it again")
  .action((name: string) => processOf(nodeOf(name)).launch());
program
  .command("cut <colo>")
  .description("let a colo fall silent: its Musters and its Cassandra are frozen")
  .action(async (colo: string) => {
    for (const part of await partsOf(colo, cassandra)) await part.pause();
  });
program
  .command("heal <colo>")
  .description("let it go on")
  .action(async (colo: string) => {
    for (const part of await partsOf(colo, cassandra)) await part.resume();
  });

await program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
