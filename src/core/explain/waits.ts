import type { Cause } from "../model/cause.js";
import type { MusterEvent } from "../model/event.js";
import type { ExplainedEvent, ExplainedWait } from "../model/explanation.js";
import type { PlacementDoc } from "../model/placement.js";

/** What keeps a placement from what was asked of it, as its conditions say, each reason once. */
export function waitsOf(doc: PlacementDoc, nowMs: number): readonly ExplainedWait[] {
  const waits = new Map<string, ExplainedWait>();
  const inTheWay = doc.conditions.filter(({ type, holds }) => holds && type !== "converged");
  const notYet = doc.conditions.filter(({ type, holds }) => !holds && type === "converged");
  // What holds tells more than that something is missing.
  const telling = inTheWay.length > 0 ? inTheWay : notYet;
  for (const { type, causes, sinceMs } of telling) {
    for (const cause of causes) {
      const text = JSON.stringify(cause);
      if (waits.has(text)) continue;
      const until = untilOf(cause, nowMs);
      waits.set(text, { colo: doc.key.colo, condition: type, cause, sinceMs, ...until });
    }
  }
  return [...waits.values()];
}

/** A decision that is held still waits, until it acted or its time has passed. */
export function heldWaits(
  nodes: readonly ExplainedEvent[],
  nowMs: number,
): readonly ExplainedWait[] {
  const acted = nodes.some(({ event }) => event.receipt?.outcome === "applied");
  const held = nodes.map(({ event }) => event).findLast(({ receipt }) => receipt !== undefined);
  if (acted || held?.receipt?.outcome !== "held") return [];
  const { retryAtMs, causes } = held.receipt;
  if (retryAtMs === undefined || retryAtMs <= nowMs) return [];
  return causes.map((cause) => heldWait(held, cause, retryAtMs));
}

function heldWait({ colo, atMs }: MusterEvent, cause: Cause, untilMs: number): ExplainedWait {
  return { colo, condition: "held", cause, sinceMs: atMs, untilMs };
}

function untilOf({ facts }: Cause, nowMs: number): { readonly untilMs?: number } {
  const instants = Object.entries(facts).flatMap(([name, value]) =>
    /(At|[uU]ntil)Ms$/.test(name) && typeof value === "number" && value > nowMs ? [value] : [],
  );
  return instants.length === 0 ? {} : { untilMs: Math.min(...instants) };
}
