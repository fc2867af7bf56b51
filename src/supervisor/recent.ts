import { LRUCache } from "lru-cache";

/**
 * What was used most recently, at most so many. It grows with what is in it: a cache that may hold
 * twenty thousand placements costs nothing on a node that has ten.
 */
export function createRecent<Key extends string, Value extends object | number | true>(
  most: number,
  options: RecentOptions<Key, Value> = {},
): LRUCache<Key, Value> {
  return new LRUCache<Key, Value>({ maxSize: most, sizeCalculation: () => 1, ...options });
}

type RecentOptions<Key extends string, Value extends object | number | true> = Pick<
  LRUCache.OptionsBase<Key, Value, unknown>,
  "dispose"
>;
