import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { BedFacts } from "./bed-facts.js";

const run = promisify(execFile);

/**
 * Says of a member what an amphora's heartbeat would: the bed has none. Octavia's own health
 * manager writes the same column.
 */
export async function reportMember(
  facts: BedFacts,
  { address, status }: { readonly address: string; readonly status: "ONLINE" | "ERROR" },
): Promise<void> {
  const file = join(dirname(facts.faults), "etc/octavia/octavia.conf");
  const found = /^connection = mysql\S*?:\/\/(\S+):(\S+)@(\S+):(\d+)\/(\w+)/m;
  const [, user, password, host, port, database] = found.exec(await readFile(file, "utf8")) ?? [];
  const sql = `UPDATE member SET operating_status = '${status}' WHERE ip_address = '${address}'`;
  const where = [`--host=${host}`, `--port=${port}`, `--user=${user}`, "--protocol=tcp"];
  const env = { ...process.env, MYSQL_PWD: password };
  await run("mariadb", ["--no-defaults", ...where, `--execute=${sql}`, `${database}`], { env });
}
