import type { MusterEvent } from "../model/event.js";
import type { PolicyId } from "../model/ids.js";
import type { AlertState } from "../model/policy.js";
import type { Force, ScaleAsk, ScaleEvent } from "../model/scale-event.js";
import type { SimulatedEvent } from "../model/simulation.js";

/** What a group's history tells that was asked of it. */
export interface Recorded {
  readonly events: readonly SimulatedEvent[];
  /** Decisions that do not tell what was asked: those of an earlier version. */
  readonly skipped: number;
  /** The targets that there were. */
  readonly targets: readonly { readonly atMs: number; readonly target: number }[];
  readonly firstTarget: number | undefined;
}

/**
 * Reads recorded decisions, in order, as what is to be decided again. Circling back and schedules
 * are left out: they follow by themselves. A value that target tracking goes by was an average over
 * the servers of its time.
 */
export function readRecorded(
  history: readonly MusterEvent[],
  { isTracking }: { readonly isTracking: (policy: PolicyId) => boolean },
): Recorded {
  const events: SimulatedEvent[] = [];
  const targets: { atMs: number; target: number }[] = [];
  let skipped = 0;
  for (const { facts, receipt } of history) {
    if (!receipt) continue;
    const { atMs, oldTarget, newTarget } = receipt;
    if (targets.at(-1)?.target !== newTarget) targets.push({ atMs, target: newTarget });
    const source = facts["source"] as ScaleEvent["source"];
    if (source === "circleBack" || source === "schedule") continue;
    const ask = askedBy(facts);
    if (!ask) {
      skipped++;
      continue;
    }
    const isShared = ask.kind === "alert" && ask.value !== undefined && isTracking(ask.policy);
    const force = forceOf(receipt);
    events.push({
      ...{ atMs, source, ask },
      ...(force && { force }),
      ...(isShared && { ofServers: oldTarget }),
    });
  }
  return { events, skipped, targets, firstTarget: history[0]?.receipt?.oldTarget };
}

/** What was asked, by the facts of the event that tells of it; undefined where they do not. */
export function askedBy(facts: MusterEvent["facts"]): ScaleAsk | undefined {
  const { ask, policy, key, state, value, askedTarget, askedChange } = facts;
  switch (ask) {
    case "target":
      return typeof askedTarget === "number" ? { kind: ask, target: askedTarget } : undefined;
    case "change":
      return typeof askedChange === "number" ? { kind: ask, change: askedChange } : undefined;
    case "policy":
      return { kind: ask, policy: policy as PolicyId };
    case "alert": {
      const about = { policy: policy as PolicyId, key: String(key), state: state as AlertState };
      return { kind: ask, ...about, ...(typeof value === "number" && { value }) };
    }
    default:
      return undefined;
  }
}

function forceOf({ atMs, causes }: NonNullable<MusterEvent["receipt"]>): Force | undefined {
  const { reason, lastsMs } = causes.find(({ code }) => code === "FORCED")?.facts ?? {};
  return reason === undefined
    ? undefined
    : { reason: String(reason), expiresAtMs: atMs + Number(lastsMs) };
}
