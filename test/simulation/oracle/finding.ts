import { type InvariantId, promises } from "../../../src/core/invariants/violation.js";

/** L1 is the promise of the second phase: once faults stop, everything converges in time. */
export interface Finding {
  readonly id: InvariantId | "L1";
  readonly rule: string;
  readonly atMs: number;
  readonly key: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export interface OracleOptions {
  /** How far the nodes' wall clocks may be apart. */
  readonly skewMs?: number;
  /** Whether the node could read and be told of everything lately. Default: it could. */
  readonly isWell?: (node: string) => boolean;
  readonly onFinding?: (finding: Finding) => void;
}

export function sayFinding({ id, rule, facts }: Finding): string {
  const promise = id === "L1" ? "once faults stop, everything converges" : promises[id];
  return `${id} (${rule}) ${promise}: ${JSON.stringify(facts)}`;
}
