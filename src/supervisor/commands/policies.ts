import { Fault } from "../../core/errors/fault.js";
import type { GroupKey, PolicyId } from "../../core/model/ids.js";
import type { Policy } from "../../core/model/policy.js";
import { objectLimits, type PolicyUseCases } from "../api.js";
import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import { checkGeneration } from "../group-book.js";
import { pageById } from "../page-by-id.js";
import { leadOf, liveGroup, placementsOf } from "../placements/ensure.js";
import { forgetPolicies } from "../placements/forget-policies.js";

export function createPolicyUseCases(context: Context): PolicyUseCases {
  const { groups, clock, ids } = context;
  return {
    async create({ key, policy: wanted, spec }, { signal }) {
      await liveGroup(context, key, signal);
      const id = wanted ?? (`p-${ids.next()}` as PolicyId);
      const nowMs = clock.nowMs();
      const uid = ids.next();
      return groups.change(
        key,
        (entry) => {
          checkGroup(entry, key);
          if (entry.policies.has(id))
            throw new Fault("POLICY_EXISTS", { say: `there is a policy ${id} already` });
          checkRoom(entry, key);
          const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
          const policy: Policy = { ...spec, id, uid, generation: 1, ...times };
          return { change: { policies: [policy] }, reply: policy };
        },
        signal,
      );
    },
    async get(key, policy, { signal }) {
      return policyOf(await liveGroup(context, key, signal), policy);
    },
    async list({ key, ...page }, { signal }) {
      const { policies } = await liveGroup(context, key, signal);
      return pageById(policies.values(), page);
    },
    async update({ key, policy, change, expectedGeneration }, { signal }) {
      return groups.change(
        key,
        (entry) => {
          checkGroup(entry, key);
          const before = policyOf(entry, policy);
          checkGeneration(before, expectedGeneration);
          const { id, uid, createdAtMs, generation } = before;
          const updatedAtMs = clock.nowMs();
          const edited = change(before);
          const next: Policy = {
            ...edited,
            id,
            uid,
            createdAtMs,
            updatedAtMs,
            generation: generation + 1,
          };
          return { change: { policies: [next] }, reply: next };
        },
        signal,
      );
    },
    async delete({ key, policy, expectedGeneration }, { signal }) {
      await groups.change(
        key,
        (entry) => {
          checkGroup(entry, key);
          checkGeneration(policyOf(entry, policy), expectedGeneration);
          return { change: { policiesGone: [policy] }, reply: undefined };
        },
        signal,
      );
      const { group, policies } = await groups.get(key, signal);
      if (!group || placementsOf(context, group).length === 0) return;
      const lead = context.placements.open(leadOf(context, group));
      await lead.change((state) => ({ change: forgetPolicies(state, policies), reply: undefined }));
    },
  };
}

function checkGroup(entry: GroupEntry, key: GroupKey): void {
  if (!entry.group) throw new Fault("GROUP_NOT_FOUND", { say: `there is no group ${key.group}` });
}

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
