import type { EventType, MusterEvent } from "../model/event.js";
import type { ExplainedEvent, ExplainedFigures, ExplainedWait } from "../model/explanation.js";
import { sayCause } from "../model/say-cause.js";
import { sayDuration } from "../model/say-duration.js";

/** What the tree comes to, in numbers. Servers are counted once, whatever happened to them. */
export function figuresOf(nodes: readonly ExplainedEvent[]): ExplainedFigures {
  const arrivedMs = nodes[0]?.event.atMs ?? 0;
  const of = (...types: readonly EventType[]) => {
    const found = nodes.map(({ event }) => event).filter(({ type }) => types.includes(type));
    const afterMs = found.map(({ atMs }) => Math.max(0, atMs - arrivedMs));
    return { count: new Set(found.map((one) => one.server ?? one.id)).size, afterMs };
  };
  const served = of("server.in_service");
  const gone = of("server.gone");
  const times = {
    firstInServiceAfterMs: least(served.afterMs),
    lastInServiceAfterMs: most(served.afterMs),
    lastGoneAfterMs: most(gone.afterMs),
  };
  return {
    wanted: of("server.intended").count,
    inService: served.count,
    failed: of("server.failed", "server.abandoned").count,
    lost: of("server.lost").count,
    left: of("server.draining", "server.deleting").count,
    gone: gone.count,
    ...Object.fromEntries(Object.entries(times).filter(([, ms]) => ms !== undefined)),
  };
}

function least(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((a, b) => Math.min(a, b));
}

function most(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((a, b) => Math.max(a, b));
}

export interface Summarised {
  readonly nodes: readonly ExplainedEvent[];
  readonly figures: ExplainedFigures;
  readonly waits: readonly ExplainedWait[];
  readonly supersededBy?: string;
  /** The placements that it moved last have what was asked for. */
  readonly settled: boolean;
  readonly nowMs: number;
}

/** The explanation in a few sentences, the most important first. */
export function summarise(of: Summarised): readonly string[] {
  const root = of.nodes[0]?.event;
  if (!root) return [];
  return [
    askedLine(root),
    ...outcomeLines(root),
    ...laterDecisions(of.nodes),
    ...serverLines(of.figures),
    ...endLines(of, root),
  ];
}

function askedLine(root: MusterEvent): string {
  const what = root.receipt ? root.message.split(": ")[0]! : root.message.replace(/\.$/, "");
  const by = root.principal ? `, by ${root.principal}` : "";
  return `${what}${by}, at ${new Date(root.atMs).toISOString()}.`;
}

function outcomeLines({ receipt }: MusterEvent): readonly string[] {
  if (!receipt) return [];
  const { outcome, oldTarget, newTarget, causes } = receipt;
  const moved =
    oldTarget === newTarget
      ? `the target stays ${oldTarget}`
      : `the target goes from ${oldTarget} to ${newTarget}`;
  const words = { ...outcomeWords } as Readonly<Record<string, string>>;
  return [
    `${words[outcome] ?? outcome}: ${moved}.`,
    ...causes.map((one) => `${one.rule} ${one.code}: ${sayCause(one)}`),
  ];
}

const outcomeWords = {
  applied: "Applied",
  merged: "Merged into an earlier event",
  noChange: "No change",
  refused: "Refused",
  held: "Held",
} as const;

/** What circled back, or was tried again once a hold was over. */
function laterDecisions(nodes: readonly ExplainedEvent[]): readonly string[] {
  const later = nodes.slice(1).flatMap(({ event }) => event.receipt ?? []);
  if (later.length === 0) return [];
  const acted = later.filter((one) => one.outcome === "applied");
  const last = acted.at(-1);
  const to = last ? `, the last to a target of ${last.newTarget}` : "";
  return [`It came back ${times(later.length)}: ${acted.length} acted${to}.`];
}

function serverLines(figures: ExplainedFigures): readonly string[] {
  const { wanted, inService, failed, lost, left, gone } = figures;
  const { firstInServiceAfterMs: first, lastInServiceAfterMs: last, lastGoneAfterMs } = figures;
  const lines: string[] = [];
  if (wanted > 0 || inService > 0) {
    const when =
      first === undefined || last === undefined
        ? ""
        : first === last
          ? `, after ${sayLapse(last)}`
          : `: the first after ${sayLapse(first)}, the last after ${sayLapse(last)}`;
    lines.push(`${servers(wanted)} asked for, ${inService} came into service${when}.`);
  }
  if (failed > 0) lines.push(`${plainly(failed)} failed on the way or had to be given up.`);
  if (lost > 0) lines.push(`${plainly(lost)} vanished from the cloud.`);
  if (left > 0) {
    const when =
      lastGoneAfterMs === undefined ? "" : `, the last after ${sayLapse(lastGoneAfterMs)}`;
    lines.push(`${servers(left)} told to leave, ${gone} gone as the cloud confirms${when}.`);
  }
  return lines;
}

function endLines(of: Summarised, root: MusterEvent): readonly string[] {
  const { waits, nowMs, settled, supersededBy } = of;
  const lines = waits.map(({ colo, cause, sinceMs, untilMs }) => {
    const since = `since ${sayDuration(Math.max(0, nowMs - sinceMs))}`;
    const until = untilMs === undefined ? "" : `, until ${new Date(untilMs).toISOString()}`;
    const why = sayCause(cause).replace(/\.$/, "");
    return `Waiting in ${colo}: ${cause.rule} ${cause.code}: ${why} (${since}${until}).`;
  });
  if (supersededBy !== undefined)
    return [...lines, `A later event has moved the target since: ${supersededBy}.`];
  if (!settled || waits.length > 0) return lines;
  const lastMs = of.nodes.reduce((ms, { event }) => Math.max(ms, event.atMs), root.atMs);
  return [`All of it is done, after ${sayLapse(lastMs - root.atMs)}.`];
}

function servers(count: number): string {
  return count === 1 ? "1 server was" : `${count} servers were`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function plainly(count: number): string {
  return count === 1 ? "1 server" : `${count} servers`;
}

/** What has passed is told as it was; what is to come is rounded up, as `sayDuration` does. */
function sayLapse(ms: number): string {
  return ms < 1_000 || ms >= 99_950 ? sayDuration(ms) : `${(ms / 1_000).toFixed(1)} s`;
}
