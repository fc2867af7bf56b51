import { Fault } from "../../core/errors/fault.js";
import type { GroupKey, PolicyId, WebhookId } from "../../core/model/ids.js";
import type { Policy } from "../../core/model/policy.js";
import { type Webhook, type WebhookRef, webhookText } from "../../core/model/webhook.js";
import { objectLimits } from "../api.js";
import type { Context } from "../context.js";
import { checkGeneration, type GroupEntry } from "../group-book.js";
import { pageById } from "../page-by-id.js";
import { groupIn, liveGroup } from "../placements/ensure.js";
import { groupOfHint, webhookIndex } from "../placements/hints.js";
import type { FoundWebhook, WebhookUseCases } from "../webhooks.js";

export function createWebhookUseCases(context: Context): WebhookUseCases {
  const { groups, clock, ids, log, store } = context;

  return {
    async create({ key, policy: id, webhook: wanted, spec, tokenHash }, { principal, signal }) {
      const webhook = wanted ?? (`h-${ids.next()}` as WebhookId);
      const nowMs = clock.nowMs();
      const uid = ids.next();
      const made = await groups.change(
        key,
        (entry) => {
          const policy = policyOf(entry, key, id);
          const token = { tokenHash, tokenSetAtMs: nowMs, tokenSetBy: principal };
          const own = { id: webhook, uid, policy: id, policyUid: policy.uid, generation: 1 };
          const next: Webhook = { ...own, createdAtMs: nowMs, ...spec, ...token };
          if (entry.webhooks.has(webhookText(next)))
            throw new Fault("WEBHOOK_EXISTS", { say: `there is a webhook ${webhook} already` });
          checkRoom(entry, id);
          return { change: { webhooks: [next] }, reply: next };
        },
        signal,
      );
      log.info({ ...key, policy: id, webhook, principal }, "webhook created");
      return made;
    },
    async get({ key, policy, webhook }, { signal }) {
      return webhookOf(await liveGroup(context, key, signal), { key, policy, webhook });
    },
    async list({ key, policy, ...page }, { signal }) {
      const entry = await liveGroup(context, key, signal);
      policyOf(entry, key, policy);
      const own = [...entry.webhooks.values()].filter((one) => one.policy === policy);
      return pageById(own, page);
    },
    async delete({ expectedGeneration, ...ref }, { principal, signal }) {
      await groups.change(
        ref.key,
        (entry) => {
          const before = webhookOf(entry, ref);
          checkGeneration(before, expectedGeneration);
          return { change: { webhooksGone: [before] }, reply: undefined };
        },
        signal,
      );
      const { key, policy, webhook } = ref;
      log.info({ ...key, policy, webhook, principal }, "webhook deleted");
    },
    async rotate({ tokenHash, ...ref }, { principal, signal }) {
      const token = { tokenHash, tokenSetAtMs: clock.nowMs(), tokenSetBy: principal };
      const rotated = await groups.change(
        ref.key,
        (entry) => {
          const before = webhookOf(entry, ref);
          const next = { ...before, ...token, generation: before.generation + 1 };
          return { change: { webhooks: [next] }, reply: next };
        },
        signal,
      );
      const { key, policy, webhook } = ref;
      log.info({ ...key, policy, webhook, principal }, "webhook rotated");
      return rotated;
    },
    async find(tokenHash, { signal }) {
      const index = webhookIndex(tokenHash);
      // The hash is the only key that begins with all of it but its last character.
      const page = { index, afterKey: tokenHash.slice(0, -1), hintsMax: 1 };
      const [hint] = await store.listHints(page, { signal });
      if (hint?.key !== tokenHash) return undefined;
      const key = groupOfHint(hint);
      // A hint that no entry bears out may be younger than what this node knows of the group.
      return (
        holderOf(await groups.get(key, signal), key, tokenHash) ??
        holderOf(await groups.refresh(key, signal), key, tokenHash)
      );
    },
  };
}

function holderOf(entry: GroupEntry, key: GroupKey, tokenHash: string): FoundWebhook | undefined {
  if (!entry.group) return undefined;
  const webhook = [...entry.webhooks.values()].find((one) => one.tokenHash === tokenHash);
  return webhook && isOfPolicy(entry, webhook) ? { key, webhook } : undefined;
}

function isOfPolicy({ policies }: GroupEntry, { policy, policyUid }: Webhook): boolean {
  return policies.get(policy)?.uid === policyUid;
}

function policyOf(entry: GroupEntry, key: GroupKey, id: PolicyId): Policy {
  groupIn(entry, key);
  const policy = entry.policies.get(id);
  if (policy) return policy;
  throw new Fault("POLICY_NOT_FOUND", { say: `there is no policy ${id}` });
}

function webhookOf(entry: GroupEntry, { key, policy, webhook: id }: WebhookRef): Webhook {
  policyOf(entry, key, policy);
  const webhook = entry.webhooks.get(webhookText({ policy, id }));
  if (webhook && isOfPolicy(entry, webhook)) return webhook;
  throw new Fault("WEBHOOK_NOT_FOUND", { say: `there is no webhook ${id}` });
}

function checkRoom({ webhooks }: GroupEntry, policy: PolicyId): void {
  const { webhooksPerPolicyMax: max } = objectLimits;
  const own = [...webhooks.values()].filter((one) => one.policy === policy);
  if (own.length < max) return;
  const facts = { subject: `policies/${policy}`, webhooksMax: String(max) };
  throw new Fault("LIMIT_EXCEEDED", { say: `a policy has at most ${max} webhooks`, facts });
}
