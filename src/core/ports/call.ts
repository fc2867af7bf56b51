/** Goes with every call through a port. */
export interface Call {
  /** Aborts when the caller's deadline passes or it has no more use for the answer. */
  readonly signal: AbortSignal;
}
