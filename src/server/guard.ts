import { randomUUID } from "node:crypto";
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { Fault, invalidFields, isFault } from "../core/errors/fault.js";
import type { Clock } from "../core/ports/clock.js";
import type { Log } from "../core/ports/log.js";
import type { Caller } from "../supervisor/api.js";
import { accessOf, type MethodAccess } from "./access.js";
import type { Authenticator, Principal } from "./authenticator.js";
import { type Deadline, shuttingDown, startDeadline } from "./deadline.js";
import type { DrainSwitch } from "./drain-switch.js";
import type { CallContext, GuardedMethod, GuardedService, ServiceMethods } from "./guarded.js";
import type { ServerLimits } from "./limits.js";
import { notFound, type ResourceName, readName } from "./names.js";
import type { Permission } from "./permissions.js";
import { type StatusError, statusOfFault, statusOfIncident } from "./status-error.js";
import type { RequestValidator } from "./validate.js";

/**
 * Wraps services once, for all doors: who calls, may they, is it legal, how long, how it failed.
 */
export interface Guard {
  /** @throws Error when a method declares no permission (B10.2). */
  wrap<Desc extends DescService>(desc: Desc, methods: ServiceMethods<Desc>): GuardedService;
}

export interface GuardOptions {
  readonly authenticator: Authenticator;
  readonly validator: RequestValidator;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: ServerLimits;
  readonly drain: DrainSwitch;
  readonly onRefused: (refusal: Refusal) => void;
}

/** A refusal of permission, for the audit (B10.5). */
export interface Refusal {
  readonly atMs: number;
  readonly principal: string;
  readonly address: string;
  /** Full name of the method, `muster.v1.GroupService.GetGroup`. */
  readonly method: string;
  /** Name of the resource; "" for the whole installation. */
  readonly resource: string;
  readonly permission: string;
}

type AnyUnary = (request: Message, caller: Caller) => Promise<MessageInitShape<DescMessage>>;
type AnyStream = (request: Message, caller: Caller) => AsyncIterable<Message>;

export function createGuard(options: GuardOptions): Guard {
  return {
    wrap(desc, methods) {
      const handlers = methods as Readonly<Record<string, AnyUnary | AnyStream>>;
      return {
        desc,
        methods: desc.methods.map((method) => {
          const handler = handlers[method.localName];
          if (!handler) throw new Error(`${nameOf(method)} is not served`);
          return wrapMethod(method, handler, options);
        }),
      };
    },
  };
}

function wrapMethod(
  method: DescMethod,
  handler: AnyUnary | AnyStream,
  options: GuardOptions,
): GuardedMethod {
  const access = accessOf(method);
  options.validator.prepare(method.input);
  const admit = (request: Message, context: CallContext) =>
    admission({ method, access, request, context, options });
  const wrapping = { admit, options, access };
  if (isUnary(method)) return wrapUnary(method, handler as AnyUnary, wrapping);
  if (isStream(method)) return wrapStream(method, handler as AnyStream, wrapping);
  throw new Error(`${nameOf(method)}: no door serves ${method.methodKind} methods`);
}

function isUnary(method: DescMethod): method is UnaryDesc {
  return method.methodKind === "unary";
}

function isStream(method: DescMethod): method is StreamDesc {
  return method.methodKind === "server_streaming";
}

interface Wrapping {
  readonly admit: (request: Message, context: CallContext) => Promise<Principal>;
  readonly access: MethodAccess;
  readonly options: GuardOptions;
}

type UnaryDesc = DescMethod & DescMethodUnary;
type StreamDesc = DescMethod & DescMethodServerStreaming;

function wrapUnary(desc: UnaryDesc, handler: AnyUnary, wrapping: Wrapping): GuardedMethod {
  const { clock, limits } = wrapping.options;
  return {
    kind: "unary",
    desc,
    async call(request, context) {
      const timeoutMs = Math.min(context.timeoutMs ?? limits.timeoutMsDefault, limits.timeoutMsMax);
      const client = context.signal;
      const endsAtMs = clock.monotonicMs() + timeoutMs;
      const deadline = startDeadline({ clock, timeoutMs, client, drain: undefined });
      const run = async () => {
        const principal = await wrapping.admit(request, context);
        deadline.signal.throwIfAborted(); // Nothing starts for a caller who is gone.
        return handler(request, { principal: principal.name, signal: deadline.signal, endsAtMs });
      };
      try {
        return create(desc.output, await deadline.race(run()));
      } catch (error) {
        throw statusOf(error, { desc, request, deadline, wrapping });
      } finally {
        deadline.end();
      }
    },
  };
}

