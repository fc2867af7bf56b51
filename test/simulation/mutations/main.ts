import { mutations } from "./all.js";
import { docsAreCurrent, writeDocs } from "./docs.js";
import type { Mutation } from "./mutation.js";
import { judge, type Verdict } from "./verdict.js";
import { openWorkshop } from "./workshop.js";

/**
 * Takes every guard out of the code, one at a time, and demands that the named run notices.
 *
 * Usage: node dist/test/simulation/mutations/main.js [--table] [ID…]
 */
const workersMax = 2;

async function main(words: readonly string[]): Promise<void> {
  if (words.includes("--table")) return writeDocs(mutations);
  const ids = words.filter((word) => !word.startsWith("--"));
  const chosen = ids.length === 0 ? mutations : mutations.filter(({ id }) => ids.includes(id));
  if (chosen.length === 0) throw new Error(`no mutation is called ${ids.join(" or ")}`);
  const startedMs = performance.now();
  const rest = [...chosen];
  let failures = 0;

  async function work(number: number): Promise<void> {
    const workshop = openWorkshop(number);
    for (let one = rest.shift(); one; one = rest.shift()) {
      const beganMs = performance.now();
      const verdict = await tryOut(workshop, one);
      if (verdict.kind !== "caught") failures++;
      say(one, verdict, performance.now() - beganMs);
    }
    workshop.remove();
  }

  await Promise.all(Array.from({ length: workersMax }, (_, number) => work(number)));
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  const current = docsAreCurrent(mutations);
  if (!current) print("docs/invariants.md is out of date: npm run test:mutations -- --table");
  print(`${chosen.length} mutations, ${chosen.length - failures} caught, in ${seconds} s`);
  if (failures > 0 || !current) process.exitCode = 1;
}

async function tryOut(
  workshop: ReturnType<typeof openWorkshop>,
  { edits, caughtBy }: Mutation,
): Promise<Verdict> {
  try {
    workshop.mutate(edits);
    return await judge(workshop.path, caughtBy);
  } catch (error) {
    return { kind: "broken", why: error instanceof Error ? error.message : String(error) };
  } finally {
    workshop.restore();
  }
}

function say({ id, caughtBy }: Mutation, verdict: Verdict, tookMs: number): void {
  const took = `${(tookMs / 1_000).toFixed(1)} s`;
  if (verdict.kind === "caught") print(`caught  ${id} (${took}): ${verdict.by}`);
  else if (verdict.kind === "broken") print(`BROKEN  ${id} (${took}): ${verdict.why}`);
  else print(`MISSED  ${id} (${took}): ${caughtBy.file} "${caughtBy.test}" passed without it`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main(process.argv.slice(2));
