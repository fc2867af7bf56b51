import { AccessService } from "../../gen/muster/v1/access_service_pb.js";
import { ColoService } from "../../gen/muster/v1/colo_service_pb.js";
import { EventService } from "../../gen/muster/v1/event_service_pb.js";
import { GroupService } from "../../gen/muster/v1/group_service_pb.js";
import { NotifierService } from "../../gen/muster/v1/notifier_service_pb.js";
import { PolicyService } from "../../gen/muster/v1/policy_service_pb.js";
import { ScalingService } from "../../gen/muster/v1/scaling_service_pb.js";
import { ScheduleService } from "../../gen/muster/v1/schedule_service_pb.js";
import { ServerService } from "../../gen/muster/v1/server_service_pb.js";
import { WebhookService } from "../../gen/muster/v1/webhook_service_pb.js";
import type { Supervisor } from "../../supervisor/api.js";
import type { Guard } from "../guard.js";
import type { GuardedService } from "../guarded.js";
import type { ServerLimits } from "../limits.js";
import type { RequestValidator } from "../validate.js";
import { createAccessService } from "./access-service.js";
import { createColoService } from "./colo-service.js";
import { createEventService } from "./event-service.js";
import { createGroupService } from "./group-service.js";
import { createNotifierService } from "./notifier-service.js";
import { createPolicyService } from "./policy-service.js";
import { createScalingService } from "./scaling-service.js";
import { createScheduleService } from "./schedule-service.js";
import { createServerService } from "./server-service.js";
import { createWebhookService } from "./webhook-service.js";

/** The whole public API, guarded, ready for any door. */
export function createServices(
  supervisor: Supervisor,
  guard: Guard,
  { validator, limits }: { readonly validator: RequestValidator; readonly limits: ServerLimits },
): readonly GuardedService[] {
  return [
    guard.wrap(GroupService, createGroupService(supervisor.groups, { validator, limits })),
    guard.wrap(PolicyService, createPolicyService(supervisor, validator)),
    guard.wrap(WebhookService, createWebhookService(supervisor.webhooks)),
    guard.wrap(ScheduleService, createScheduleService(supervisor, validator)),
    guard.wrap(NotifierService, createNotifierService(supervisor.notifiers)),
    guard.wrap(ScalingService, createScalingService(supervisor.scaling)),
    guard.wrap(ServerService, createServerService(supervisor.servers)),
    guard.wrap(EventService, createEventService(supervisor.events, limits)),
    guard.wrap(ColoService, createColoService(supervisor.colos)),
    guard.wrap(AccessService, createAccessService(supervisor.access)),
  ];
}
