import type { WriteStream } from "node:tty";
import chart from "asciichart";
import { createLogUpdate } from "log-update";
import colors from "picocolors";
import type { MusterEvent } from "./history.js";
import { group, thresholds } from "./settings.js";
import {
  eventWords,
  isTelling,
  millis,
  type Sample,
  seconds,
  summaryLines,
  type View,
} from "./view.js";

const eventsMax = 200;
/** No terminal is wider. */
const samplesMax = 1_000;
const axisColumns = 9;
/** One row of the chart is two servers. */
const capacityRows = group.max / 2;
/** Title, captions, blanks, and the row that each chart has beside its height. */
const fixedRows = 8;
const eventRowsMin = 4;
const latencyRowsMax = 12;

/** Events of one type that follow each other are told as one. */
interface Told {
  readonly atMs: number;
  readonly type: string;
  readonly text: string;
  readonly count: number;
}

/** Draws capacity and latency over time, in place, with the latest events below. */
export function createPicture(out: WriteStream): View {
  const update = createLogUpdate(out);
  let chapter = "";
  let samples: readonly Sample[] = [];
  let events: readonly Told[] = [];
  const problems: string[] = [];

  const atMs = () => samples.at(-1)?.atMs ?? 0;
  const draw = () => {
    const columns = Math.max(40, out.columns);
    const rows = Math.max(20, out.rows ?? 24);
    update(picture({ chapter, samples, events, columns, rows }));
  };
  return {
    chapter(text) {
      chapter = text;
      draw();
    },
    sample(sample) {
      samples = [...samples, sample].slice(-samplesMax);
      draw();
    },
    event(event) {
      if (!isTelling(event)) return;
      events = tell(events, event, atMs()).slice(-eventsMax);
      draw();
    },
    problem: (text) => void problems.push(colors.red(text)),
    end({ summary, next }) {
      draw();
      update.done();
      const verdict = summary.ok ? colors.green("ok") : colors.red("NOT OK");
      out.write(`\n${[...problems, ...summaryLines(summary), verdict, ...next].join("\n")}\n`);
    },
  };
}

function tell(told: readonly Told[], event: MusterEvent, atMs: number): readonly Told[] {
  const { type, message } = event;
  const last = told.at(-1);
  if (last?.type !== type) return [...told, { atMs, type, text: eventWords(event), count: 1 }];
  const count = last.count + 1;
  return [...told.slice(0, -1), { atMs, type, text: `${type} ×${count}: ${message}`, count }];
}

interface Scene {
  readonly chapter: string;
  readonly samples: readonly Sample[];
  readonly events: readonly Told[];
  readonly columns: number;
  readonly rows: number;
}

function picture({ chapter, samples, events, columns, rows }: Scene): string {
  const last = samples.at(-1);
  if (last === undefined) return `${colors.bold("Muster")}  ${chapter}`;
  const shown = samples.slice(-(columns - axisColumns - 1));
  const spare = rows - fixedRows - capacityRows;
  const latencyRows = Math.min(latencyRowsMax, Math.max(4, spare - eventRowsMin - 1));
  const p95sMs = shown.map((sample) => sample.p95Ms ?? 0);
  const latency = latencyChart(p95sMs, latencyRows);
  const eventRows = Math.max(eventRowsMin, spare - latency.split("\n").length);
  const told = events.slice(-eventRows).map(({ atMs, text }) => {
    return `${colors.dim(seconds(atMs).padStart(5))}  ${text.slice(0, columns - 8)}`;
  });
  return [
    `${colors.bold("Muster")}  ${seconds(last.atMs).padStart(5)}  ${colors.bold(chapter)}`,
    "",
    capacityCaption(last),
    chart.plot([shown.map(({ target }) => target), shown.map(({ inService }) => inService)], {
      ...{ min: 0, max: group.max, height: capacityRows, colors: [chart.yellow, chart.green] },
      format: axis,
    }),
    "",
    latencyCaption(last),
    latency,
    "",
    ...told,
  ].join("\n");
}

/** Steps of the axis: the alert's line is a multiple of each, or the other way round. */
const stepsMs = [50, 100, 125, 250, 500, 1_000, 2_000, 5_000, 10_000] as const;

/** With a line where the alert begins. At most so many rows above the axis. */
function latencyChart(p95sMs: readonly number[], rowsMax: number): string {
  const topMs = Math.max(1.2 * thresholds.slowMs, ...p95sMs);
  const stepMs = stepsMs.find((step) => step * rowsMax >= topMs) ?? topMs / rowsMax;
  const height = Math.ceil(topMs / stepMs);
  return chart.plot([p95sMs.map(() => thresholds.slowMs), p95sMs], {
    ...{ min: 0, max: stepMs * height, height, colors: [chart.darkgray, chart.cyan] },
    format: axis,
  });
}

const axis = (value: number): string => String(Math.round(value)).padStart(axisColumns - 2);

function capacityCaption({ target, inService, pending, leaving }: Sample): string {
  return [
    colors.bold("servers"),
    colors.yellow(`target ${target}`),
    colors.green(`in service ${inService}`),
    ...(pending > 0 ? [`coming ${pending}`] : []),
    ...(leaving > 0 ? [`leaving ${leaving}`] : []),
  ].join("  ");
}

function latencyCaption({ p95Ms, users, answeredPerS, failed, verdict }: Sample): string {
  const says = verdict === "slow" ? colors.red(`${verdict}, alert`) : verdict;
  return [
    colors.bold("latency"),
    colors.cyan(`p95 ${millis(p95Ms)}`),
    `${users} users, ${answeredPerS} requests/s${failed > 0 ? `, ${failed} failed` : ""}`,
    `monitor: ${says}`,
  ].join("  ");
}
