import type { TestContext } from "node:test";
import type { Message, MessageInitShape } from "@bufbuild/protobuf";
import type { Log, LogFields } from "../../src/core/ports/log.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import type { GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import type { PolicySchema } from "../../src/gen/muster/v1/policy_pb.js";
import { PolicyService } from "../../src/gen/muster/v1/policy_service_pb.js";
import { createStaticTokens, type StaticToken } from "../../src/server/authenticator.js";
import type { Refusal } from "../../src/server/guard.js";
import {
  createInProcessTransport,
  createServer,
  type Server,
  type ServerOptions,
} from "../../src/server/server.js";
import {
  createConnectDoorClient,
  createGrpcDoorClient,
  createGrpcWebDoorClient,
  createTransportDoor,
  type Door,
} from "./doors.js";
import { createMemorySupervisor, type MemorySupervisor } from "./memory-supervisor.js";

export const tokens = {
  admin: "admin-token-0123456789",
  viewer: "viewer-token-0123456789",
  operator: "operator-token-0123456789",
  editor: "editor-token-0123456789",
  /** Of another account. */
  stranger: "stranger-token-0123456789",
  /** Bound to the whole installation. */
  root: "root-token-0123456789",
} as const;

const principals: readonly StaticToken[] = [
  { principal: "ann", token: tokens.admin, roles: [{ account: "acme", role: "admin" }] },
  { principal: "vic", token: tokens.viewer, roles: [{ account: "acme", role: "viewer" }] },
  { principal: "oli", token: tokens.operator, roles: [{ account: "acme", role: "operator" }] },
  { principal: "eda", token: tokens.editor, roles: [{ account: "acme", role: "editor" }] },
  { principal: "sam", token: tokens.stranger, roles: [{ account: "other", role: "admin" }] },
  { principal: "root", token: tokens.root, roles: [{ account: "*", role: "admin" }] },
];

export interface World {
  readonly server: Server;
  readonly supervisor: MemorySupervisor;
  readonly refusals: readonly Refusal[];
  readonly logged: readonly { readonly level: string; readonly fields: LogFields }[];
  readonly baseUrl: string;
  readonly target: string;
  /** gRPC, Connect, gRPC-Web. */
  readonly doors: readonly Door[];
  readonly grpc: Door;
  readonly connect: Door;
  /** Another client of the server, closed with the test. */
  open(door: Door): Door;
}

export async function createWorld(
  t: TestContext,
  options: Partial<ServerOptions> = {},
): Promise<World> {
  const clock = createSystemClock();
  const supervisor = createMemorySupervisor(clock);
  const refusals: Refusal[] = [];
  const logged: { level: string; fields: LogFields }[] = [];
  const server = await createServer({
    supervisor,
    authenticator: createStaticTokens(principals),
    log: createLog(logged),
    clock,
    listen: { host: "127.0.0.1", port: 0 },
    onRefused: (refusal) => refusals.push(refusal),
    ...options,
  });
  const target = `127.0.0.1:${server.port}`;
  const baseUrl = `${options.tls ? "https" : "http"}://${target}`;
  const opened: Door[] = [];
  const open = (door: Door) => {
    opened.push(door);
    return door;
  };
  t.after(async () => {
    for (const door of opened) door.close();
    await server.drain(0);
  });
  const grpc = open(createGrpcDoorClient(target));
  const connect = open(createConnectDoorClient(baseUrl));
  const doors = [grpc, connect, open(createGrpcWebDoorClient(baseUrl))];
  return {
    server,
    supervisor,
    refusals,
    logged,
    baseUrl,
    target,
    doors,
    grpc,
    connect,
    open,
  };
}

/** The guarded services without a socket, with the same tokens. */
export function createInProcessDoor(supervisor: MemorySupervisor): Door {
  const transport = createInProcessTransport({
    supervisor,
    authenticator: createStaticTokens(principals),
    log: createLog([]),
    clock: createSystemClock(),
  });
  return createTransportDoor("in-process", transport);
}

function createLog(logged: { level: string; fields: LogFields }[]): Log {
  const write = (level: string) => (fields: LogFields) => void logged.push({ level, fields });
  return {
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    debug: write("debug"),
  };
}

export const admin = { token: tokens.admin };

export const WEB = "accounts/acme/groups/web";

type GroupInit = Exclude<MessageInitShape<typeof GroupSchema>, Message>;
type PolicyInit = Exclude<MessageInitShape<typeof PolicySchema>, Message>;

export function validGroup(more: GroupInit = {}): GroupInit {
  return {
    displayName: "Web",
    placements: [{ colo: "iad", min: 2, max: 10 }],
    launchConfiguration: { image: "debian", flavor: "small" },
    ...more,
  };
}

export function validPolicy(more: PolicyInit = {}): PolicyInit {
  return { displayName: "Up", action: { case: "change", value: 1 }, ...more };
}

/** Creates group `web` of account `acme` with policy `up`. */
export async function createWeb(door: Door): Promise<void> {
  const parent = "accounts/acme";
  await door.unary(
    GroupService.method.createGroup,
    { parent, groupId: "web", group: validGroup() },
    admin,
  );
  await door.unary(
    PolicyService.method.createPolicy,
    { parent: WEB, policyId: "up", policy: validPolicy() },
    admin,
  );
}
