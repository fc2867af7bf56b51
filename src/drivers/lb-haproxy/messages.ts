import { OutsideFault, type OutsideFaultKind } from "../../core/errors/outside-fault.js";

/** HAProxy asks to be asked again, rather than being wrong for good. */
const tryLaterMs = 1_000;

interface Row {
  readonly says: RegExp;
  readonly kind: OutsideFaultKind;
  readonly retryAfterMs?: number;
}

/** All that changes answer when they were done. */
const successes = new Set(["", "New server registered.", "Server deleted."]);

/**
 * What HAProxy's answers mean, first match first. The texts were read from 2.6 and are its only
 * signal: the Runtime API has no codes.
 */
const table: readonly Row[] = [
  { says: /^(No such backend|Can't find backend|No such proxy)/, kind: "notFound" },
  { says: /^Permission denied/i, kind: "denied" },
  { says: /cannot be removed at runtime/, kind: "denied" },
  { says: /^Server still has connections/, kind: "conflict", retryAfterMs: tryLaterMs },
  { says: /^Only servers in maintenance mode can be deleted/, kind: "conflict" },
  { says: /^No such server/, kind: "conflict" },
  { says: /^Already exists a server/, kind: "conflict" },
  { says: /no id left in proxy/, kind: "quota" },
  { says: /out of memory|memory error|[Cc]annot allocate/, kind: "temporary" },
  { says: /^Backend must use/, kind: "badRequest" },
  { says: /static LB algorithm/, kind: "badRequest" },
  { says: /^Absolute weight can only|^weight of server|^Require /, kind: "badRequest" },
  { says: /^invalid port|unknown keyword|not permitted in server name/, kind: "badRequest" },
  { says: /^Health check was not configured|^cannot change health/, kind: "badRequest" },
  { says: /experimental/i, kind: "badRequest" },
  { says: /^Unknown command/, kind: "badRequest" },
];

/** The answer to a change, as a fault; undefined when it was done. */
export function faultOfAnswer(answer: string, command: string): OutsideFault | undefined {
  const text = answer.trim();
  if (successes.has(text)) return undefined;
  const row = table.find(({ says }) => says.test(text));
  const firstLine = text.split("\n", 1)[0] ?? "";
  const message = `haproxy answered "${firstLine}" to "${command}"`;
  if (!row) return new OutsideFault("unknown", message);
  const { kind, retryAfterMs } = row;
  return new OutsideFault(kind, message, retryAfterMs === undefined ? {} : { retryAfterMs });
}

export function isGone(answer: string): boolean {
  return answer.startsWith("No such server");
}

export function isBusy(answer: string): boolean {
  return answer.startsWith("Server still has connections");
}
