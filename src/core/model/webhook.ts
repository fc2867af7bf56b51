import type { GroupKey, PolicyId, WebhookId } from "./ids.js";

/** A capability: whoever has its token may do this one thing (B7.3). */
export interface Webhook {
  readonly id: WebhookId;
  readonly uid: string;
  readonly policy: PolicyId;
  /** A policy that is made anew under the name of one that was deleted has none of its webhooks. */
  readonly policyUid: string;
  /** Grows with each token. */
  readonly generation: number;
  readonly createdAtMs: number;
  readonly displayName: string;
  readonly use: WebhookUse;
  /** SHA-256 of the token, in hex. The token itself is kept nowhere. */
  readonly tokenHash: string;
  readonly tokenSetAtMs: number;
  readonly tokenSetBy: string;
}

/** Executes its policy, reports alerts to it, or to any policy of its group. */
export type WebhookUse = "execute" | "alerts" | "groupAlerts";

export interface WebhookRef {
  readonly key: GroupKey;
  readonly policy: PolicyId;
  readonly webhook: WebhookId;
}

/** Unique within a group. */
export function webhookText({ policy, id }: Pick<Webhook, "policy" | "id">): string {
  return `${policy}/${id}`;
}
