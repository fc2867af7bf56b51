import type { CloudServerId, ServerId } from "../model/ids.js";
import type { CloudServer } from "../model/server.js";
import type { Ledger } from "./ledger.js";
import { type Violation, violation } from "./violation.js";

/** A server with a placement's tags that nothing on record accounts for. */
export interface Stranger {
  readonly cloudId: CloudServerId;
  readonly server: string;
  /** I1: in no ledger. I5: its intention is bound to another server. */
  readonly invariant: "I1" | "I5";
}

/** The ledger lists so many orphans by id and only counts the rest (B9.6). */
export const orphansListedMax = 100;

/**
 * Servers of a complete listing that are neither on record nor reported. Each may be so for a
 * while: listings lag behind what was just deleted, and what is odd is looked at before it is said.
 */
export function strangersIn(
  ledger: Pick<Ledger, "servers" | "orphans">,
  servers: readonly CloudServer[],
): readonly Stranger[] {
  let found: Stranger[] | undefined;
  let bound: ReadonlySet<string | undefined> | undefined;
  for (const { id, ownership } of servers) {
    const row = ledger.servers.get((ownership?.server ?? "") as ServerId);
    if (row && (row.cloudId === id || row.cloudId === undefined)) continue;
    // Its tags may be wrong, while its row knows it well: they are put right, or reported (M3.2).
    bound ??= new Set([...ledger.servers.values()].map(({ cloudId }) => cloudId));
    if (bound.has(id)) continue;
    if (ledger.orphans?.has(id) || (ledger.orphans?.size ?? 0) >= orphansListedMax) continue;
    found ??= [];
    found.push({ cloudId: id, server: ownership?.server ?? "", invariant: row ? "I5" : "I1" });
  }
  return found ?? none;
}

const none: readonly Stranger[] = [];

/** The stranger as a finding, once it has been one for longer than the bound. */
export function checkStranger(
  { cloudId, server, invariant }: Stranger,
  { forMs, boundMs }: { readonly forMs: number; readonly boundMs: number },
): Violation | undefined {
  if (forMs < boundMs) return undefined;
  return violation(invariant, "B9.6", cloudId, { cloudId, server, forMs, boundMs });
}
