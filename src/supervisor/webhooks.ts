import type { GroupKey, PolicyId, WebhookId } from "../core/model/ids.js";
import type { Webhook, WebhookRef } from "../core/model/webhook.js";
import type { Caller } from "./caller.js";
import type { Page } from "./page.js";

/**
 * Capabilities of policies (B7.3). Tokens never come here: whoever makes or gets one hands over its
 * hash.
 */
export interface WebhookUseCases {
  create(
    request: {
      readonly key: GroupKey;
      readonly policy: PolicyId;
      /** Made up when undefined. */
      readonly webhook?: WebhookId;
      readonly spec: Pick<Webhook, "displayName" | "use">;
      readonly tokenHash: string;
    },
    caller: Caller,
  ): Promise<Webhook>;
  get(ref: WebhookRef, caller: Caller): Promise<Webhook>;
  list(
    request: Omit<WebhookRef, "webhook"> & {
      readonly pageSize: number;
      readonly after?: WebhookId;
    },
    caller: Caller,
  ): Promise<Page<Webhook>>;
  delete(ref: WebhookRef & { readonly expectedGeneration?: number }, caller: Caller): Promise<void>;
  /** The hash before is forgotten at once. */
  rotate(ref: WebhookRef & { readonly tokenHash: string }, caller: Caller): Promise<Webhook>;
  /** Whose token has this hash, without knowing the account; undefined: nobody's. */
  find(tokenHash: string, caller: Caller): Promise<FoundWebhook | undefined>;
}

export interface FoundWebhook {
  readonly key: GroupKey;
  readonly webhook: Webhook;
}
