/** Ids are branded strings, so that one cannot stand in for another by accident. */
declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type AccountId = Id<"account">;
export type GroupId = Id<"group">;
export type PolicyId = Id<"policy">;
export type WebhookId = Id<"webhook">;
export type ScheduleId = Id<"schedule">;
export type NotifierId = Id<"notifier">;
export type ColoId = Id<"colo">;
/** Names a ledger row and, as a tag, the cloud server that its intention made. Never reused. */
export type ServerId = Id<"server">;
/** The cloud's own id of a server. */
export type CloudServerId = Id<"cloudServer">;
export type EventId = Id<"event">;
export type LoadBalancerId = Id<"loadBalancer">;
export type NodeId = Id<"node">;

/** The part of a group in one colo: the unit of consistency (architecture, "State"). */
export interface PlacementKey {
  readonly account: AccountId;
  readonly group: GroupId;
  readonly colo: ColoId;
}

export interface GroupKey {
  readonly account: AccountId;
  readonly group: GroupId;
}

export function placementText(key: PlacementKey): string {
  return `${key.account}/${key.group}/${key.colo}`;
}

export function groupText(key: GroupKey): string {
  return `${key.account}/${key.group}`;
}
