/** Who calls. Goes into events (B10.5). */
export interface Caller {
  readonly principal: string;
  readonly signal: AbortSignal;
}
