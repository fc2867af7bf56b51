import type { PolicyId } from "../model/ids.js";
import type { CooldownMarks, GroupMarks, PolicyMarks } from "../model/placement.js";
import type { AlertMark } from "../model/policy.js";
import { type LeadMarks, policyMarksOf } from "./marks.js";

/** What a placement that led remembers of alerts, for the one that leads again. */
export interface LedMarks {
  readonly marks: LeadMarks;
  readonly alerts: readonly AlertMark[];
}

/**
 * The marks of a lead with those of a placement that led while it could not (B11.2): whatever was
 * decided last starts cooldowns, and a policy that acts on its state goes on from where it was. Of
 * one that both hold to be in its state the lead's own stay counts.
 */
export function joinMarks(own: LeadMarks, other: LeadMarks): LeadMarks {
  const policies = Object.keys(other.policyMarks) as PolicyId[];
  const joined = policies.map((id) => {
    const [mine, theirs] = [policyMarksOf(own, id), policyMarksOf(other, id)];
    return [id, { ...stayOf(mine, theirs), ...latest(mine, theirs) }] as const;
  });
  return {
    groupMarks: joinGroup(own.groupMarks, other.groupMarks),
    policyMarks: { ...own.policyMarks, ...Object.fromEntries(joined) },
  };
}

function stayOf(own: PolicyMarks, other: PolicyMarks): PolicyMarks {
  if (own.enteredAtMs !== undefined) return own;
  const { windows: _windows, ...stay } = other;
  return { ...stay, ...own };
}

/** What both took counts against the group's limit on scaling in. */
function joinGroup(own: GroupMarks, other: GroupMarks): GroupMarks {
  const removals = [...(own.removals ?? []), ...(other.removals ?? [])];
  const inOrder = removals.toSorted((a, b) => a.atMs - b.atMs);
  const counted = inOrder.length === 0 ? {} : { removals: inOrder };
  return { ...other, ...own, ...counted, ...latest(own, other) };
}

function latest(own: CooldownMarks, other: CooldownMarks): CooldownMarks {
  const later = (name: keyof CooldownMarks): CooldownMarks => {
    const [mine = 0, theirs = 0] = [own[name], other[name]];
    return Math.max(mine, theirs) > 0 ? { [name]: Math.max(mine, theirs) } : {};
  };
  return { ...later("lastOutMs"), ...later("lastInMs") };
}
