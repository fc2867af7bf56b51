import { Fault, invalidFields } from "../../core/errors/fault.js";
import type { GroupKey, PolicyId } from "../../core/model/ids.js";
import { type Policy, queryOf } from "../../core/model/policy.js";
import type { Journal } from "../../core/ports/journal.js";
import { objectLimits, type PolicySpec, type PolicyUseCases } from "../api.js";
import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import { checkGeneration } from "../group-book.js";
import { pageById } from "../page-by-id.js";
import { groupIn, leadOf, liveGroup, placementsOf, wakePlacements } from "../placements/ensure.js";
import { forgetPolicies } from "../placements/forget-policies.js";
import { createSimulatePolicy } from "./simulate-policy.js";

export function createPolicyUseCases(
  context: Context,
  {
    measures,
    journal,
  }: {
    readonly measures: boolean;
    /** What simulations read. */
    readonly journal: Pick<Journal, "search">;
  },
): PolicyUseCases {
  const { groups, clock, ids } = context;

  function tellOfQueries(key: GroupKey, ...changed: readonly Policy[]): void {
    if (changed.some((one) => queryOf(one) !== undefined)) wakePlacements(context, key);
  }

  return {
    simulate: createSimulatePolicy(context, journal),
    async create({ key, policy: wanted, spec }, { signal }) {
      await liveGroup(context, key, signal);
      checkQuery(spec, measures);
      const id = wanted ?? (`p-${ids.next()}` as PolicyId);
      const nowMs = clock.nowMs();
      const uid = ids.next();
      const made = await groups.change(
        key,
        (entry) => {
          groupIn(entry, key);
          if (entry.policies.has(id))
            throw new Fault("POLICY_EXISTS", { say: `there is a policy ${id} already` });
          checkRoom(entry, key);
          const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
          const policy: Policy = { ...spec, id, uid, generation: 1, ...times };
          return { change: { policies: [policy] }, reply: policy };
        },
        signal,
      );
      tellOfQueries(key, made);
      return made;
    },
    async get(key, policy, { signal }) {
      return policyOf(await liveGroup(context, key, signal), policy);
    },
    async list({ key, ...page }, { signal }) {
      const { policies } = await liveGroup(context, key, signal);
      return pageById(policies.values(), page);
    },
    async update({ key, policy, change, expectedGeneration }, { signal }) {
      const { before, next } = await groups.change(
        key,
        (entry) => {
          groupIn(entry, key);
          const before = policyOf(entry, policy);
          checkGeneration(before, expectedGeneration);
          const { id, uid, createdAtMs, generation } = before;
          const updatedAtMs = clock.nowMs();
          const edited = change(before);
          checkQuery(edited, measures);
          const next: Policy = {
            ...edited,
            id,
            uid,
            createdAtMs,
            updatedAtMs,
            generation: generation + 1,
          };
          return { change: { policies: [next] }, reply: { before, next } };
        },
        signal,
      );
      tellOfQueries(key, before, next);
      return next;
    },
    async delete({ key, policy, expectedGeneration }, { signal }) {
      const gone = await groups.change(
        key,
        (entry) => {
          groupIn(entry, key);
          const before = policyOf(entry, policy);
          checkGeneration(before, expectedGeneration);
          return { change: { policiesGone: [policy] }, reply: before };
        },
        signal,
      );
      tellOfQueries(key, gone);
      const { group, policies } = await groups.get(key, signal);
      if (!group || placementsOf(context, group).length === 0) return;
      const lead = context.placements.open(leadOf(context, group));
      await lead.change((state) => ({ change: forgetPolicies(state, policies), reply: undefined }));
    },
  };
}

/** A metric that nobody would ask for is told at once, not when it is missed. */
function checkQuery({ action, alert }: PolicySpec, measures: boolean): void {
  if (queryOf({ action }) === undefined) return;
  const wrong = (field: string, description: string) => invalidFields([{ field, description }]);
  if (!measures)
    throw wrong("target_tracking.query", "needs a `prometheus` in the configuration of Muster");
  if (alert.timeToLiveMs < measuredLiveMsMin)
    throw wrong("alert_rule.time_to_live", "must be at least 60 s where a query is asked");
}

/** What is measured twice a minute must not be worth less than until the next time. */
const measuredLiveMsMin = 60_000;

function policyOf(entry: Pick<GroupEntry, "policies">, id: PolicyId): Policy {
  const policy = entry.policies.get(id);
  if (policy) return policy;
  throw new Fault("POLICY_NOT_FOUND", { say: `there is no policy ${id}` });
}

function checkRoom(entry: GroupEntry, key: GroupKey): void {
  const { policiesPerGroupMax } = objectLimits;
  if (entry.policies.size < policiesPerGroupMax) return;
  throw new Fault("LIMIT_EXCEEDED", {
    say: `a group has at most ${policiesPerGroupMax} policies`,
    facts: { subject: `groups/${key.group}`, policiesMax: String(policiesPerGroupMax) },
  });
}
