import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { AccessService } from "../../src/gen/muster/v1/access_service_pb.js";
import { ColoService } from "../../src/gen/muster/v1/colo_service_pb.js";
import { EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { NotifierService } from "../../src/gen/muster/v1/notifier_service_pb.js";
import { PolicyService } from "../../src/gen/muster/v1/policy_service_pb.js";
import { ScalingService } from "../../src/gen/muster/v1/scaling_service_pb.js";
import { ScheduleService } from "../../src/gen/muster/v1/schedule_service_pb.js";
import { ServerService } from "../../src/gen/muster/v1/server_service_pb.js";
import { WebhookService } from "../../src/gen/muster/v1/webhook_service_pb.js";
import { type ClientTls, createClientTransport, type TransportKind } from "./transport.js";

export { type ExplainedError, explainError, type Violation } from "./explain-error.js";
export {
  type FollowedBatch,
  type FollowOptions,
  type FollowRetry,
  followEvents,
} from "./follow-events.js";
export {
  accountName,
  coloName,
  credentialsName,
  eventName,
  groupName,
  idOf,
  notifierName,
  policyName,
  scheduleName,
  serverName,
  webhookName,
} from "./names.js";
export type { ClientTls, TransportKind } from "./transport.js";

export interface MusterClient {
  readonly groups: Client<typeof GroupService>;
  readonly policies: Client<typeof PolicyService>;
  readonly notifiers: Client<typeof NotifierService>;
  readonly webhooks: Client<typeof WebhookService>;
  readonly schedules: Client<typeof ScheduleService>;
  readonly scaling: Client<typeof ScalingService>;
  readonly servers: Client<typeof ServerService>;
  readonly events: Client<typeof EventService>;
  readonly colos: Client<typeof ColoService>;
  readonly access: Client<typeof AccessService>;
  /** Ends the kept connections. Without it they keep a process alive for a little. */
  close(): void;
}

export interface MusterClientOptions {
  /** `host:port`, or a URL: `https://muster.example:7350`. */
  readonly address: string;
  /** Sent with every call. A function is asked before each, so that tokens can be renewed. */
  readonly token?: string | (() => string | Promise<string>);
  /** Asks for TLS, as does an address with https. */
  readonly tls?: ClientTls;
  /** Default `connect`, over HTTP/1.1, which passes every proxy. `grpc` needs HTTP/2. */
  readonly transport?: TransportKind;
}

/**
 * Typed clients of all services. Connects on the first call. Calls throw ConnectError: see
 * `explainError`. None is repeated: repeat with the same `request_id` yourself where one was given.
 */
export function createMusterClient(options: MusterClientOptions): MusterClient {
  const { transport, close } = createClientTransport({
    address: options.address,
    kind: options.transport ?? "connect",
    tls: options.tls,
    interceptors: options.token === undefined ? [] : [authorize(options.token)],
  });
  return { ...createEmbeddedClient(transport), close };
}

/**
 * The same clients over a transport that exists already, such as the `transport` of a Muster in
 * this process: no port, no token. Its `close` has nothing to end.
 */
export function createEmbeddedClient(transport: Transport): MusterClient {
  return {
    groups: createClient(GroupService, transport),
    policies: createClient(PolicyService, transport),
    notifiers: createClient(NotifierService, transport),
    webhooks: createClient(WebhookService, transport),
    schedules: createClient(ScheduleService, transport),
    scaling: createClient(ScalingService, transport),
    servers: createClient(ServerService, transport),
    events: createClient(EventService, transport),
    colos: createClient(ColoService, transport),
    access: createClient(AccessService, transport),
    close() {},
  };
}

function authorize(token: NonNullable<MusterClientOptions["token"]>): Interceptor {
  return (next) => async (request) => {
    const current = typeof token === "string" ? token : await token();
    request.header.set("authorization", `Bearer ${current}`);
    return next(request);
  };
}
