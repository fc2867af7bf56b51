import type { ColoId } from "./ids.js";

/** Classes of calls to the outside that a brake stops (B9.1). "up" is what needs `create`. */
export type OperationClass = "create" | "delete" | "loadBalancer";

/** The operator's kill switch of one colo and class (B9.1). */
export interface Brake {
  readonly operation: OperationClass;
  readonly reason: string;
  readonly principal: string;
  readonly sinceMs: number;
  readonly expiresAtMs?: number;
}

export interface ColoDoc {
  readonly colo: ColoId;
  readonly brakes: readonly Brake[];
}
