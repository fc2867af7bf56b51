import { isFault } from "../../core/errors/fault.js";
import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { Cause } from "../../core/model/cause.js";
import type { Brake } from "../../core/model/colo.js";
import type { Group, PlacementSpec } from "../../core/model/group.js";
import type { GroupCheck, PlacementCheck } from "../../core/model/group-check.js";
import type { AccountId, ColoId, GroupKey, PlacementKey } from "../../core/model/ids.js";
import { type Asked, checkNowhere, checkPlacement } from "../../core/plan/check-group.js";
import type { Clock } from "../../core/ports/clock.js";
import type { GroupSpec, GroupUseCases } from "../api.js";
import type { Colo } from "../colo/colo.js";
import type { ReadLimit } from "../colo/outside.js";
import { groupIn } from "../placements/ensure.js";
import type { PlacementState } from "../placements/placement-state.js";

/**
 * All of a colo that a check needs: questions that change nothing, and what is known here. Like the
 * dry run it holds no actor, no queue and no way to a change (decision 0010).
 */
export interface CheckEyes {
  readonly problemsOf: Colo["outside"]["checkLaunch"];
  readonly quotaOf: Colo["outside"]["quota"];
  readonly projectNow: Colo["outside"]["project"];
  readonly membersOf: Colo["outside"]["listMembers"];
  /** As it stands on record; nothing is put there (B9.7). */
  readonly pinned: (account: string) => Promise<string | undefined>;
  readonly denied: Colo["credentials"]["refusal"];
  readonly brakes: () => readonly Brake[];
  readonly busy: () => readonly Cause[];
  readonly reportsPort: boolean;
  /** Undefined: the colo has no load balancers. */
  readonly checksHealth: boolean | undefined;
}

export function checkEyesOf(colo: Colo): CheckEyes {
  const { outside, credentials, brakes, admissions } = colo;
  return {
    problemsOf: (request, limit) => outside.checkLaunch(request, limit),
    quotaOf: (request, limit) => outside.quota(request, limit),
    projectNow: (account, limit) => outside.project(account, limit),
    membersOf: (ref, limit) => outside.listMembers(ref, limit),
    pinned: (account) => credentials.pinned(account),
    denied: (account) => credentials.refusal(account),
    brakes: () => brakes.inForce(),
    busy: () =>
      [admissions.cloud.busy(), admissions.loadBalancer.busy()].flatMap((one) => one ?? []),
    reportsPort: outside.cloud.reportsPort,
    checksHealth: outside.loadBalancer?.checksHealth,
  };
}

export interface CheckGroupDeps {
  readonly clock: Pick<Clock, "nowMs">;
  readonly groupOf: (key: GroupKey, signal: AbortSignal) => Promise<Group | undefined>;
  readonly stateOf: (key: PlacementKey, signal: AbortSignal) => Promise<PlacementState>;
  /** Undefined where the colo is not served here. */
  readonly eyesOf: (colo: ColoId) => CheckEyes | undefined;
}

/** Who does not answer by then could not be asked. Two in a row are within a call's default. */
const questionMsMax = 8_000;

/** Asks every colo of a group whether it is going to work there; changes nothing. */
export function createCheckGroup(deps: CheckGroupDeps): GroupUseCases["check"] {
  return async ({ key, spec: given }, { signal }): Promise<GroupCheck> => {
    const stored = await deps.groupOf(key, signal);
    const group = given ?? groupIn({ group: stored }, key);
    const checks = group.placements.map(async (spec, index): Promise<PlacementCheck> => {
      const eyes = deps.eyesOf(spec.colo);
      if (!eyes) return checkNowhere(group, spec, index);
      const placement = { ...key, colo: spec.colo };
      const state = stored && (await deps.stateOf(placement, signal));
      return look(deps, eyes, { account: key.account, group, spec, index, state, signal });
    });
    return { placements: await Promise.all(checks) };
  };
}

interface Subject {
  readonly account: AccountId;
  readonly group: GroupSpec;
  readonly spec: PlacementSpec;
  readonly index: number;
  readonly state: PlacementState | undefined;
  readonly signal: AbortSignal;
}

/** Everything is asked at once; only the quota waits for the project that it is asked of. */
async function look(deps: CheckGroupDeps, eyes: CheckEyes, subject: Subject) {
  const { account, group, spec, index, state, signal } = subject;
  const limit: ReadLimit = { deadlineMs: questionMsMax, signal };
  const launch = asked(eyes.problemsOf({ account, launch: group.launch }, limit));
  const pinned = asked(eyes.pinned(account));
  const hasBalancers = eyes.checksHealth !== undefined;
  const attachments = hasBalancers ? spec.attachments : [];
  const balancers = attachments.map(({ loadBalancer: id }) =>
    asked(eyes.membersOf({ account, id }, limit)),
  );
  const project = await asked(eyes.projectNow(account, limit));
  const answered = project.kind === "answered" ? project.value : undefined;
  const pin = answered === undefined ? {} : { project: answered };
  const quota = asked(eyes.quotaOf({ account, ...pin, launch: group.launch }, limit));
  const rows = [...(state?.servers.values() ?? [])];
  return checkPlacement({
    ...{ nowMs: deps.clock.nowMs(), group, spec, index, doc: state?.doc, project },
    servers: rows.filter(({ cloudId, state: at }) => cloudId !== undefined && at !== "gone").length,
    ...{ brakes: eyes.brakes(), busy: eyes.busy(), denied: eyes.denied(account) },
    ...{ reportsPort: eyes.reportsPort, checksHealth: eyes.checksHealth },
    ...{ pinned: await pinned, launch: await launch, quota: await quota },
    balancers: await Promise.all(balancers),
  });
}

/** Never rejects: what was thrown is the answer that nobody gave. */
async function asked<Value>(work: Promise<Value>): Promise<Asked<Value>> {
  try {
    return { kind: "answered", value: await work };
  } catch (error) {
    const { kind, message } = outsideFaultOf(error);
    const isStore = isFault(error, "STORE_UNAVAILABLE");
    return { kind: "failed", fault: { kind: isStore ? "temporary" : kind, message } };
  }
}
