import { checkWaits } from "../../../src/core/invariants/check-waits.js";
import type { Violation } from "../../../src/core/invariants/violation.js";
import type { Cluster } from "../cluster.js";
import type { OracleOptions } from "./finding.js";
import type { Ledgers } from "./ledgers.js";

const sweepMs = 60_000;
/** Beyond every deadline; and so many sweeps of a world whose nodes are at work and well. */
const graceMs = 10 * 60_000;
const calmSweeps = 10;
/** More than any simulated cloud's listings lag, faults included. */
const listingLagMs = 120_000;

/**
 * I10 by deadline: in a ledger as the store has it, a wait that is overdue shows in the conditions,
 * unless nobody was there to say so. Whatever happens in the world is an occasion to look.
 */
export function createWaitChecks(of: {
  readonly cluster: Pick<Cluster, "clock">;
  readonly ledgers: Ledgers;
  readonly options: OracleOptions;
}) {
  const { cluster, ledgers, options } = of;
  const isWell = options.isWell ?? (() => true);
  let sweptAtMs = cluster.clock.monotonicMs();
  let overdue: ReadonlyMap<string, number> = new Map();
  const atWork = new Set<string>();

  function sweep(): Violation[] {
    const isCalm = atWork.size > 0 && [...atWork].every(isWell);
    atWork.clear();
    const next = new Map<string, number>();
    const found: Violation[] = [];
    for (const [text, ledger] of ledgers.placements) {
      const group = ledgers.groups.get(`${ledger.key.account}/${ledger.key.group}`);
      if (!group || ledger.servers.size === 0) continue;
      const drains = group.placements.flatMap(({ attachments }) =>
        attachments.map((one) => one.drainTimeoutMs),
      );
      const one = checkWaits(ledger, cluster.clock.nowMs(), {
        ...{ buildTimeoutMs: group.buildTimeoutMs, listingLagMs, graceMs },
        drainTimeoutMs: Math.max(0, ...drains),
      });
      if (!one) continue;
      const key = `${text}/${one.key}`;
      const times = (overdue.get(key) ?? 0) + (isCalm ? 1 : 0);
      next.set(key, times);
      if (times >= calmSweeps) found.push({ ...one, key });
    }
    overdue = next;
    return found;
  }

  return {
    /** Something happened, by that node's hand where one had it in it. */
    look(node?: string): Violation[] {
      if (node !== undefined) atWork.add(node);
      const nowMs = cluster.clock.monotonicMs();
      if (nowMs - sweptAtMs < sweepMs) return [];
      sweptAtMs = nowMs;
      return sweep();
    },
  };
}
