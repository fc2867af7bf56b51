/** Who calls. Goes into events (B10.5). */
export interface Caller {
  readonly principal: string;
  readonly signal: AbortSignal;
  /** As `Call` has it: when the caller's patience ends, for nodes of other colos. */
  readonly endsAtMs?: number;
}
