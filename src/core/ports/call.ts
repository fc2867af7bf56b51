/** Goes with every call through a port. */
export interface Call {
  /** Aborts when the caller's deadline passes or it has no more use for the answer. */
  readonly signal: AbortSignal;
  /** When the caller's deadline passes, in monotonic ms, where it is known: for who hands it on. */
  readonly endsAtMs?: number;
}
