import { Command } from "commander";
import { drawScenario } from "./draw.js";
import { sayFinding } from "./oracle/finding.js";
import { runScenario } from "./run.js";
import { runSeeds } from "./run-seeds.js";
import type { Scenario } from "./scenario.js";
import { shrink } from "./shrink.js";
import { sayStory, tell } from "./story.js";

interface Options {
  readonly seeds: string;
  readonly from: string;
  readonly hours: string;
  readonly processes: string;
  readonly tries: string;
  readonly story?: true;
  readonly json?: true;
  readonly every?: true;
}

const program = new Command("sim")
  .description("Simulates whole installations of Muster, one for each seed, and holds them to")
  .option("--seeds <count>", "so many seeds", "100")
  .option("--from <seed>", "the first of them", "1")
  .option("--hours <hours>", "as many seeds as it takes for so many group-hours", "0")
  .option("--processes <count>", "at once", "2")
  .option("--tries <count>", "runs that may be spent on making a failing scenario smaller", "150")
  .option("--story", "tell all that happens in each of them")
  .option("--json", "end with one line of JSON")
  .option("--every", "fail unless every kind of fault struck");

/** Faults that must strike somewhere in a run of CI: one that never does proves nothing. */
const kinds = [
  ...["answerLost", "deleteAnswerLost", "requestLost", "deleteRequestLost", "lateCreate"],
  ...["noCapacity", "throttled", "5xx", "denied", "deleteRefused", "slowCall", "hangingCall"],
  ...["listingLag", "pageFails", "pageRepeated", "listTruncated", "slowBuild", "buildError"],
  ...["laterError", "laterStatus", "laterVanish", "addressReused", "deleteIgnored", "cellDown"],
  ...["otherProject", "badImage", "quota", "vanish", "status", "foreign", "copiedTags"],
].map((name) => `cloud.${name}`);
const otherKinds = [
  ...["lostAfterCommit", "lostBeforeCommit", "hintsStale", "feedLate", "unavailable", "slow"].map(
    (name) => `store.${name}`,
  ),
  ...["immutable", "throttled", "unavailable", "denied", "lostAnswer", "partial"].map(
    (name) => `balancer.${name}`,
  ),
  ...["slow", "foreign", "gone"].map((name) => `balancer.${name}`),
  ...["crash", "crashAfterCall", "crashBeforeCall", "freeze", "zombie", "cutFromStore"].map(
    (name) => `node.${name}`,
  ),
  ...["restart", "skew"].map((name) => `node.${name}`),
  ...["storeCut", "peersCut", "answerLost"].map((name) => `colos.${name}`),
];

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  const from = Number(options.from);
  const seeds = Number(options.seeds);
  if (options.story) return await tellSeeds(from, seeds);

  const startedMs = Date.now();
  const sum = await runSeeds({
    ...{ from, seeds, hours: Number(options.hours), processes: Number(options.processes) },
    onSeed(seed, { findings }, { runs, hours }) {
      for (const finding of findings.slice(0, 1)) say(`SEED=${seed} ${sayFinding(finding)}`);
      if (runs % 50 === 0)
        say(`${runs} runs, ${Math.round(hours)} group-hours, ${seconds(startedMs)} s`);
    },
  });
  const { runs, failed, faults } = sum;
  const first = failed.toSorted((a, b) => a - b)[0];
  if (first !== undefined) await explain(first, Number(options.tries));
  const missing = [...kinds, ...otherKinds].filter((kind) => !faults[kind]);
  const isIncomplete = options.every === true && missing.length > 0;
  if (isIncomplete) say(`faults that never struck: ${missing.join(", ")}`);
  const hours = Math.round(sum.hours);
  say(`${runs} runs, ${hours} group-hours in ${seconds(startedMs)} s, ${failed.length} failed`);
  for (const [fault, times] of Object.entries(faults).toSorted()) say(`  ${fault}: ${times}`);
  const violations = failed.length;
  if (options.json)
    process.stdout.write(`${JSON.stringify({ runs, hours, faults, violations })}\n`);
  return violations > 0 || isIncomplete ? 1 : 0;
}

async function tellSeeds(from: number, seeds: number): Promise<number> {
  let failed = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const scenario = drawScenario(seed);
    const story = await tell(scenario);
    say(sayStory(scenario, story, true));
    if (story.outcome.findings.length > 0) failed++;
  }
  return failed > 0 ? 1 : 0;
}

/** Prints what a failing seed comes down to. */
async function explain(seed: number, triesMax: number): Promise<void> {
  const scenario = drawScenario(seed);
  const first = (await runScenario(scenario)).findings[0];
  if (!first) {
    say(`SEED=${seed} does not fail again: the simulation itself is at fault`);
    return;
  }
  const fails = async (smaller: Scenario) => {
    const [found] = (await runScenario(smaller)).findings;
    return found?.id === first.id && found.rule === first.rule;
  };
  const smallest = await shrink(scenario, { fails, triesMax });
  say(sayStory(smallest, await tell(smallest)));
  say(`The whole of it: npm run sim -- --from ${seed} --seeds 1 --story`);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function seconds(sinceMs: number): number {
  return Math.round((Date.now() - sinceMs) / 1_000);
}

process.exitCode = await main();
