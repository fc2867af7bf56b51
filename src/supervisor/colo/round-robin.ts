import type { AccountId } from "../../core/model/ids.js";

export interface RoundRobin<Item> {
  readonly size: number;
  push(item: Item): void;
  next(): Item | undefined;
  /** What `next` would give. */
  peek(): Item | undefined;
  remove(key: string): boolean;
}

/** Accounts take turns; within one, first come, first served. */
export function createRoundRobin<
  Item extends { readonly key: string; readonly account: AccountId },
>(): RoundRobin<Item> {
  const lanes = new Map<AccountId, Map<string, Item>>();
  let size = 0;
  const take = (account: AccountId, lane: Map<string, Item>, key: string) => {
    lane.delete(key);
    size--;
    lanes.delete(account);
    // Back to the end of the line: a Map keeps the order of insertion.
    if (lane.size > 0) lanes.set(account, lane);
  };
  return {
    get size() {
      return size;
    },
    push(task) {
      const lane = lanes.get(task.account) ?? new Map<string, Item>();
      lane.set(task.key, task);
      lanes.set(task.account, lane);
      size++;
    },
    next() {
      for (const [account, lane] of lanes) {
        for (const [key, task] of lane) {
          take(account, lane, key);
          return task;
        }
      }
      return undefined;
    },
    peek() {
      for (const lane of lanes.values()) for (const item of lane.values()) return item;
      return undefined;
    },
    remove(key) {
      for (const [account, lane] of lanes) {
        if (!lane.has(key)) continue;
        lane.delete(key);
        size--;
        if (lane.size === 0) lanes.delete(account);
        return true;
      }
      return false;
    },
  };
}
