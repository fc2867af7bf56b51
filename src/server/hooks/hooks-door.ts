import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { invalidFields, isFault } from "../../core/errors/fault.js";
import type { PolicyId } from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { Caller, Supervisor } from "../../supervisor/api.js";
import type { FoundWebhook } from "../../supervisor/webhooks.js";
import { startDeadline } from "../deadline.js";
import { answerJson, answerText, type HttpHandler } from "../transport/http-door.js";
import { readAlertmanager } from "./alertmanager.js";
import { type Allowance, type AllowanceLimits, createAllowance } from "./allowance.js";
import { answerLater, answerUnknown, laterOf, summaryOf } from "./answers.js";
import { readAodh } from "./aodh.js";
import { type HookKind, isMeantFor, readHookPath } from "./paths.js";
import { readBody } from "./read-body.js";
import type { AlertReport } from "./report.js";
import { tokenHashOf } from "./tokens.js";

export interface HooksDoorOptions {
  readonly supervisor: Pick<Supervisor, "webhooks" | "scaling">;
  readonly clock: Clock;
  readonly log: Log;
  readonly allowance?: AllowanceLimits;
}

/** A thousand notifications may come at once, and as many again within the minute. */
const allowanceDefault: AllowanceLimits = { burstMax: 1_200, perSecond: 20 };

/** As long as Alertmanager waits for an answer, less what the way takes. */
const answerMsMax = 9_000;
const bodyBytesMax = { execute: 64 * 1024, alertmanager: 4 * 1024 * 1024, aodh: 256 * 1024 };
const keyPattern = /^[\x21-\x7e]{1,128}$/;

