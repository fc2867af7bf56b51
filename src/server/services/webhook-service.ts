import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GroupKey, WebhookId } from "../../core/model/ids.js";
import type { Webhook, WebhookUse } from "../../core/model/webhook.js";
import * as wire from "../../gen/muster/v1/webhook_service_pb.js";
import type { WebhookUseCases } from "../../supervisor/webhooks.js";
import { etagOf, generationOf } from "../etag.js";
import type { ServiceMethods } from "../guarded.js";
import { pathsOf } from "../hooks/paths.js";
import { newToken, tokenHashOf } from "../hooks/tokens.js";
import { policyOf, webhookName, webhookOf } from "../names.js";
import { writeTime } from "../to-wire/time.js";
import { type Filter, readPageToken, writeNextPageToken } from "../tokens.js";
import { given, readPageSize, textOf } from "./fields.js";

/** Tokens are made here, told once, and go no further: the rest of Muster knows hashes. */
export function createWebhookService(
  webhooks: WebhookUseCases,
): ServiceMethods<typeof wire.WebhookService> {
  return {
    async createWebhook({ parent, webhookId, webhook }, caller) {
      const { key, policy } = policyOf(parent);
      const token = newToken();
      const spec = { displayName: webhook!.displayName, use: uses.get(webhook!.use)! };
      const id = given({ webhook: textOf<WebhookId>(webhookId) });
      const command = { key, policy, spec, tokenHash: tokenHashOf(token), ...id };
      const made = await webhooks.create(command, caller);
      return { webhook: writeWebhook(key, made), token: writeToken(made, token) };
    },
    async getWebhook({ name }, caller) {
      const ref = webhookOf(name);
      return { webhook: writeWebhook(ref.key, await webhooks.get(ref, caller)) };
    },
    async listWebhooks({ parent, pageSize, pageToken }, caller) {
      const of = policyOf(parent);
      const filter: Filter = ["ListWebhooks", parent];
      const after = readPageToken(filter, pageToken) as WebhookId | undefined;
      const command = { ...of, pageSize: readPageSize(pageSize), ...given({ after }) };
      const { items, more } = await webhooks.list(command, caller);
      const last = items.at(-1)?.id;
      return {
        webhooks: items.map((one) => writeWebhook(of.key, one)),
        nextPageToken: writeNextPageToken(filter, { last, more }),
      };
    },
    async deleteWebhook({ name, etag }, caller) {
      const expected = given({ expectedGeneration: generationOf(etag) });
      await webhooks.delete({ ...webhookOf(name), ...expected }, caller);
      return {};
    },
    async rotateWebhook({ name }, caller) {
      const ref = webhookOf(name);
      const token = newToken();
      const rotated = await webhooks.rotate({ ...ref, tokenHash: tokenHashOf(token) }, caller);
      return { webhook: writeWebhook(ref.key, rotated), token: writeToken(rotated, token) };
    },
  };
}

const uses: ReadonlyMap<wire.WebhookUse, WebhookUse> = new Map([
  [wire.WebhookUse.EXECUTE, "execute"],
  [wire.WebhookUse.ALERTS, "alerts"],
  [wire.WebhookUse.GROUP_ALERTS, "groupAlerts"],
]);

const wireUses = {
  execute: wire.WebhookUse.EXECUTE,
  alerts: wire.WebhookUse.ALERTS,
  groupAlerts: wire.WebhookUse.GROUP_ALERTS,
} as const satisfies Record<WebhookUse, wire.WebhookUse>;

/** Field by field: not even the hash is told. */
function writeWebhook(
  key: GroupKey,
  webhook: Webhook,
): MessageInitShape<typeof wire.WebhookSchema> {
  return {
    name: webhookName(key, webhook.policy, webhook.id),
    uid: webhook.uid,
    etag: etagOf(webhook.generation),
    createTime: writeTime(webhook.createdAtMs),
    displayName: webhook.displayName,
    use: wireUses[webhook.use],
    tokenTime: writeTime(webhook.tokenSetAtMs),
    principal: webhook.tokenSetBy,
  };
}

function writeToken(
  { use }: Webhook,
  token: string,
): MessageInitShape<typeof wire.WebhookTokenSchema> {
  return { token, paths: pathsOf(use, token) };
}
