import { Fault } from "../core/errors/fault.js";
import type { Reason } from "../core/errors/reasons.js";
import type {
  AccountId,
  ColoId,
  EventId,
  GroupId,
  GroupKey,
  NotifierId,
  PolicyId,
  ScheduleId,
  ServerId,
  WebhookId,
} from "../core/model/ids.js";
import type { NotifierRef } from "../core/model/notifier.js";
import type { WebhookRef } from "../core/model/webhook.js";

type GroupChild = "policy" | "notifier" | "server" | "schedule";

/** A resource name of the API (AIP-122), taken apart. `text` is the name as it was given. */
export interface ResourceName {
  readonly kind: "account" | "group" | GroupChild | "webhook" | "event" | "credentials";
  readonly text: string;
  readonly account: AccountId;
  /** "" where it lies in none. */
  readonly group: GroupId;
  /** Id of what lies in a group or policy, of the event, or of the credentials' colo; or "". */
  readonly child: string;
}

const SEGMENT = "[a-z0-9-]{1,63}";
const OF_GROUP = "policies|notifiers|servers|schedules";
const NAME = new RegExp(
  `^accounts/(${SEGMENT})(?:/groups/(${SEGMENT})(?:/(${OF_GROUP})/(${SEGMENT}))?)?$`,
);
const WEBHOOK = new RegExp(`^(accounts/.+/policies/${SEGMENT})/webhooks/(${SEGMENT})$`);
const OF_ACCOUNT = new RegExp(`^accounts/(${SEGMENT})/(events|credentials)/(${SEGMENT})$`);
const COLO = new RegExp(`^colos/(${SEGMENT})$`);

/** Takes a name apart; undefined when it is none. */
export function readName(text: string): ResourceName | undefined {
  const own = OF_ACCOUNT.exec(text);
  if (own) {
    const [, account, collection, child = ""] = own;
    const kind = collection === "events" ? "event" : "credentials";
    return { kind, text, account: account as AccountId, group: "" as GroupId, child };
  }
  const webhook = WEBHOOK.exec(text);
  if (webhook) {
    const policy = readName(webhook[1]!);
    return policy && { ...policy, kind: "webhook", text, child: webhook[2]! };
  }
  const match = NAME.exec(text);
  if (!match) return undefined;
  const [, account, group = "", collection, child = ""] = match;
  const kind = collection ? childKinds[collection]! : group ? "group" : "account";
  return { kind, text, account: account as AccountId, group: group as GroupId, child };
}

const childKinds: Readonly<Record<string, GroupChild>> = {
  policies: "policy",
  notifiers: "notifier",
  servers: "server",
  schedules: "schedule",
};

const notFoundReasons = {
  account: "ACCOUNT_NOT_FOUND",
  group: "GROUP_NOT_FOUND",
  policy: "POLICY_NOT_FOUND",
  webhook: "WEBHOOK_NOT_FOUND",
  notifier: "NOTIFIER_NOT_FOUND",
  server: "SERVER_NOT_FOUND",
  schedule: "SCHEDULE_NOT_FOUND",
  event: "EVENT_NOT_FOUND",
  credentials: "CREDENTIALS_NOT_FOUND",
} as const satisfies Record<ResourceName["kind"], Reason>;

/**
 * What a caller hears of a resource that is missing, and of one that is not theirs: the very same
 * (B10.4). `reason` may name something that the resource is part of: a policy's missing group.
 */
export function notFound(name: ResourceName, reason: Reason = notFoundReasons[name.kind]): Fault {
  const resource = resourceOf(name, reason);
  return new Fault(reason, { say: `${resource} does not exist`, facts: { resource } });
}

function resourceOf(name: ResourceName, reason: Reason): string {
  if (reason === "GROUP_NOT_FOUND") return groupName(name);
  const isPolicy = reason === "POLICY_NOT_FOUND" && name.kind === "webhook";
  return isPolicy ? policyPartOf(name.text) : name.text;
}

/** Of a webhook's name, the policy's. */
function policyPartOf(text: string): string {
  return WEBHOOK.exec(text)?.[1] ?? text;
}

/** @returns the group's key. For names that validation has let pass. */
export function groupKeyOf(text: string): GroupKey {
  const { account, group } = nameOf(text);
  return { account, group };
}

export function accountOf(text: string): AccountId {
  return nameOf(text).account;
}

export function policyOf(text: string): { readonly key: GroupKey; readonly policy: PolicyId } {
  const { account, group, child } = nameOf(text);
  return { key: { account, group }, policy: child as PolicyId };
}

export function webhookOf(text: string): WebhookRef {
  return { ...policyOf(policyPartOf(text)), webhook: nameOf(text).child as WebhookId };
}

export function notifierOf(text: string): NotifierRef {
  const { account, group, child } = nameOf(text);
  return { key: { account, group }, notifier: child as NotifierId };
}

export function serverOf(text: string): { readonly key: GroupKey; readonly server: ServerId } {
  const { account, group, child } = nameOf(text);
  return { key: { account, group }, server: child as ServerId };
}

export function scheduleOf(text: string): {
  readonly key: GroupKey;
  readonly schedule: ScheduleId;
} {
  const { account, group, child } = nameOf(text);
  return { key: { account, group }, schedule: child as ScheduleId };
}

export function eventOf(text: string): { readonly account: AccountId; readonly event: EventId } {
  const { account, child } = nameOf(text);
  return { account, event: child as EventId };
}

export function credentialsOf(text: string): {
  readonly account: AccountId;
  readonly colo: ColoId;
} {
  const { account, child } = nameOf(text);
  return { account, colo: child as ColoId };
}

export function coloOf(text: string): ColoId {
  const match = COLO.exec(text);
  if (!match) throw new Fault("COLO_NOT_FOUND", { say: `${text} does not exist` });
  return match[1] as ColoId;
}

function nameOf(text: string): ResourceName {
  const name = readName(text);
  if (!name) throw new Error(`not validated before use: ${text}`);
  return name;
}

export function accountName(account: AccountId): string {
  return `accounts/${account}`;
}

export function groupName(key: GroupKey): string {
  return `accounts/${key.account}/groups/${key.group}`;
}

export function policyName(key: GroupKey, policy: PolicyId): string {
  return `${groupName(key)}/policies/${policy}`;
}

export function webhookName(key: GroupKey, policy: PolicyId, webhook: WebhookId): string {
  return `${policyName(key, policy)}/webhooks/${webhook}`;
}

export function notifierName(key: GroupKey, notifier: NotifierId): string {
  return `${groupName(key)}/notifiers/${notifier}`;
}

export function serverName(key: GroupKey, server: ServerId): string {
  return `${groupName(key)}/servers/${server}`;
}

export function scheduleName(key: GroupKey, schedule: ScheduleId): string {
  return `${groupName(key)}/schedules/${schedule}`;
}

export function eventName(account: AccountId, event: EventId | string): string {
  return `accounts/${account}/events/${event}`;
}

export function credentialsName(account: AccountId, colo: ColoId): string {
  return `accounts/${account}/credentials/${colo}`;
}

export function coloName(colo: ColoId): string {
  return `colos/${colo}`;
}
