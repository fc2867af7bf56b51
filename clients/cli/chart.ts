import chart from "asciichart";

export interface ChartSeries {
  readonly name: string;
  /** In order of time; each value holds until the next. */
  readonly points: readonly { readonly atMs: number; readonly value: number }[];
}

interface ChartRange {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly columns: number;
  readonly isColored: boolean;
}

const rowsMax = 12;
const axisColumns = 9;
const columnsMin = 20;
const reset = "\u001b[0m";
const colors = [chart.green, chart.yellow, chart.darkgray];

/**
 * Draws numbers over time, from 0 up. With colours all in one picture, later ones in front; without
 * them nobody could tell them apart, and each has its own.
 */
export function chartLines(series: readonly ChartSeries[], range: ChartRange): readonly string[] {
  const { columns, isColored } = range;
  const samples = Math.max(columnsMin, columns - axisColumns);
  const drawn = series.map(({ points }) => sampled(points, range, samples));
  const highest = Math.max(1, ...drawn.flat());
  const scale = { min: 0, max: highest, height: Math.min(rowsMax, highest) };
  const plot = (of: readonly (readonly number[])[], more: object) =>
    chart
      .plot(of, { ...scale, ...more, format: (value) => value.toFixed(0).padStart(6) })
      .split("\n")
      .map((line) => line.trimEnd());
  const legend = series.map(({ name }, index) => `${colors[index] ?? ""}${name}${reset}`);
  const pictures = isColored
    ? [legend.join("  "), ...plot(drawn, { colors })]
    : series.flatMap(({ name }, index) => [name, ...plot([drawn[index]!], {})]);
  const ends = [range.fromMs, range.untilMs].map(minuteWords);
  const gap = " ".repeat(Math.max(1, samples - ends.join("").length));
  return [...pictures, `${" ".repeat(axisColumns - 1)}${ends.join(gap)}`];
}

function sampled(
  points: ChartSeries["points"],
  { fromMs, untilMs }: ChartRange,
  samples: number,
): readonly number[] {
  let at = 0;
  return Array.from({ length: samples }, (_, index) => {
    const untilSampleMs = fromMs + ((untilMs - fromMs) * (index + 1)) / samples;
    // What lasted for less than a column is seen all the same, where it was the most.
    let most = points[at]?.value ?? 0;
    while (at + 1 < points.length && points[at + 1]!.atMs < untilSampleMs)
      most = Math.max(most, points[++at]!.value);
    return most;
  });
}

/** `2026-01-01 08:00`, in UTC. */
function minuteWords(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 16).replace("T", " ");
}
