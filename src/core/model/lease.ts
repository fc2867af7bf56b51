import type { NodeId } from "./ids.js";

/** Who works on a shard of a colo's placements, as stored. */
export interface LeaseDoc {
  readonly node: NodeId;
  readonly epoch: number;
  readonly ttlMs: number;
  readonly released: boolean;
}
