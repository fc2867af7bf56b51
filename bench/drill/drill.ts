import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Second } from "../../src/drivers/cloud-simulated/index.js";
import { type OutageRun, runOutage } from "../../test/outage/drill.js";
import { full } from "../../test/simulation/drill/plan.js";
import { type DrillRun, runDrill } from "../../test/simulation/drill/run.js";
import { atLeast, type Bench, type Figure } from "../lib/bench.js";
import { summaryOf } from "../lib/statistics.js";
import { type Drill, plotDrill } from "./plot.js";

const demands = ["none", "braked", "unbraked"] as const;
/** Within a tenth of the recovery with no demand at all. */
const ratioMin = 1 / 1.1;
const docs = fileURLToPath(new URL("../../../docs/", import.meta.url));

/** The outage drill, drawn. */
export const drill: Bench = {
  id: "DRILL",
  title: "recovery of a sick cloud with Muster's brakes, without them, and with no demand",
  async run({ say }) {
    const simulated: DrillRun[] = [];
    for (const demand of demands) {
      say(`simulation, ${demand}`);
      simulated.push(await runDrill(demand, full));
    }
    await draw("outage-drill", simulated, {
      title: "500 groups alarm while their cloud is ill for five minutes (simulation)",
      ...{ fromMs: -60_000, toMs: 600_000, meanSeconds: 4 },
    });
    say("real stack, all three at once");
    const real = await Promise.all(demands.map((demand, place) => runOutage(demand, place)));
    await draw("outage-drill-real", real, {
      title: "50 groups alarm while their cloud is ill for 25 seconds (real stack)",
      ...{ fromMs: -10_000, toMs: 140_000, meanSeconds: 2 },
    });
    const ratios = { simulation: ratioOf(simulated), realStack: ratioOf(real) };
    return {
      ratios,
      targets: Object.entries(ratios).map(([name, ratio]) => atLeast(name, ratioMin, ratio)),
      figures: [...figuresOf("simulation", simulated), ...figuresOf("real stack", real)],
      growth: [],
      notes: [
        "ratio: recovery with no demand from Muster, over recovery with demand and brakes",
        "recovery: from the end of the illness until the other tenants' mean latency over ten " +
          "seconds is below 1.5 of what it was, with at most 1 % lost, for good",
      ],
    };
  },
};

type Run = DrillRun | OutageRun;

async function draw(
  name: string,
  runs: readonly Run[],
  look: Pick<Drill, "title" | "fromMs" | "toMs" | "meanSeconds">,
): Promise<void> {
  const [none, braked, unbraked] = runs.map((run): readonly Second[] => sinceBlip(run));
  const first = runs[0]!.blip;
  const blip = { blipStartMs: 0, blipEndMs: first.blipEndMs - first.blipStartMs };
  const svg = plotDrill({
    ...{ ...look, blip },
    runs: { none: none!, braked: braked!, unbraked: unbraked! },
  });
  await writeFile(`${docs}${name}.svg`, svg);
}

/** Each run by its own blip. */
function sinceBlip({ seconds, blip }: Run): readonly Second[] {
  const startMs = Math.round(blip.blipStartMs / 1_000) * 1_000;
  return seconds.map((one) => ({ ...one, atMs: one.atMs - startMs }));
}

function ratioOf([none, braked]: readonly Run[]): number {
  return none!.recoveryMs / braked!.recoveryMs;
}

function figuresOf(where: string, runs: readonly Run[]): Figure[] {
  const [none] = runs;
  return runs.slice(1).map((run) => ({
    name: `${where}, ${run.demand === "braked" ? "with brakes" : "without brakes"}: recovery`,
    unit: "s",
    ours: summaryOf([run.recoveryMs / 1_000]),
    reference: summaryOf([none!.recoveryMs / 1_000]),
  }));
}
