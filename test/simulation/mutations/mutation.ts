/** A guard, taken out of the compiled code, and the run that must notice. */
export interface Mutation {
  /** Stable, in kebab case. */
  readonly id: string;
  /** What the guard promises, in words. */
  readonly guard: string;
  readonly rule: string;
  /** More than one where a second guard stands behind the first: then only both together harm. */
  readonly edits: readonly Edit[];
  /** The cheapest run that fails an assertion without the guard. */
  readonly caughtBy: Run;
}

export interface Edit {
  /** Below `dist/src`. */
  readonly file: string;
  /** Compiled text that the file has exactly once. */
  readonly from: string;
  readonly to: string;
}

/** One test, by its file below `dist/test` and the beginning of its name. */
export interface Run {
  readonly file: string;
  readonly test: string;
}
