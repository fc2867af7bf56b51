import { ConnectError } from "@connectrpc/connect";
import { type ExplainedError, explainError } from "../node/index.js";
import { type ExitCode, exitCode, HintedError, UsageError, WaitTimeoutError } from "./exit.js";
import { plain } from "./printer.js";
import { spanWords } from "./words.js";

export interface Failure {
  readonly code: ExitCode;
  /** First what went wrong and what to do, then one for each violated field. */
  readonly lines: readonly string[];
}

/** What a person should do, by the reason or else by the code. */
const advice: Readonly<Record<string, string>> = {
  FIELD_INVALID: "mend these fields and try again",
  PAGE_TOKEN_INVALID: "list from the beginning again",
  CURSOR_INVALID: "use a cursor of a stream with the same group and types, or --from-start",
  REQUEST_ID_REUSED: "use a new --request-id for another request",
  GROUP_NOT_FOUND: "see `musterctl groups list`, and check --account",
  POLICY_NOT_FOUND: "see `musterctl policies list GROUP`",
  SCHEDULE_NOT_FOUND: "see `musterctl schedules list GROUP`",
  SERVER_NOT_FOUND: "see `musterctl servers list GROUP`; those that are gone stand in the events",
  COLO_NOT_FOUND: "see `musterctl colo list`",
  CREDENTIALS_NOT_FOUND: "see `musterctl credentials list ACCOUNT`",
  CREDENTIALS_UNREADABLE: "see the server's log; docs/operate.md tells of the keys",
  CREDENTIALS_REFUSED: "have them written: `musterctl credentials set ACCOUNT --colo ID`",
  GROUP_EXISTS: "use `musterctl groups apply` to change it",
  GROUP_NOT_EMPTY: "add --force to delete its servers first",
  GROUP_DELETING: "wait until it is gone: `musterctl groups delete ID --force --wait`",
  ETAG_MISMATCH: "it was changed meanwhile: read it again, or leave the etag out of the file",
  LIMIT_EXCEEDED: "delete what is not needed, or ask for a higher limit",
  OVERLOADED: "try again in a moment",
  TOKEN_INVALID: "check --token, --token-file or MUSTER_TOKEN",
  PERMISSION_MISSING: "ask the account's administrator for it",
  INTERNAL: "report it with the words above",
  UNAUTHENTICATED: "check --token, --token-file or MUSTER_TOKEN",
  UNAVAILABLE: "try again in a moment",
  DEADLINE_EXCEEDED: "try again, with a longer --timeout",
  UNIMPLEMENTED: "check that --address is Muster's and as new as this tool",
};

/** Anything that a command threw, as lines for people and a code for scripts. */
export function failureOf(error: unknown, address: string): Failure {
  if (error instanceof UsageError) {
    return { code: exitCode.usage, lines: [`${plain(error.message)}; see --help`] };
  }
  if (error instanceof WaitTimeoutError) {
    return { code: exitCode.timedOut, lines: [plain(error.message)] };
  }
  if (error instanceof HintedError) {
    const { code, lines } = failureOf(error.cause, address);
    return { code, lines: [...lines, plain(error.hint)] };
  }
  if (error instanceof ConnectError) return failedCall(error, address);
  const message = error instanceof Error ? error.message : String(error);
  return { code: exitCode.failed, lines: [plain(message)] };
}

function failedCall(error: ConnectError, address: string): Failure {
  const explained = explainError(error);
  const unreachable = unreachableBy(error);
  if (unreachable !== undefined) {
    const line = `UNAVAILABLE: ${address} cannot be reached (${unreachable}); check --address`;
    return { code: exitCode.failed, lines: [line] };
  }
  const what = `${explained.reason ?? explained.code}: ${explained.message}`;
  const lines = [
    plain(`${what}${adviceFor(explained)}`),
    ...explained.violations.map((one) => plain(`  ${one.field}: ${one.description}`)),
  ];
  return { code: exitCode.failed, lines };
}

function adviceFor(explained: ExplainedError): string {
  const resumeCursor = explained.facts["resume_cursor"];
  if (resumeCursor !== undefined) return `; what is kept begins at --cursor ${resumeCursor}`;
  const say = advice[explained.reason ?? ""] ?? advice[explained.code];
  const { retryAfterMs } = explained;
  const soon = retryAfterMs === undefined ? "" : ` (in ${spanWords(retryAfterMs)} or later)`;
  if (say === undefined) return soon === "" ? "" : `; try again${soon}`;
  return `; ${say}${soon}`;
}

/** Node's own word when no connection came about, so that nothing was sent: `ECONNREFUSED`. */
export function unreachableBy(error: ConnectError): string | undefined {
  if (!(error.cause instanceof Error)) return undefined;
  const { code } = error.cause as NodeJS.ErrnoException;
  const words = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH"];
  return code !== undefined && words.includes(code) ? code : undefined;
}
