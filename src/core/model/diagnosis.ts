/** One thing that was looked at to find out why Muster does not start or does not work. */
export interface Diagnosis {
  /** What it is about: `state.db`, `credentials of acme`. */
  readonly subject: string;
  readonly state: DiagnosisState;
  /** What was seen, for people. Never a secret. */
  readonly say: string;
  /** What to do about it. */
  readonly fix?: string;
}

/**
 * `problem`: Muster does not work so. `warning`: it does, not as it should. `skipped`: it could not
 * be looked at.
 */
export type DiagnosisState = "ok" | "warning" | "problem" | "skipped";
