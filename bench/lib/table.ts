import CliTable from "cli-table3";
import type { BenchResult } from "./result.js";
import type { Summary } from "./statistics.js";

/** A result for people. */
export function tableOf(result: BenchResult): string {
  const plain = { style: { head: [], border: [] } };
  const figures = new CliTable({ ...plain, head: ["", "unit", "ours", "reference", "ratio"] });
  for (const one of result.figures)
    figures.push([
      one.name,
      one.unit,
      summaryText(one.ours),
      one.reference ? summaryText(one.reference) : "",
      one.ratio ? summaryText(one.ratio) : "",
    ]);
  const targets = new CliTable({ ...plain, head: ["target", "", "value", "met"] });
  for (const one of result.targets)
    targets.push([one.name, one.target, numberText(one.value), one.met ? "yes" : "NO"]);
  const growth = result.growth.map((one) => {
    const points = one.points.map(({ size, cost }) => `${size}: ${numberText(cost)}`).join(", ");
    const exponent = one.exponent.toFixed(2);
    return `${one.name}: ${one.cost} by ${one.of}: ${points}; growth exponent ${exponent}`;
  });
  const { cpus, memoryGiB, node } = result.machine;
  return [
    `${result.id} ${result.title}`,
    figures.toString(),
    targets.toString(),
    ...growth,
    ...result.notes.map((note) => `- ${note}`),
    `${cpus} CPUs, ${Math.round(memoryGiB)} GiB, Node ${node}, ${Math.round(result.tookMs / 1000)} s`,
  ].join("\n");
}

function summaryText({ median, spread }: Summary): string {
  return `${numberText(median)} ± ${Math.round(spread * 50)} %`;
}

function numberText(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
