import { OutsideFault } from "../../../src/core/errors/outside-fault.js";
import { type Violation, violation } from "../../../src/core/invariants/violation.js";
import type { OutsideCall } from "../taps.js";

/** So many calls of a node in a row that an API fails at make it sick, by anyone's measure. */
const failuresMin = 25;
/** What was let through before that has begun by then. */
const graceMs = 60_000;
/** From then on a node may probe, and no more: so often in so long. */
const spanMs = 60_000;
const probesMax = 12;

interface Health {
  failures: number;
  /** Since when so many had failed in a row. */
  sickSinceMs: number | undefined;
  /** Calls that began since, of the last span. */
  begun: number[];
}

/**
 * I9, by what every node could see and not by what it makes of it: to an API that answers it
 * nothing but failures a node makes a probe now and then, and no other call.
 */
export function createSickChecks(clock: { monotonicMs(): number }) {
  const seen = new Map<string, Health>();

  const healthOf = ({ node, colo, api }: OutsideCall): Health => {
    const key = `${node}/${colo}/${api}`;
    const found = seen.get(key) ?? { failures: 0, sickSinceMs: undefined, begun: [] };
    seen.set(key, found);
    return found;
  };

  return {
    called(call: OutsideCall): readonly Violation[] {
      const health = healthOf(call);
      const nowMs = clock.monotonicMs();
      if (health.sickSinceMs === undefined || nowMs - health.sickSinceMs < graceMs) return [];
      health.begun = [...health.begun.filter((atMs) => nowMs - atMs < spanMs), nowMs];
      if (health.begun.length <= probesMax) return [];
      const { node, colo, api } = call;
      const facts = {
        node,
        api,
        calls: health.begun.length,
        sickForMs: nowMs - health.sickSinceMs,
      };
      return [violation("I9", "B9.4", `${colo}/${api}/${node}/sick`, facts)];
    },
    answered(call: OutsideCall, fault: unknown): void {
      const health = healthOf(call);
      if (fault === undefined || isAnswer(fault)) {
        Object.assign(health, { failures: 0, sickSinceMs: undefined, begun: [] });
        return;
      }
      health.failures++;
      if (health.failures === failuresMin) health.sickSinceMs = clock.monotonicMs();
    },
  };
}

/** A refusal is an answer of a well API; a 429 asks for fewer calls, which is a rule of its own. */
function isAnswer(fault: unknown): boolean {
  return fault instanceof OutsideFault && fault.kind !== "temporary" && fault.kind !== "unknown";
}
