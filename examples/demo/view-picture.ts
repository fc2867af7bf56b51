import type { WriteStream } from "node:tty";
import chart from "asciichart";
import { createLogUpdate } from "log-update";
import colors from "picocolors";
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
/** Lines that are not chart: title, two captions, state, blanks. */
const fixedLines = 9;
const axisColumns = 9;

interface Moment {
  readonly atMs: number;
  readonly text: string;
}

/** Draws capacity and latency over time, in place, with the latest events below. */
export function createPicture(out: WriteStream): View {
  const update = createLogUpdate(out);
  let chapter = "";
  let samples: readonly Sample[] = [];
  let events: readonly Moment[] = [];

  const atMs = () => samples.at(-1)?.atMs ?? 0;
  const draw = () => {
    const columns = Math.max(40, out.columns);
    const rows = Math.max(20, out.rows ?? 24);
    update(picture({ chapter, samples, events, columns, rows }));
  };
  const keep = (text: string) => update.persist(text);
  return {
    chapter(text) {
      chapter = text;
      draw();
    },
    sample(sample) {
      samples = [...samples, sample];
      draw();
    },
    event(event) {
      if (!isTelling(event)) return;
      events = [...events, { atMs: atMs(), text: eventWords(event) }].slice(-eventsMax);
      draw();
    },
    say: keep,
    problem: (text) => keep(colors.red(text)),
    end(summary) {
      draw();
      update.done();
      const verdict = summary.ok ? colors.green("ok") : colors.red("NOT OK");
      out.write(`\n${summaryLines(summary).join("\n")}\n${verdict}\n`);
    },
  };
}

interface Scene {
  readonly chapter: string;
  readonly samples: readonly Sample[];
  readonly events: readonly Moment[];
  readonly columns: number;
  readonly rows: number;
}

function picture({ chapter, samples, events, columns, rows }: Scene): string {
  const last = samples.at(-1);
  if (last === undefined) return `${colors.bold("Muster")}  ${chapter}`;
  const shown = samples.slice(-(columns - axisColumns - 1));
  const chartRows = Math.min(8, Math.floor((rows - fixedLines) / 3));
  const eventRows = Math.max(2, rows - fixedLines - 2 * (chartRows + 1));
  const p95s = shown.map((sample) => sample.p95Ms ?? 0);
  const told = events.slice(-eventRows).map(({ atMs, text }) => {
    return `${colors.dim(seconds(atMs).padStart(5))}  ${text.slice(0, columns - 8)}`;
  });
  return [
    `${colors.bold("Muster")}  ${seconds(last.atMs).padStart(5)}  ${colors.bold(chapter)}`,
    "",
    capacityCaption(last),
    chart.plot([shown.map(({ target }) => target), shown.map(({ inService }) => inService)], {
      ...{ min: 0, max: group.max, height: chartRows, colors: [chart.yellow, chart.green] },
      format: axis,
    }),
    latencyCaption(last),
    chart.plot([p95s], {
      ...{ min: 0, max: Math.max(thresholds.slowMs, ...p95s), height: chartRows },
      ...{ colors: [chart.cyan], format: axis },
    }),
    "",
    ...told,
  ].join("\n");
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
