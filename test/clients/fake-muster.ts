import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo, Server as NetServer } from "node:net";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import { AccessService } from "../../src/gen/muster/v1/access_service_pb.js";
import { ColoService } from "../../src/gen/muster/v1/colo_service_pb.js";
import { EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { PolicyService } from "../../src/gen/muster/v1/policy_service_pb.js";
import { ScalingService } from "../../src/gen/muster/v1/scaling_service_pb.js";
import { ScheduleService } from "../../src/gen/muster/v1/schedule_service_pb.js";
import { ServerService } from "../../src/gen/muster/v1/server_service_pb.js";
import { fakeEvents, type StreamFaults } from "./fake-events.js";
import { fakeSchedules } from "./fake-schedules.js";
import {
  fakeAccess,
  fakeColos,
  fakeGroups,
  fakePolicies,
  fakeScaling,
  fakeServers,
} from "./fake-services.js";
import { createFakeWorld, type FakeWorld, refusal } from "./fake-world.js";

export interface FakeMuster {
  readonly world: FakeWorld;
  readonly streamFaults: StreamFaults;
  /** Errors for the next calls of a method, by its name; each is used once. */
  readonly callFaults: Map<string, ConnectError[]>;
  readonly requests: { readonly method: string; readonly message: Message }[];
  /** Connect and gRPC-Web over HTTP/1.1. */
  readonly address: string;
  /** gRPC over HTTP/2 in clear text. */
  readonly grpcAddress: string;
  close(): Promise<void>;
}

export async function startFakeMuster(options: {
  readonly token: string;
  readonly colo: string;
}): Promise<FakeMuster> {
  const world = createFakeWorld(options.colo);
  const streamFaults: StreamFaults = { planned: [], fired: [], keptFrom: 0 };
  const callFaults: FakeMuster["callFaults"] = new Map();
  const requests: { method: string; message: Message }[] = [];
  const stop = new AbortController();
  const guard: Interceptor = (next) => async (request) => {
    if (request.header.get("authorization") !== `Bearer ${options.token}`) {
      throw refusal(Code.Unauthenticated, "TOKEN_INVALID", "the token is not known");
    }
    const fault = callFaults.get(request.method.name)?.shift();
    if (fault !== undefined) throw fault;
    if (!request.stream) {
      requests.push({ method: request.method.name, message: request.message });
      validate(request.method.input, request.message);
    }
    return next(request);
  };
  const handle = connectNodeAdapter({
    interceptors: [guard],
    shutdownSignal: stop.signal,
    routes: (router) => {
      router.service(GroupService, fakeGroups(world));
      router.service(PolicyService, fakePolicies(world));
      router.service(ScheduleService, fakeSchedules(world));
      router.service(ScalingService, fakeScaling(world));
      router.service(ServerService, fakeServers(world));
      router.service(EventService, fakeEvents(world, streamFaults));
      router.service(ColoService, fakeColos(world));
      router.service(AccessService, fakeAccess(world));
    },
  });
  const plain = http.createServer(handle);
  const h2 = http2.createServer(handle);
  const sessions = new Set<http2.ServerHttp2Session>();
  h2.on("session", (session) => sessions.add(session));
  return {
    world,
    streamFaults,
    callFaults,
    requests,
    address: await listen(plain),
    grpcAddress: await listen(h2),
    async close() {
      stop.abort();
      for (const session of sessions) session.destroy();
      plain.closeAllConnections();
      // What `close` returns is not the same for both kinds in every version of Node.
      const closed = [plain, h2].map((server) => once(server, "close"));
      for (const server of [plain, h2]) server.close();
      await Promise.all(closed);
    },
  };
}

async function listen(server: NetServer): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const validator = createValidator();

/** Every violation, not only the first (B1.2). */
function validate(schema: DescMessage, message: Message): void {
  const { violations } = validator.validate(schema, message);
  if (violations === undefined) return;
  const fieldViolations = violations.map((one) => ({
    field: pathToString(one.field),
    description: one.message,
  }));
  throw new ConnectError("the request breaks rules", Code.InvalidArgument, undefined, [
    { desc: ErrorInfoSchema, value: { reason: "FIELD_INVALID", domain: "muster" } },
    { desc: BadRequestSchema, value: { fieldViolations } },
  ]);
}
