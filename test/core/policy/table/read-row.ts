import type { PolicyId } from "../../../../src/core/model/ids.js";
import type { GroupMarks, PolicyMarks } from "../../../../src/core/model/placement.js";
import type { AlertMark, AlertState, Policy } from "../../../../src/core/model/policy.js";
import type { ScaleAsk, ScaleEvent } from "../../../../src/core/model/scale-event.js";
import type { DecideInput } from "../../../../src/core/policy/decision.js";
import {
  eventOf,
  inputOf,
  leadOf,
  markOf,
  placementOf,
  policyOf,
  seconds,
  t0,
  upId,
} from "../fixtures.js";
import { tracking } from "../lead.js";

export interface Row {
  readonly event: ScaleEvent;
  readonly input: DecideInput;
  readonly expected: string;
}

const sources = { hand: "manual", hook: "webhook", schedule: "schedule", circle: "circleBack" };

const actions: Readonly<Record<string, Policy["action"]>> = {
  high: {
    ...{ kind: "steps", threshold: 0.7 },
    steps: [
      { lower: 0, upper: 0.1, action: { kind: "change", change: 1 } },
      { lower: 0.1, action: { kind: "percent", partsPerMillion: 500_000 } },
    ],
  },
  low: {
    ...{ kind: "steps", threshold: 0.3 },
    steps: [
      { upper: 0, lower: -0.1, action: { kind: "change", change: -1 } },
      { upper: -0.1, action: { kind: "percent", partsPerMillion: -500_000 } },
    ],
  },
  track: tracking({ stabilisationMs: 0 }),
};

/**
 * One line of the table: `target/min..max | who asks for what | given | what comes of it`. Limits
 * that are not said are 0 to 100. Who: `target` and `scale` are the calls of these names, `hand`,
 * `hook`, `schedule`, `alert` and `circle` run a policy: `+2`, `-50%`, `=7`, `high` (steps from
 * 0.7), `low` (steps below 0.3) or `track` (0.5), the last three with the values that are reported.
 */
export function readRow(line: string): Row {
  const [base = "", ask = "", given = "", expected = ""] = line.split("|").map((one) => one.trim());
  const [target = 0, min = 0, max = 100] = base.split(/\/|\.\./).map(Number);
  const [who = "", what = "", ...more] = ask.split(" ");
  const facts = given === "" ? [] : given.split(", ");
  const values = more.map(Number).filter((one) => !Number.isNaN(one));
  const state = more.find((one) => ["ok", "warning", "critical", "unknown"].includes(one));
  const about = { who, what, value: values[0], state: (state ?? "critical") as AlertState };
  const paused = { sinceMs: t0, reason: "move", principal: "bob" };
  return {
    event: eventOf(askOf(about), { ...sourceOf(who), ...forceOf(facts) }),
    input: inputOf({
      policies: [policyOf({ action: actionOf(what), debounceMs: 0 })],
      placements: [placementOf({ target, min, max })],
      lead: leadOf({
        ...marksOf(facts),
        ...(facts.includes("paused") ? { paused } : {}),
        ...(facts.includes("alerts paused") ? { pausedProcesses: { alerts: paused } } : {}),
        ...(facts.includes("schedules paused") ? { pausedProcesses: { schedules: paused } } : {}),
        deleting: facts.includes("deleting"),
      }),
      alertMarks: [...earlierKeys(values.slice(1)), ...otherKey(facts)],
      unanswered: Number(facts.find((one) => one.startsWith("unanswered"))?.split(" ")[1] ?? 0),
    }),
    expected,
  };
}

interface About {
  readonly who: string;
  readonly what: string;
  readonly value: number | undefined;
  readonly state: AlertState;
}

function actionOf(what: string): Policy["action"] {
  const known = actions[what];
  if (known) return known;
  if (what.endsWith("%"))
    return { kind: "percent", partsPerMillion: Math.round(Number.parseFloat(what) * 10_000) };
  if (what.startsWith("=")) return { kind: "exact", capacity: Number(what.slice(1)) };
  return { kind: "change", change: Number(what) };
}

function askOf({ who, what, value, state }: About): ScaleAsk {
  if (who === "target") return { kind: "target", target: Number(what) };
  if (who === "scale") return { kind: "change", change: Number(what) };
  if (who !== "alert") return { kind: "policy", policy: upId };
  const measured = value === undefined ? {} : { value };
  return { kind: "alert", policy: upId, key: "k0", state, ...measured };
}

function sourceOf(who: string): Partial<ScaleEvent> {
  const source = sources[who as keyof typeof sources] as ScaleEvent["source"] | undefined;
  return source === undefined ? {} : { source };
}

/** What other keys have reported just before. */
function earlierKeys(values: readonly number[]): readonly AlertMark[] {
  return values.map((value, index) => markOf("ok", { key: `k${index + 1}`, value }));
}

function otherKey(facts: readonly string[]): readonly AlertMark[] {
  const [, , state, ago = "0"] = facts.find((one) => one.startsWith("other"))?.split(" ") ?? [];
  if (state === undefined) return [];
  const atMs = t0 - seconds(Number.parseInt(ago, 10));
  return [markOf(state as AlertState, { key: "other", sinceMs: atMs, refreshedAtMs: atMs })];
}

function marksOf(facts: readonly string[]) {
  const groupMarks: Record<string, number> = {};
  const policyMarks: Record<string, number> = {};
  for (const fact of facts) {
    const [, whose, way, ago] = /^(group|policy|both) (out|in) (\d+)s$/.exec(fact) ?? [];
    if (way === undefined) continue;
    const mark = way === "out" ? "lastOutMs" : "lastInMs";
    if (whose !== "policy") groupMarks[mark] = t0 - seconds(Number(ago));
    if (whose !== "group") policyMarks[mark] = t0 - seconds(Number(ago));
  }
  return {
    groupMarks: groupMarks as GroupMarks,
    policyMarks: { [upId]: policyMarks as PolicyMarks } as Record<PolicyId, PolicyMarks>,
  };
}

function forceOf(facts: readonly string[]): Partial<ScaleEvent> {
  if (facts.includes("force over")) return { force: { reason: "late", expiresAtMs: t0 } };
  if (!facts.includes("force")) return {};
  return { force: { reason: "launch day", expiresAtMs: t0 + seconds(3_600) } };
}
