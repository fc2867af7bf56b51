import { OutsideFault, type OutsideFaultKind } from "../../core/errors/outside-fault.js";
import type { Service } from "./catalogue.js";
import { type HttpAnswer, type HttpMethod, isChange } from "./http.js";
import { refusalText } from "./refusal-text.js";

/** An answer that is none of success. */
export interface RefusedAnswer extends Pick<HttpAnswer, "status" | "headers" | "text" | "body"> {
  readonly service: Service | "identity";
  readonly method: HttpMethod;
  readonly requestId?: string | undefined;
}

/** One row: what must hold of an answer, and what it means then. The first that fits counts. */
interface Row {
  readonly status?: readonly number[];
  readonly service?: RefusedAnswer["service"];
  /** What the service says, in its own words. */
  readonly says?: RegExp;
  /** Whether the text is the service's own, and not that of something on the way to it. */
  readonly own?: boolean;
  readonly throttles?: boolean;
  readonly kind: OutsideFaultKind;
}

/**
 * What Nova's, Keystone's, Octavia's, Neutron's and Glance's refusals mean (B4.8), by code and
 * body.
 */
const rows: readonly Row[] = [
  { status: [429], kind: "throttled" },
  { status: [413], throttles: true, kind: "throttled" },
  { status: [413], kind: "quota" },
  { says: /\bno valid host\b/i, kind: "noCapacity" },
  // Nova and Octavia refuse with 403 what is over quota, Neutron with 409.
  {
    status: [403, 409],
    says: /\bquota\b|\bmaximum number of\b|\blimit exceeded\b/i,
    kind: "quota",
  },
  // Keystone knows no application credential that was deleted, or whose user is gone.
  { service: "identity", status: [404], says: /\bapplication credential\b/i, kind: "denied" },
  { service: "identity", status: [401, 403], kind: "denied" },
  { status: [401], kind: "denied" },
  // What may be created but not in this way (`servers:create:forced_host`) is the request's fault.
  { status: [403], says: /policy doesn't allow \S+:(create|update):\S+/i, kind: "badRequest" },
  { status: [403], says: /\bpolicy\b/i, kind: "denied" },
  { status: [403], kind: "badRequest" },
  // Neutron answers so at an address where it has nothing at all.
  { status: [404], says: /\(HTTPNotFound\)/, kind: "unknown" },
  { status: [404], own: true, kind: "notFound" },
  // Glance tells of an image that is not there in a page for people.
  { service: "image", status: [404], says: /\bno image found\b/i, kind: "notFound" },
  // A request that names too little: asked again, it gets the same answer.
  {
    status: [409],
    says: /\bmultiple possible networks\b|\bmultiple \S+ matches\b/i,
    kind: "badRequest",
  },
  { status: [409], kind: "conflict" },
  { status: [400, 405, 406, 411, 414, 415, 422], kind: "badRequest" },
  { status: [408, 500, 502, 503, 504], kind: "temporary" },
];

/** @param nowMs wall time, for a `Retry-After` that names an instant. */
export function classify(answer: RefusedAnswer, nowMs: number): OutsideFault {
  const { status, service, method, requestId } = answer;
  const { say, isOwn } = refusalText(answer);
  const retryAfterMs = retryAfter(answer, nowMs);
  const throttles = retryAfterMs !== undefined || /"overLimit"/.test(answer.text);
  const row = rows.find(
    (one) =>
      (one.status?.includes(status) ?? true) &&
      (one.service === undefined || one.service === service) &&
      (one.says?.test(say) ?? true) &&
      (one.own === undefined || one.own === isOwn) &&
      (one.throttles === undefined || one.throttles === throttles),
  );
  return new OutsideFault(row?.kind ?? "unknown", `${service} answers ${status}: ${say}`, {
    ambiguous: isChange(method) && mayHaveHappened(status),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(requestId !== undefined && { requestId }),
  });
}

/** Who answers below 500 has looked at the request and turned it down; but for a lost body (408). */
function mayHaveHappened(status: number): boolean {
  return status < 300 || status === 408 || status >= 500;
}

function retryAfter({ headers }: RefusedAnswer, nowMs: number): number | undefined {
  const text = headers["retry-after"];
  if (typeof text !== "string" || text === "") return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), retryAfterMsMax);
}

/** Nothing outside puts us off for longer. */
const retryAfterMsMax = 3_600_000;
