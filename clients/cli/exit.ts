/** What scripts read. In the help of `musterctl`; never changed. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  timedOut: 4,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** What was asked for makes no sense; nothing was sent. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** `--wait` ended before what it waited for. The change itself stands. */
export class WaitTimeoutError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "WaitTimeoutError";
  }
}

/** A failed call, with what only its caller knows to advise. */
export class HintedError extends Error {
  readonly hint: string;

  constructor(cause: unknown, hint: string) {
    super(hint, { cause });
    this.name = "HintedError";
    this.hint = hint;
  }
}
