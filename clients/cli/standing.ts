import type { Condition, Group, PlacementStatus } from "../../src/gen/muster/v1/group_pb.js";
import { idOf } from "../node/index.js";
import { causeWords } from "./words.js";

/** How a group stands, summed over its placements. */
export interface Standing {
  readonly target: number;
  readonly inService: number;
  readonly pending: number;
  readonly leaving: number;
  /** Every placement says so of itself and has exactly its target in service. */
  readonly converged: boolean;
  readonly word: StandingWord;
}

export type StandingWord =
  | "deleting"
  | "paused"
  | "braked"
  | "degraded"
  | "held"
  | "converged"
  | "converging";

export function standingOf(group: Group): Standing {
  const placements = group.status?.placements ?? [];
  const sum = (of: (one: PlacementStatus) => number) =>
    placements.reduce((total, one) => total + of(one), 0);
  const converged =
    placements.length > 0 &&
    placements.every((one) => holds(one, "converged") && one.inService === one.target);
  return {
    target: sum((one) => one.target),
    inService: sum((one) => one.inService),
    pending: sum((one) => one.pending),
    leaving: sum((one) => one.leaving),
    converged,
    word: wordOf(group, converged),
  };
}

/** `web: 3 of 5 in service, 2 on their way; iad: waiting: B4.6 BACKOFF: …`. */
export function waitWords(group: Group): string {
  const { target, inService, pending, leaving } = standingOf(group);
  const counts = [
    `${inService} of ${target} in service`,
    ...(pending > 0 ? [`${pending} on their way`] : []),
    ...(leaving > 0 ? [`${leaving} on their way out`] : []),
  ];
  return [`${idOf(group.name)}: ${counts.join(", ")}`, ...reasonsOf(group)].join("; ");
}

function reasonsOf(group: Group): readonly string[] {
  return (group.status?.placements ?? []).flatMap((one) => {
    const reasons = one.conditions.filter(isInTheWay).map((each) => conditionWords(each));
    return reasons.map((reason) => `${one.colo}: ${reason}`);
  });
}

/**
 * `waiting: B4.2 BUILDING: two servers build`.
 *
 * @param told reasons that were told before, of the same placement; each is told once.
 */
export function conditionWords(condition: Condition, told = new Set<string>()): string {
  const isConverging = condition.type === "converged" && !condition.holds;
  const negated = isGood(condition) && !condition.holds ? `not ${condition.type}` : condition.type;
  const type = isConverging ? "converging" : negated;
  const causes = condition.causes.map(causeWords).join(", ");
  if (causes === "") return type;
  const isTold = told.has(causes);
  told.add(causes);
  return `${type}: ${isTold ? "as above" : causes}`;
}

/** Conditions that are wanted; every other is in the way while it holds. */
const isGood = ({ type }: Condition): boolean =>
  type === "converged" || type === "ready" || type === "healthy";

const isInTheWay = (condition: Condition): boolean =>
  isGood(condition)
    ? condition.type === "converged" && !condition.holds && condition.causes.length > 0
    : condition.holds;

/** What a person wants to read of: what is wrong, and whether the group has converged. */
export const isTold = (condition: Condition): boolean =>
  condition.type === "converged" || condition.holds !== isGood(condition);

const holds = (placement: PlacementStatus, type: string): boolean =>
  placement.conditions.some((one) => one.type === type && one.holds);

function wordOf(group: Group, converged: boolean): StandingWord {
  const placements = group.status?.placements ?? [];
  if (group.status?.deleting === true) return "deleting";
  if (placements.some((one) => one.pause !== undefined)) return "paused";
  const worst = (["braked", "degraded", "held"] as const).find((type) =>
    placements.some((one) => holds(one, type)),
  );
  return worst ?? (converged ? "converged" : "converging");
}