function wrapStream(desc: StreamDesc, handler: AnyStream, wrapping: Wrapping): GuardedMethod {
  const { clock, drain, log } = wrapping.options;
  return {
    kind: "server_streaming",
    desc,
    async *call(request, context) {
      const { timeoutMs, signal: client } = context;
      const deadline = startDeadline({ clock, timeoutMs, client, drain });
      let items: AsyncIterator<Message> | undefined;
      try {
        const principal = await deadline.race(wrapping.admit(request, context));
        const caller = { principal: principal.name, signal: deadline.signal };
        items = handler(request, caller)[Symbol.asyncIterator]();
        // Ends with the stream: by its deadline, its client's going, a fault or a drain.
        for (;;) {
          const next = await deadline.race(items.next());
          if (next.done) return;
          yield next.value;
        }
      } catch (error) {
        throw statusOf(error, { desc, request, deadline, wrapping });
      } finally {
        deadline.end();
        // Not waited for: a source that is slow to end must not keep its reader.
        items?.return?.().catch((error) => log.warn({ error: String(error) }, "stream end failed"));
      }
    },
  };
}

interface Admission {
  readonly method: DescMethod;
  readonly access: MethodAccess;
  readonly request: Message;
  readonly context: CallContext;
  readonly options: GuardOptions;
}

/** Authentication, permission and validation, in this order: strangers learn nothing. */
async function admission(ask: Admission): Promise<Principal> {
  const { access, context, request, options, method } = ask;
  if (options.drain.draining) throw shuttingDown();
  const { authorization, address } = context;
  const principal = await options.authenticator.authenticate({ authorization, address });
  if (!principal) throw new Fault("TOKEN_INVALID", { say: "a valid bearer token is required" });
  const resource = access.resourceOf(request);
  const name = resource === undefined ? undefined : readName(resource);
  // What is no name at all is left to validation, which names the field.
  if (resource === undefined || name) authorize(ask, principal, name);
  const violations = options.validator.violationsOf(method.input, request);
  if (violations.length > 0) throw invalidFields(violations);
  if (resource !== undefined && !name)
    throw invalidFields([{ field: access.resourcePath, description: "is not a resource name" }]);
  return principal;
}

function authorize(ask: Admission, principal: Principal, name: ResourceName | undefined): void {
  const bindings = principal.bindings.filter(
    ({ account }) => account === "*" || account === name?.account,
  );
  const holds = (permission: Permission) => bindings.some((one) => one.permissions.has(permission));
  const missing = ask.access.needsOf(ask.request).find((anyOf) => !anyOf.some(holds));
  if (!missing) return;
  const permission = missing.join(" or ");
  ask.options.onRefused({
    atMs: ask.options.clock.nowMs(),
    principal: principal.name,
    address: ask.context.address,
    method: nameOf(ask.method),
    resource: name?.text ?? "",
    permission,
  });
  if (name && bindings.length === 0) throw notFound(name); // Not theirs at all (B10.4).
  const facts = { permission, resource: name?.text ?? "" };
  throw new Fault("PERMISSION_MISSING", { say: `needs the permission ${permission}`, facts });
}

interface Failure {
  readonly desc: DescMethod;
  readonly request: Message;
  readonly deadline: Deadline;
  readonly wrapping: Wrapping;
}

function statusOf(error: unknown, failure: Failure): StatusError {
  const { desc, request, deadline, wrapping } = failure;
  if (isFault(error) && error.code !== "internal") {
    const name = readName(wrapping.access.resourceOf(request) ?? "");
    const same = name && ownReasons.has(error.reason) ? notFound(name, error.reason) : error;
    return statusOfFault(same);
  }
  // Whatever an aborted handler throws is a consequence of the abort.
  if (deadline.signal.aborted) return statusOfFault(deadline.signal.reason);
  const incident = randomUUID();
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const cause = error instanceof Error && error.cause !== undefined ? String(error.cause) : "";
  wrapping.options.log.error(
    { incident, method: nameOf(desc), error: shown, cause },
    "call failed",
  );
  return statusOfIncident(incident);
}

/** Said in the guard's words, whoever found it, so that "missing" and "not yours" are one text. */
const ownReasons: ReadonlySet<string> = new Set([
  "GROUP_NOT_FOUND",
  "POLICY_NOT_FOUND",
  "WEBHOOK_NOT_FOUND",
  "NOTIFIER_NOT_FOUND",
  "SCHEDULE_NOT_FOUND",
  "SERVER_NOT_FOUND",
  "CREDENTIALS_NOT_FOUND",
]);

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}.${method.name}`;
}
