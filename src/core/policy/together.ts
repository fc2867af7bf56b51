import { type Cause, cause } from "../model/cause.js";
import type { Policy } from "../model/policy.js";
import { readinessOf } from "./alerts.js";
import type { Case } from "./case.js";
import { coolsUntilMs } from "./cooldown.js";
import { ownAlertMarks, policyMarksOf } from "./marks.js";
import { measuredOf } from "./measured.js";
import { highestWithin } from "./recommended.js";
import type { Shape } from "./shape.js";
import { stands } from "./stands.js";
import { wishOf } from "./wish.js";

/** What another policy of the group wants at this moment, of the same base. */
interface Other {
  readonly policy: Policy;
  readonly wanted: number;
  /** It would act itself, if it were asked now. */
  readonly isReady: boolean;
  /** It goes by data that is missing now. */
  readonly isSilent: boolean;
}

/**
 * Of policies that want different capacities at once the largest is taken for scaling out, and for
 * scaling in the highest (decision 0024). It is about what monitors ask for: people, webhooks and
 * schedules are taken at their word.
 */
export const weighOthers: Shape = (one) => {
  if (one.via === "ask" || one.direction === undefined) return undefined;
  const others = one.input.policies.flatMap((policy) =>
    policy.id === one.policy?.id ? [] : wishesOf(policy, one),
  );
  return one.direction === "out" ? takeLargest(one, others) : takeHighest(one, others);
};

function takeLargest(one: Case, others: readonly Other[]): ReturnType<Shape> {
  const ready = others.filter(({ isReady }) => isReady);
  const largest = highestOf(ready);
  if (largest === undefined || largest.wanted <= one.wanted) return undefined;
  const causes = [told(one, "OTHER_WANTS_MORE", largest)];
  return { wanted: largest.wanted, causes, joined: largest.policy.id };
}

function takeHighest(one: Case, others: readonly Other[]): ReturnType<Shape> {
  const silent = others.find(({ isSilent }) => isSilent);
  if (silent) return { wanted: one.from, causes: [told(one, "OTHER_SILENT", silent)] };
  const highest = highestOf(others);
  if (highest === undefined || highest.wanted <= one.wanted) return undefined;
  const wanted = Math.min(one.from, highest.wanted);
  return { wanted, causes: [told(one, "OTHER_WANTS_MORE", highest)] };
}

function highestOf(others: readonly Other[]): Other | undefined {
  return others.reduce<Other | undefined>(
    (most, other) => (most === undefined || other.wanted > most.wanted ? other : most),
    undefined,
  );
}

function told(
  { wanted }: Case,
  code: "OTHER_WANTS_MORE" | "OTHER_SILENT",
  { policy, wanted: otherWanted }: Other,
): Cause {
  return cause("B3.5", code, { policy: policy.id, otherWanted, wanted });
}

/** None where the policy wants nothing now: its alert does not stand, nothing is measured. */
function wishesOf(policy: Policy, { input, from, marks }: Case): readonly Other[] {
  const { nowMs } = input;
  const own = ownAlertMarks(input.alertMarks, policy.id, nowMs);
  if (own.length === 0) return [];
  const isTracking = policy.action.kind === "tracking";
  if (!isTracking && !stands(policy, own, nowMs)) return [];
  const wish = wishOf(policy.action, { nowMs, from, alert: policy.alert, marks: own });
  const policyMarks = policyMarksOf(marks, policy.id);
  const common = { policy, isReady: false, isSilent: false };
  if (wish.isMissing) {
    const { silent } = measuredOf(own, policy.alert, nowMs);
    return silent === 0 ? [] : [{ ...common, wanted: from, isSilent: true }];
  }
  const cools = { direction: "out", nowMs, cooldownMs: policy.cooldownMs } as const;
  const isCool = coolsUntilMs({ ...cools, marks: policyMarks }) === undefined;
  if (policy.action.kind === "tracking") {
    // As recommended when it was measured: applied to a base that has moved since, an old value
    // would ask for the same servers twice.
    const { stabilisationMs: withinMs } = policy.action;
    const { recommended } = policyMarks;
    const newest = recommended?.highest.at(-1)?.servers ?? wish.wanted;
    const highest = recommended && highestWithin(recommended, { nowMs, withinMs });
    const lowest = Math.min(from, highest?.servers ?? 0);
    return [{ ...common, wanted: Math.max(newest, lowest), isReady: isCool }];
  }
  const ready = readinessOf(policyMarks, policy.alert);
  const isDue = (ready.kind === "hold" || ready.kind === "repeat") && nowMs >= ready.atMs;
  // Whoever is at its capacity, or has got what it asked for, still wants none to go.
  return [{ ...common, wanted: wish.wanted, isReady: isDue && isCool }];
}
