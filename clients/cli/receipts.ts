import { randomUUID } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import { type Duration, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Command, Option } from "commander";
import { Outcome, type Receipt, ReceiptSchema } from "../../src/gen/muster/v1/receipt_pb.js";
import { readDuration } from "./args.js";
import { type ExitCode, exitCode, HintedError, UsageError } from "./exit.js";
import { unreachableBy } from "./failure.js";
import { jsonOptions } from "./json.js";
import type { Session } from "./session.js";
import { causeWords, instantWords, outcomeWord, spanWords } from "./words.js";

export interface ScaleOptions {
  readonly force?: true;
  readonly reason?: string;
  readonly for?: Duration;
  readonly requestId?: string;
}

/** The options of every command that is answered by a receipt to a person. */
export function addScaleOptions(command: Command): Command {
  return addRequestId(
    command
      .option("--force", "pass cooldowns, debounce and the group's limits; needs --reason")
      .option("--reason <text>", "why it is forced, for the history")
      .addOption(
        new Option(
          "--for <duration>",
          "how long exceeded limits stay so; server's default 1h",
        ).argParser(readDuration),
      ),
  );
}

export const addRequestId = (command: Command): Command =>
  command.option("--request-id <id>", "repeating a call with the same id acts once; default: new");

export function forceOf({ force, reason, for: duration }: ScaleOptions) {
  if (force !== true) {
    if (reason === undefined && duration === undefined) return {};
    throw new UsageError("--reason and --for belong to --force");
  }
  if (reason === undefined || reason.trim() === "")
    throw new UsageError("--force needs a --reason");
  return { force: { reason, ...(duration === undefined ? {} : { duration }) } };
}

/**
 * Calls with the given request id or a new one. When it stays unknown whether the call happened,
 * says how to ask again without acting twice.
 */
export async function askOnce(
  session: Session,
  given: string | undefined,
  call: (requestId: string) => Promise<{ readonly receipt?: Receipt | undefined }>,
): Promise<Receipt> {
  const requestId = given ?? randomUUID();
  try {
    const { receipt } = await call(requestId);
    if (receipt === undefined) throw new Error("the server's answer holds no receipt");
    return receipt;
  } catch (error) {
    if (session.io.signal.aborted || !isAmbiguous(error)) throw error;
    const again = `--request-id ${requestId} repeats it without acting twice`;
    throw new HintedError(error, `it may have happened all the same; ${again}`);
  }
}

function isAmbiguous(error: unknown): boolean {
  const failed = ConnectError.from(error);
  return unclear.has(failed.code) && unreachableBy(failed) === undefined;
}

const unclear: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Internal,
  Code.Unknown,
]);

/** Prints the receipt and says what it means for the exit code. */
export function answerReceipt(session: Session, of: string, receipt: Receipt): ExitCode {
  session.print.answer(toJson(ReceiptSchema, receipt, jsonOptions), () => {
    for (const line of receiptLines(of, receipt)) session.print.line(line);
  });
  return isAccepted(receipt) ? exitCode.ok : exitCode.refused;
}

const isAccepted = ({ outcome }: Receipt): boolean =>
  outcome === Outcome.APPLIED || outcome === Outcome.MERGED || outcome === Outcome.NO_CHANGE;

/** The receipt in words: what, why, and when to ask again. */
export function receiptLines(of: string, receipt: Receipt): readonly string[] {
  const retry = receipt.retryTime;
  const again = retry === undefined ? [] : [retryWords(timestampMs(retry), instantWords(retry))];
  return [
    `${outcomeWord(receipt.outcome)}: ${of} ${targetWords(receipt)}`,
    ...receipt.causes.map((cause) => `  because ${causeWords(cause)}`),
    ...again,
    ...(receipt.eventId === "" ? [] : [`  event ${receipt.eventId}`]),
  ];
}

function targetWords({ oldTarget, newTarget, placements }: Receipt): string {
  if (oldTarget === newTarget) return `stays at ${newTarget}`;
  const parts = placements
    .filter((one) => one.oldTarget !== one.newTarget)
    .map((one) => `${one.colo} ${one.oldTarget} → ${one.newTarget}`);
  return `${oldTarget} → ${newTarget}${parts.length === 0 ? "" : ` (${parts.join(", ")})`}`;
}

function retryWords(atMs: number, at: string): string {
  return `  ask again in ${spanWords(atMs - Date.now())}, at ${at}`;
}
