import type { CloudServerId } from "./ids.js";

/**
 * A server that carries our tags but belongs to no row (B9.6): kept in the placement that its tags
 * name, whether that exists or not, until a person adopts or deletes it, or it is gone.
 */
export interface OrphanRow {
  readonly cloudId: CloudServerId;
  readonly name: string;
  readonly firstSeenAtMs: number;
  /** The intention that its tags name. */
  readonly claims: string;
  readonly why: OrphanWhy;
  /** A person's order to delete it: the committed half of the two witnesses (B9.5). */
  readonly deleteOrder?: { readonly principal: string; readonly atMs: number };
}

export type OrphanWhy =
  /** Another server is bound to the intention: somebody copied the tags. */
  | "copiedTag"
  /** No row knows the intention: the ledger lost it, or it was never in this one. */
  | "unknownIntention"
  /** There is no such placement, or no such group. */
  | "noSuchGroup";
