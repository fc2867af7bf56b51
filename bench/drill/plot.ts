import type { Second } from "../../src/drivers/cloud-simulated/index.js";
import { openChart } from "./charts.js";

/** One drill, as a picture shows it. */
export interface Drill {
  readonly title: string;
  readonly blip: { readonly blipStartMs: number; readonly blipEndMs: number };
  readonly runs: Readonly<Record<"none" | "braked" | "unbraked", readonly Second[]>>;
  /** Of the picture, since the blip began. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Seconds that one point of a curve is the mean of. */
  readonly meanSeconds: number;
}

const width = 900;
const height = 640;
const colors = { braked: "#1a7f37", unbraked: "#cf222e", none: "#0969da", capacity: "#57606a" };
const left = 70;
const panels = [
  { top: 88, height: 200, name: "Muster's requests a second" },
  { top: 362, height: 200, name: "Other tenants' requests\nanswered in time, a second" },
];

/** The drill as SVG: what Muster asks of the cloud, and how its other tenants fare. */
export function plotDrill(drill: Drill): string {
  const chart = openChart({ width, height });
  const { none, braked, unbraked } = drill.runs;
  const curve = (seconds: readonly Second[], of: (second: Second) => number) =>
    pointsOf(drill, seconds, of);
  const asked = (second: Second) => second.ours.arrived;
  const answered = (second: Second) => second.tenants.answered;
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: "DejaVu Sans, Verdana, sans-serif" },
    title: { text: drill.title, left: "center", top: 8, textStyle: { fontSize: 16 } },
    legend: {
      ...{ top: 38, itemGap: 28, itemWidth: 18, icon: "roundRect" },
      data: ["with brakes", "without brakes", "no demand from Muster", "the cloud's capacity"],
    },
    grid: panels.map((one) => ({ top: one.top, height: one.height, left, right: 30 })),
    xAxis: panels.map((_, index) => ({
      ...{ type: "value", gridIndex: index, min: drill.fromMs / 1_000, max: drill.toMs / 1_000 },
      name: index === 1 ? "seconds since the cloud fell ill" : "",
      ...{ nameLocation: "middle", nameGap: 30 },
    })),
    yAxis: panels.map(({ name }, index) => ({
      ...{ type: "value", gridIndex: index, min: 0, name },
      axisLine: { show: true, onZero: false },
      nameTextStyle: { align: "left", padding: [0, 0, 0, -left + 30] },
    })),
    series: [
      line("the cloud's capacity", 0, colors.capacity, {
        data: pointsOf({ ...drill, meanSeconds: 1 }, braked, (second) => second.capacity),
        step: "end",
        lineStyle: { width: 1.5, type: "dashed" },
        markArea: blipArea(drill, "ill"),
      }),
      line("without brakes", 0, colors.unbraked, { data: curve(unbraked, asked) }),
      line("with brakes", 0, colors.braked, { data: curve(braked, asked) }),
      line("no demand from Muster", 1, colors.none, {
        data: curve(none, answered),
        lineStyle: { width: 3.5, opacity: 0.5 },
        markArea: blipArea(drill, "ill"),
      }),
      line("without brakes", 1, colors.unbraked, { data: curve(unbraked, answered) }),
      line("with brakes", 1, colors.braked, { data: curve(braked, answered) }),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function line(name: string, axis: number, color: string, rest: object) {
  return {
    ...{ type: "line", name, xAxisIndex: axis, yAxisIndex: axis, symbol: "none", color },
    ...{ lineStyle: { width: 2 }, ...rest },
  };
}

function blipArea({ blip }: Drill, name: string) {
  const lengthS = (blip.blipEndMs - blip.blipStartMs) / 1_000;
  return {
    itemStyle: { color: "#fff1c2", opacity: 0.7 },
    label: { color: "#7d4e00", position: "insideTop" },
    data: [[{ name, xAxis: 0 }, { xAxis: lengthS }]],
  };
}

/** Means over so many seconds, in s since the blip began. */
function pointsOf(
  { blip, fromMs, toMs, meanSeconds }: Drill,
  seconds: readonly Second[],
  of: (second: Second) => number,
): readonly (readonly [number, number])[] {
  const points: [number, number][] = [];
  for (let index = 0; index + meanSeconds <= seconds.length; index += meanSeconds) {
    const part = seconds.slice(index, index + meanSeconds);
    const atMs = part[0]!.atMs - blip.blipStartMs;
    if (atMs < fromMs || atMs > toMs) continue;
    const mean = part.reduce((total, one) => total + of(one), 0) / part.length;
    points.push([Math.round(atMs / 1_000), Math.round(mean * 10) / 10]);
  }
  return points;
}
