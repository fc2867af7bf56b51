import type { Writable } from "node:stream";
import {
  eventWords,
  isTelling,
  millis,
  type Sample,
  seconds,
  summaryLines,
  type View,
} from "./view.js";

/** Plain lines, where nobody watches a terminal. */
export function createLineView(out: Writable): View {
  let atMs = 0;
  const line = (text: string) => void out.write(`${seconds(atMs).padStart(5)}  ${text}\n`);
  return {
    chapter: (text) => line(`== ${text}`),
    sample(sample) {
      atMs = sample.atMs;
      line(sampleWords(sample));
    },
    event: (event) => {
      if (isTelling(event)) line(`   ${eventWords(event)}`);
    },
    problem: (text) => void out.write(`PROBLEM: ${text}\n`),
    end({ summary, next }) {
      const verdict = summary.ok ? "ok" : "NOT OK";
      out.write(`\n${[...summaryLines(summary), verdict, ...next].join("\n")}\n`);
    },
  };
}

function sampleWords(sample: Sample): string {
  const { target, inService, pending, leaving, users, p95Ms, answeredPerS, verdict } = sample;
  const moving = [pending && `${pending} coming`, leaving && `${leaving} leaving`]
    .filter((text) => text !== 0)
    .join(", ");
  const servers = `servers ${inService} of ${target}${moving && ` (${moving})`}`;
  const load = `users ${String(users).padStart(2)}  ${String(answeredPerS).padStart(3)}/s`;
  return `${servers.padEnd(34)} ${load}  p95 ${millis(p95Ms).padStart(8)}  monitor: ${verdict}`;
}

/** One JSON object a line, the last of which is the summary. */
export function createJsonView(out: Writable): View {
  const line = (value: object) => void out.write(`${JSON.stringify(value)}\n`);
  return {
    chapter: (text) => line({ type: "chapter", text }),
    sample: (sample) => line({ type: "sample", ...sample }),
    event: ({ type, sequence, time, server, message, facts }) => {
      const atMs = Number(time?.seconds ?? 0n) * 1_000 + Math.floor((time?.nanos ?? 0) / 1e6);
      const of = { event: type, sequence: Number(sequence), time: new Date(atMs).toISOString() };
      line({ type: "event", ...of, ...(server && { server }), message, facts });
    },
    problem: (text) => line({ type: "problem", text }),
    end({ summary, next }) {
      for (const text of next) line({ type: "next", text });
      line(summary);
    },
  };
}
