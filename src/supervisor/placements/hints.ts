import type { AccountId, ColoId, GroupId, GroupKey, PlacementKey } from "../../core/model/ids.js";
import { groupText } from "../../core/model/ids.js";
import type { Hint } from "../../core/ports/store.js";

/** Says that a placement has something on its way: a restarted node looks there first. */
export function workHint(key: PlacementKey): Hint {
  return { index: workIndex(key.colo), key: groupText(key), value: "" };
}

/** Says that a colo has a placement of this group; the periodic pass walks these. */
export function placementHint(key: PlacementKey): Hint {
  return { index: placementIndex(key.colo), key: groupText(key), value: "" };
}

/** Says that a node was asked for something that another one works on. */
export function askedHint(key: PlacementKey): Hint {
  return { index: askedIndex(key.colo), key: groupText(key), value: "" };
}

/** Says that an account has this group. */
export function groupHint(key: GroupKey): Hint {
  return { index: groupIndex(key.account), key: key.group, value: "" };
}

/** Says that an account has, or had, servers in a colo: the sweep walks these. Never deleted. */
export function accountHint({ account, colo }: AccountInColo): Hint {
  return { index: accountIndex(colo), key: account, value: "" };
}

/** Says that orphans are on record under a group that may not exist. */
export function orphanHint(key: PlacementKey): Hint {
  return { index: orphanIndex(key), key: key.group, value: "" };
}

/**
 * Says whose token has this hash, for whoever comes with a token and nothing else. Over many
 * indexes, so that none of them grows without bound.
 */
export function webhookHint(tokenHash: string, key: GroupKey): Hint {
  return { index: webhookIndex(tokenHash), key: tokenHash, value: groupText(key) };
}

/** Says that a group has, or had, what the index stands for. */
export function namedGroupHint(index: string, key: GroupKey): Hint {
  const text = groupText(key);
  return { index, key: text, value: text };
}

/** The group that the hint of a webhook, or of an index of groups, names. */
export function groupOfHint({ value }: Pick<Hint, "value">): GroupKey {
  const [account, group] = value.split("/") as [AccountId, GroupId];
  return { account, group };
}

/** Says that something of the group's schedules is due in this colo then (B7.2). */
export function dueHint({ key, shard, atMs }: DuePlacement): Hint {
  return { index: dueIndex(key.colo, shard), key: `${dueText(atMs)}/${groupText(key)}`, value: "" };
}

/** What a due hint says. */
export function placementOfDue(
  { colo, shard }: { readonly colo: ColoId; readonly shard: number },
  hint: Pick<Hint, "key">,
): DuePlacement {
  const [time = "", account, group] = hint.key.split("/");
  const key = { account: account as AccountId, group: group as GroupId, colo };
  return { key, shard, atMs: Number.parseInt(time, 36) };
}

export interface DuePlacement {
  readonly key: PlacementKey;
  /** That of the colo's leases: who holds it reads the index. */
  readonly shard: number;
  readonly atMs: number;
}

/** Sorts as its time does. */
export function dueText(atMs: number): string {
  return Math.max(0, atMs).toString(36).padStart(dueDigits, "0");
}

/** Enough for every instant that a date can hold. */
const dueDigits = 11;

export type AccountInColo = Pick<PlacementKey, "account" | "colo">;

export const workIndex = (colo: ColoId) => `work/${colo}`;
export const askedIndex = (colo: ColoId) => `asked/${colo}`;
export const placementIndex = (colo: ColoId) => `placements/${colo}`;
export const accountIndex = (colo: ColoId) => `accounts/${colo}`;
export const orphanIndex = ({ account, colo }: AccountInColo) => `orphans/${colo}/${account}`;
/** Of groups with a policy whose metric is asked for. */
export const measuredIndex = "measured";
/** Of groups with notifiers. */
export const notifierIndex = "notifiers";
export const webhookIndex = (tokenHash: string) => `webhooks/${tokenHash.slice(0, 2)}`;
export const dueIndex = (colo: ColoId, shard: number) => `due/${colo}/${shard}`;
export const groupIndex = (account: AccountId) => `groups/${account}`;

/** The placement that a work or placement hint names. */
export function placementOfHint(colo: ColoId, hint: Pick<Hint, "key">): PlacementKey {
  const [account, group] = hint.key.split("/") as [AccountId, GroupId];
  return { account, group, colo };
}
