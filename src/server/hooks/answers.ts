import type { ServerResponse } from "node:http";
import { type Fault, isFault } from "../../core/errors/fault.js";
import { sayCause } from "../../core/model/say-cause.js";
import type { Receipt } from "../../core/model/scale-event.js";
import { answerText } from "../transport/http-door.js";

/** What became of the sender's event, and no more of the group than it takes to tell. */
export function summaryOf({ eventId, outcome, oldTarget, newTarget, causes }: Receipt) {
  return { eventId, outcome, oldTarget, newTarget, reasons: causes.map(sayCause) };
}

/** In the words for every path that is not served: whatever is wrong with a token, it is one. */
export function answerUnknown(response: ServerResponse): void {
  answerText(response, 404, "not found\n");
}

/** `status` 429 or 503, and when to come again. */
export function answerLater(
  response: ServerResponse,
  status: 429 | 503,
  later: { readonly say: string; readonly retryAfterMs: number },
): void {
  const seconds = Math.max(1, Math.ceil(later.retryAfterMs / 1_000));
  response.setHeader("retry-after", String(seconds));
  answerText(response, status, `${later.say}\n`);
}

const retryAfterMsDefault = 1_000;

/** What time may heal: nothing was kept, or nobody can tell; the sender may send it again. */
export function laterOf(
  error: unknown,
): { readonly say: string; readonly retryAfterMs: number } | undefined {
  if (!isFault(error) || !healing.has(error.code)) return undefined;
  return { say: error.message, retryAfterMs: error.retryAfterMs ?? retryAfterMsDefault };
}

const healing: ReadonlySet<Fault["code"]> = new Set([
  "unavailable",
  "resourceExhausted",
  "aborted",
  "deadlineExceeded",
]);
