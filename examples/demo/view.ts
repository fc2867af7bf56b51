import type { Capacity } from "./group.js";
import type { MusterEvent } from "./history.js";
import type { LoadNow } from "./load.js";
import type { Verdict } from "./monitor.js";

/** Everything that is known at one moment. */
export interface Sample extends Capacity, LoadNow {
  /** Since the demo began. */
  readonly atMs: number;
  /** What the monitor makes of it. */
  readonly verdict: Verdict;
}

/** Where the demo tells its story. */
export interface View {
  /** A new chapter begins. */
  chapter(text: string): void;
  /** Once a second. */
  sample(sample: Sample): void;
  event(event: MusterEvent): void;
  problem(text: string): void;
  /** The last word, and what to do next. */
  end(outcome: Outcome): void;
}

export interface Outcome {
  readonly summary: Summary;
  /** Lines for people; none when nothing is left running. */
  readonly next: readonly string[];
}

/** What came of it; `null` where the demo did not get so far. */
export interface Summary {
  readonly ok: boolean;
  /** Servers in service before the load, at most, and after it. */
  readonly start: number | null;
  readonly peak: number;
  readonly end: number | null;
  /** Processes that were left when everything had been stopped. */
  readonly left: number;
  readonly events: number;
  /** As the users saw it, through the proxy. */
  readonly p95Ms: {
    readonly calm: number | null;
    readonly loaded: number | null;
    readonly scaled: number | null;
  };
}

const dull: ReadonlySet<string> = new Set([
  "server.intended",
  "server.building",
  "server.active",
  "server.deleting",
  "member.added",
  "member.removed",
  "alert.reported",
  "group.condition",
]);

/** Events that a person wants to see; the others are steps in between. */
export function isTelling(event: MusterEvent): boolean {
  if (dull.has(event.type)) return false;
  const changed = event.receipt === undefined || event.receipt.causes.length === 0;
  return changed || event.receipt?.oldTarget !== event.receipt?.newTarget;
}

const serverDigits = 6;

/** With the end of the server's id, which is what tells servers apart. */
export function eventWords({ type, server, message, facts, receipt }: MusterEvent): string {
  if (receipt !== undefined && facts["policy"] !== undefined) {
    const why = receipt.causes.map((cause) => cause.message).join(" ");
    return `policy ${facts["policy"]} (${facts["source"]}): ${why}`;
  }
  const who = server === "" ? "" : ` ${server.slice(-serverDigits)}`;
  return `${type}${who}: ${message}`;
}

export const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;

export const millis = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? "-" : `${ms.toLocaleString("en")} ms`;

/** What came of it, in a few lines for people. */
export function summaryLines(summary: Summary): readonly string[] {
  const { ok, start, peak, end, left, events, p95Ms } = summary;
  const { calm, loaded, scaled } = p95Ms;
  return [
    `servers    ${start ?? "-"} at the start, ${peak} at the peak, ${end ?? "-"} at the end`,
    `p95        ${millis(calm)} calm, ${millis(loaded)} loaded, ${millis(scaled)} scaled out`,
    `events     ${events}`,
    `left       ${leftWords(left, ok)}`,
  ];
}

/** A demo that is fine although something is left was asked to keep it. */
function leftWords(left: number, ok: boolean): string {
  if (left === 0) return "no process of the demo is left";
  return ok ? `${left} processes run on, as asked` : `${left} processes`;
}