interface Hook extends FoundWebhook {
  readonly kind: HookKind;
  readonly tokenHash: string;
  readonly caller: Caller;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * `POST /hooks/{token}` and `POST /alerts/{monitor}/{token}` (B7.3). What is answered 2xx is
 * durable. The token is hashed before anything else is done, and never told to anyone.
 */
export function createHooksDoor(options: HooksDoorOptions): HttpHandler {
  const { clock, log, supervisor } = options;
  const allowance = createAllowance(clock, options.allowance ?? allowanceDefault);

  async function answer(
    { kind, token }: { readonly kind: HookKind; readonly token: string },
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const limits = { clock, timeoutMs: answerMsMax, client: gone.signal, drain: undefined };
    const deadline = startDeadline(limits);
    try {
      const { signal } = deadline;
      const tokenHash = tokenHashOf(token);
      const caller = { principal: "", signal, endsAtMs: clock.monotonicMs() + answerMsMax };
      const found = await deadline.race(supervisor.webhooks.find(tokenHash, caller));
      if (found && isMeantFor(found.webhook.use, kind)) {
        const principal = `webhook:${found.webhook.policy}/${found.webhook.id}`;
        const hook = { ...found, kind, tokenHash, request, response };
        const own = { ...hook, caller: { ...caller, principal } };
        await deadline.race(take(own, supervisor, allowance));
      } else answerUnknown(response);
    } catch (error) {
      answerFailure(response, error, log);
    } finally {
      deadline.end();
    }
  }

  return (request, response) => {
    const asked = readHookPath(request.url ?? "");
    if (!asked) return false;
    if (request.method !== "POST") {
      response.setHeader("allow", "POST");
      answerText(response, 405, "only POST\n");
      return true;
    }
    void answer(asked, request, response);
    return true;
  };
}

async function take(
  hook: Hook,
  supervisor: HooksDoorOptions["supervisor"],
  allowance: Allowance,
): Promise<void> {
  const { kind, request, response } = hook;
  if (!isAllowed(hook, allowance, 1)) return;
  const body = await readBody(request, bodyBytesMax[kind]);
  if (!body) answerText(response, 413, `at most ${bodyBytesMax[kind]} bytes\n`);
  else if (kind === "execute") {
    const receipt = await execute(hook, supervisor);
    answerJson(response, 202, summaryOf(receipt));
  } else {
    const reports = kind === "aodh" ? readAodh(body) : readAlertmanager(body);
    // Each alert is an event of its own; one was paid for before the body was read.
    if (isAllowed(hook, allowance, Math.max(0, reports.length - 1)))
      await reportAll(hook, reports, supervisor);
  }
}

/**
 * Alertmanager sends again what was answered 5xx, and drops what was answered 4xx, 429 included.
 */
function isAllowed(hook: Hook, allowance: Allowance, events: number): boolean {
  const retryAfterMs = allowance.take(hook.tokenHash, events);
  if (retryAfterMs === 0) return true;
  const say = "too many events with this token";
  answerLater(hook.response, hook.kind === "execute" ? 429 : 503, { say, retryAfterMs });
  return false;
}

function execute(
  { key, webhook, request, caller }: Hook,
  { scaling }: Pick<Supervisor, "scaling">,
) {
  const ask = { kind: "policy", policy: webhook.policy } as const;
  const given = request.headers["idempotency-key"];
  if (given !== undefined && !(typeof given === "string" && keyPattern.test(given))) {
    const description = "must have 1 to 128 visible characters of ASCII";
    throw invalidFields([{ field: "idempotency-key", description }]);
  }
  // One sender's keys say nothing of another's.
  const once = given === undefined ? {} : { requestId: `webhook/${webhook.uid}/${given}` };
  return scaling.submit({ key, source: "webhook", ask, ...once }, caller);
}

/** Every alert is reported, whatever becomes of the others; then the worst answer is given. */
async function reportAll(
  hook: Hook,
  reports: readonly AlertReport[],
  supervisor: Pick<Supervisor, "scaling">,
): Promise<void> {
  const ended = await Promise.allSettled(reports.map((one) => report(hook, one, supervisor)));
  const failures = ended.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  const unexpected = failures.find((error) => !laterOf(error) && !isMendable(error));
  if (unexpected !== undefined) throw unexpected;
  const later = failures.map(laterOf).find((one) => one !== undefined);
  const alerts = ended.map((one, index) => ({
    key: reports[index]!.key,
    ...(one.status === "fulfilled" ? one.value : { error: (one.reason as Error).message }),
  }));
  if (later) answerLater(hook.response, 503, later);
  else answerJson(hook.response, failures.length === 0 ? 200 : 422, { alerts });
}

async function report(
  { key, webhook, caller }: Hook,
  { policy: named, ...alert }: AlertReport,
  { scaling }: Pick<Supervisor, "scaling">,
) {
  const policy = policyFor(webhook, named);
  const ask = { kind: "alert", policy, ...alert } as const;
  return { policy, ...summaryOf(await scaling.submit({ key, source: "alert", ask }, caller)) };
}

/** @throws Fault `FIELD_INVALID`: the webhook is not for the policy that the alert names. */
function policyFor({ policy, use }: FoundWebhook["webhook"], named = policy): PolicyId {
  if (named === policy || use === "groupAlerts") return named;
  const description = `this webhook reports to policy ${policy} alone`;
  throw invalidFields([{ field: "labels.muster_policy", description }]);
}

/** Wrong in what was sent: sending it again does not help. */
function isMendable(error: unknown): boolean {
  return isFault(error) && (error.code === "invalidArgument" || error.code === "notFound");
}

function answerFailure(response: ServerResponse, error: unknown, log: Log): void {
  const later = laterOf(error);
  if (response.headersSent) response.destroy();
  else if (later) answerLater(response, 503, later);
  else if (isFault(error) && error.code === "invalidArgument")
    answerText(response, 400, `${error.message}\n`);
  // Its policy or group went while it was looked at: as if it had been gone before.
  else if (isFault(error) && error.code === "notFound") answerUnknown(response);
  else if (!isFault(error, "CANCELLED") && !response.destroyed) {
    const incident = randomUUID();
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error({ incident, error: shown }, "webhook failed");
    answerText(response, 500, `internal error, incident ${incident}\n`);
  }
}
