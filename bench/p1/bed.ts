import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Bed, openBed } from "../../test/openstack/bed.js";

/** Whether a test bed is up, and answers. @throws Error: it is up, but has no Senlin. */
export async function isBedUp(): Promise<boolean> {
  const bed = await openBed().catch(() => undefined);
  if (!bed || !(await answers(bed))) return false;
  if (bed.facts.urls.clustering === undefined)
    throw new Error("the bed that is up has no Senlin: take it down, and this brings up its own");
  return true;
}

async function answers({ callers }: Bed): Promise<boolean> {
  try {
    return (await callers.acme.call("compute", "GET", "/flavors")).status === 200;
  } catch {
    return false;
  }
}

const runInBed = join("test", "openstack", "bed", "run.sh");

/** Runs this very command again while a bed is up. @returns its exit code */
export async function againInBed(): Promise<number> {
  const child = spawn(runInBed, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { ...process.env, MUSTER_BED_WITH: "senlin" },
  });
  // Whoever ends this: the bed is taken down first.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}
