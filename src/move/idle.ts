import { Fault } from "../core/errors/fault.js";
import type { LeaseDoc } from "../core/model/lease.js";
import type { Call } from "../core/ports/call.js";
import type { Clock } from "../core/ports/clock.js";
import { parsePartition } from "../core/ports/store.js";
import { sleep } from "../supervisor/sleep.js";
import { partitionNames, type Whole } from "./whole.js";

/** What the nodes of an installation said last. */
export interface Leases {
  /** How often each was written, by name. */
  readonly revisions: ReadonlyMap<string, number>;
  /** Those that nobody gave back: of nodes that work, or were killed. */
  readonly held: readonly LeaseDoc[];
}

export async function readLeases(whole: Whole, call: Call): Promise<Leases> {
  const revisions = new Map<string, number>();
  const held: LeaseDoc[] = [];
  for (const name of await partitionNames(whole, call)) {
    const partition = parsePartition(name);
    if (partition.scope !== "lease") continue;
    const { revision, rows } = await whole.storeOf(partition).load(partition, ["lease"], call);
    revisions.set(name, revision);
    const doc = rows[0] && (JSON.parse(rows[0].value) as LeaseDoc);
    if (doc && !doc.released) held.push(doc);
  }
  return { revisions, held };
}

/**
 * Makes sure that no node works: one that was killed does not write its leases any more.
 *
 * @throws Fault `STORE_UNAVAILABLE` naming those that do.
 */
export async function checkIdle(whole: Whole, clock: Clock, call: Call): Promise<Leases> {
  const before = await readLeases(whole, call);
  if (!whole.isShared || before.held.length === 0) return before;
  // By then whoever works has renewed its lease.
  await sleep(clock, Math.max(...before.held.map(({ ttlMs }) => ttlMs)), call.signal);
  await checkUntouched(whole, before, call);
  return before;
}

/** @throws Fault `STORE_UNAVAILABLE`: a node wrote a lease since. */
export async function checkUntouched(whole: Whole, before: Leases, call: Call): Promise<void> {
  const now = await readLeases(whole, call);
  const isSame = [...now.revisions].every(([name, one]) => before.revisions.get(name) === one);
  if (isSame) return;
  const nodes = [...new Set(now.held.map(({ node }) => node))].join(", ");
  throw new Fault("STORE_UNAVAILABLE", {
    say: `a Muster works with the store (${nodes || "stopped meanwhile"}): stop all of them first`,
  });
}
