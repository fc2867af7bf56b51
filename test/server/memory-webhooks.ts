import { Fault } from "../../src/core/errors/fault.js";
import { type Webhook, type WebhookRef, webhookText } from "../../src/core/model/webhook.js";
import type { Clock } from "../../src/core/ports/clock.js";
import type { Supervisor } from "../../src/supervisor/api.js";
import type { NotifierUseCases } from "../../src/supervisor/notifiers.js";
import type { FoundWebhook, WebhookUseCases } from "../../src/supervisor/webhooks.js";

/** Webhooks over a map, of policies that the other use cases know. */
export function createWebhooks(
  clock: Clock,
  { get }: Pick<Supervisor["policies"], "get">,
): WebhookUseCases {
  const all = new Map<string, FoundWebhook>();
  const nameOf = ({ key, policy, webhook }: WebhookRef) =>
    `${key.account}/${key.group}/${webhookText({ policy, id: webhook })}`;
  const held = async (ref: WebhookRef): Promise<Webhook> => {
    const found = all.get(nameOf(ref))?.webhook;
    if (found) return found;
    throw new Fault("WEBHOOK_NOT_FOUND", { say: "no such webhook in the memory" });
  };
  return {
    async create({ key, policy, webhook = "h1" as never, spec, tokenHash }, caller) {
      const { uid: policyUid } = await get(key, policy, caller);
      const name = nameOf({ key, policy, webhook });
      if (all.has(name)) throw new Fault("WEBHOOK_EXISTS", { say: `${webhook} exists` });
      const nowMs = clock.nowMs();
      const token = { tokenHash, tokenSetAtMs: nowMs, tokenSetBy: caller.principal };
      const own = { id: webhook, uid: `uid-${all.size}`, policy, policyUid, generation: 1 };
      const made: Webhook = { ...own, createdAtMs: nowMs, ...spec, ...token };
      all.set(name, { key, webhook: made });
      return made;
    },
    get: held,
    async list({ key, policy, pageSize, after }, caller) {
      await get(key, policy, caller);
      const items = [...all.values()]
        .filter((one) => one.key.account === key.account && one.key.group === key.group)
        .map(({ webhook }) => webhook)
        .filter((one) => one.policy === policy && (!after || one.id > after))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      return { items: items.slice(0, pageSize), more: items.length > pageSize };
    },
    async delete(ref) {
      await held(ref);
      all.delete(nameOf(ref));
    },
    async rotate({ tokenHash, ...ref }) {
      const before = await held(ref);
      const webhook = { ...before, tokenHash, generation: before.generation + 1 };
      all.set(nameOf(ref), { key: ref.key, webhook });
      return webhook;
    },
    find: async (tokenHash) =>
      [...all.values()].find(({ webhook }) => webhook.tokenHash === tokenHash),
  };
}

/** As where nothing is sent. */
export function createNotifiers(): NotifierUseCases {
  const refuse = () =>
    Promise.reject(new Fault("UNSUPPORTED", { say: "the memory sends nothing" }));
  return { create: refuse, get: refuse, list: refuse, delete: refuse };
}
