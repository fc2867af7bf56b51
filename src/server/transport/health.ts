import { create, type MessageShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  Health,
  type HealthCheckRequest,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.js";
import type { DrainSwitch } from "../drain-switch.js";
import { definitionOf, type OpenService } from "./grpc-door.js";

type Answer = MessageShape<typeof HealthCheckResponseSchema>;

/** grpc.health.v1: SERVING until the drain starts, for the whole server and for each service. */
export function createHealthService(names: readonly string[], drain: DrainSwitch): OpenService {
  const served = new Set(["", ...names]);
  const statusOf = (service: string) =>
    !served.has(service)
      ? Status.SERVICE_UNKNOWN
      : drain.draining
        ? Status.NOT_SERVING
        : Status.SERVING;
  const answer = (service: string): Answer =>
    create(HealthCheckResponseSchema, { status: statusOf(service) });
  const check: grpc.handleUnaryCall<HealthCheckRequest, Answer> = (call, callback) => {
    const { service } = call.request;
    if (served.has(service)) return callback(null, answer(service));
    callback({ code: grpc.status.NOT_FOUND, details: `${service} is not served here` });
  };
  const watch: grpc.handleServerStreamingCall<HealthCheckRequest, Answer> = (call) => {
    const { service } = call.request;
    call.write(answer(service));
    const leave = drain.onDrain(() => {
      if (served.has(service)) call.write(answer(service));
      call.end();
    });
    call.on("cancelled", leave);
  };
  return {
    definition: definitionOf(Health.typeName, Health.methods),
    handlers: { Check: check, Watch: watch } as grpc.UntypedServiceImplementation,
  };
}
