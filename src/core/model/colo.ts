import type { ColoId } from "./ids.js";

/** Classes of calls to the outside that a brake stops (B9.1). "up" is what needs `create`. */
export const operationClasses = ["create", "delete", "loadBalancer"] as const;
export type OperationClass = (typeof operationClasses)[number];

/** The operator's kill switch of one colo and class (B9.1). */
export interface Brake {
  readonly operation: OperationClass;
  readonly reason: string;
  readonly principal: string;
  readonly sinceMs: number;
  readonly expiresAtMs?: number;
  /** Who threw it; an operator by the API when undefined. */
  readonly source?: BrakeSource;
}

/** `file`: the local switch file of a node, for that node alone. */
export type BrakeSource = "operator" | "file" | "monitor";

export interface ColoDoc {
  readonly colo: ColoId;
  readonly brakes: readonly Brake[];
}
