import type { Summary } from "./view.js";

/** What the demo found out; what it did not get to is missing. */
export interface Findings {
  readonly start?: number;
  readonly end?: number;
  readonly calmMs?: number | undefined;
  readonly loadedMs?: number | undefined;
  readonly scaledMs?: number | undefined;
}

export interface Circumstances {
  /** Whether the story was told to its end; one that broke off is judged by how it cleaned up. */
  readonly finished: boolean;
  readonly kept: boolean;
  /** What the event stream lacked. */
  readonly gaps: readonly string[];
}

/** What must be true of a demo that went well. Returns what is not. */
export function findFlaws(
  summary: Omit<Summary, "ok">,
  { finished, kept, gaps }: Circumstances,
): readonly string[] {
  const { left } = summary;
  return [
    ...(finished ? findStoryFlaws(summary) : []),
    ...(left === 0 || kept ? [] : [`${left} processes were left`]),
    ...gaps.map((gap) => `the event stream has a gap: ${gap}`),
  ];
}

function findStoryFlaws({ start, peak, end, p95Ms }: Omit<Summary, "ok">): readonly string[] {
  const { loaded, scaled } = p95Ms;
  const grew = start !== null && peak > start;
  const fell = loaded !== null && scaled !== null && scaled < loaded;
  return [
    ...(grew ? [] : [`the group did not grow: ${start ?? "none"} at the start, ${peak} at most`]),
    ...(end !== null && end === start ? [] : [`the group did not come back to ${start}: ${end}`]),
    ...(fell ? [] : [`scaling out did not help: p95 ${loaded} ms before it, ${scaled} ms after`]),
  ];
}
