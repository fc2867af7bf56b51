import { EventEmitter } from "node:events";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import { CauseSchema } from "../../src/gen/muster/v1/cause_pb.js";
import {
  AdmissionPhase,
  type Colo,
  ColoSchema,
  OperationClass,
} from "../../src/gen/muster/v1/colo_service_pb.js";
import { type Event, EventSchema } from "../../src/gen/muster/v1/event_service_pb.js";
import {
  ConditionSchema,
  type Group,
  GroupStatusSchema,
  PlacementStatusSchema,
} from "../../src/gen/muster/v1/group_pb.js";
import type { Policy } from "../../src/gen/muster/v1/policy_pb.js";
import type { Receipt } from "../../src/gen/muster/v1/receipt_pb.js";
import type { Schedule } from "../../src/gen/muster/v1/schedule_pb.js";
import {
  type Server,
  ServerSchema,
  ServerState,
} from "../../src/gen/muster/v1/server_service_pb.js";

/** Groups of one placement, whose time passes only while somebody looks: no timers, no chance. */
export interface FakeWorld {
  readonly groups: Map<string, Group>;
  readonly policies: Map<string, Policy>;
  readonly schedules: Map<string, Schedule>;
  /** By group; in order of birth. */
  readonly servers: Map<string, Server[]>;
  readonly colo: Colo;
  readonly receipts: Map<string, Receipt>;
  readonly executedAtMs: Map<string, number>;
  readonly events: Event[];
  /** Emits `event` after each. */
  readonly changes: EventEmitter;
}

export function createFakeWorld(colo: string): FakeWorld {
  const changes = new EventEmitter();
  changes.setMaxListeners(0);
  return {
    groups: new Map(),
    policies: new Map(),
    schedules: new Map(),
    servers: new Map(),
    colo: create(ColoSchema, {
      ...{ name: `colos/${colo}`, cloudDriver: "fake" },
      admissions: [{ api: "cloud", phase: AdmissionPhase.CLOSED, inFlight: 3, inFlightMax: 48 }],
    }),
    receipts: new Map(),
    executedAtMs: new Map(),
    events: [],
    changes,
  };
}

export function record(
  world: FakeWorld,
  group: string,
  draft: MessageInitShape<typeof EventSchema>,
): Event {
  const sequence = world.events.filter((one) => one.group === group).length + 1;
  const account = group.split("/groups/")[0] ?? "";
  const event = create(EventSchema, {
    name: `${account}/events/e${world.events.length + 1}`,
    time: timestampNow(),
    group,
    colo: world.colo.name.slice("colos/".length),
    sequence: BigInt(sequence),
    principal: "test",
    ...draft,
  });
  world.events.push(event);
  world.changes.emit("event");
  return event;
}

/** One turn: one server more or less per look, unless paused or braked. */
export function turn(world: FakeWorld, group: Group): void {
  const servers = world.servers.get(group.name) ?? [];
  const target = group.target ?? 0;
  const paused = group.status?.placements[0]?.pause !== undefined;
  const braked = (of: OperationClass) => world.colo.brakes.some((one) => one.operation === of);
  if (!paused) {
    const building = servers.find((one) => one.state === ServerState.BUILDING);
    const leaving = servers.find((one) => one.state === ServerState.DELETING);
    if (leaving !== undefined) {
      servers.splice(servers.indexOf(leaving), 1);
      record(world, group.name, { type: "server.gone", message: "a server is gone" });
    } else if (building !== undefined) {
      building.state = ServerState.IN_SERVICE;
      record(world, group.name, { type: "server.in_service", message: "a server is in service" });
    } else if (servers.length < target && !braked(OperationClass.CREATE)) {
      servers.push(newServer(group, servers));
      record(world, group.name, { type: "server.building", message: "a server is being built" });
    } else if (servers.length > target && !braked(OperationClass.DELETE)) {
      const [oldest] = servers;
      if (oldest !== undefined) oldest.state = ServerState.DELETING;
    }
  }
  world.servers.set(group.name, servers);
  settle(world, group);
}

/** Writes the group's status from its servers. */
export function settle(world: FakeWorld, group: Group): void {
  const servers = world.servers.get(group.name) ?? [];
  const count = (state: ServerState) => servers.filter((one) => one.state === state).length;
  const target = group.target ?? 0;
  const inService = count(ServerState.IN_SERVICE);
  const pending = count(ServerState.BUILDING);
  const braked = world.colo.brakes.some((one) => one.operation === OperationClass.CREATE);
  const { pause, processPauses = [] } = group.status?.placements[0] ?? {};
  const buildingCause = create(CauseSchema, {
    rule: "B4.2",
    code: "BUILDING",
    message: `${pending} still build`,
  });
  const brakeCause = create(CauseSchema, {
    rule: "B9.1",
    code: "BRAKE_SET",
    message: `creating is stopped: ${world.colo.brakes[0]?.reason ?? ""}`,
  });
  const converged = servers.length === inService && inService === target;
  const condition = (type: string, holds: boolean, causes: (typeof buildingCause)[] = []) =>
    create(ConditionSchema, { type, holds, causes: holds ? causes : [] });
  const placement = create(PlacementStatusSchema, {
    colo: group.placements[0]?.colo ?? "",
    target,
    inService,
    pending,
    leaving: count(ServerState.DELETING),
    conditions: [
      condition("converged", converged),
      condition("waiting", pending > 0, [buildingCause]),
      condition("braked", braked, [brakeCause]),
    ],
    ...(pause === undefined ? {} : { pause }),
    processPauses,
  });
  const deleting = group.status?.deleting ?? false;
  group.status = create(GroupStatusSchema, { placements: [placement], deleting });
}

function newServer(group: Group, servers: readonly Server[]): Server {
  const serial = Math.max(0, ...servers.map((one) => Number(one.cloudId.slice(6)))) + 1;
  return create(ServerSchema, {
    name: `${group.name}/servers/s${serial}`,
    colo: group.placements[0]?.colo ?? "",
    state: ServerState.BUILDING,
    stateTime: timestampNow(),
    createTime: timestampNow(),
    cloudId: `cloud-${serial}`,
    cloudStatus: "BUILD",
    address: `127.0.0.1:${9000 + serial}`,
    launchRevision: group.launchRevision,
    flavor: group.launchConfiguration?.flavor ?? "",
  });
}

/** As the server answers: one ErrorInfo, with its facts. */
export function refusal(
  code: Code,
  reason: string,
  say: string,
  metadata: Readonly<Record<string, string>> = {},
): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason, domain: "muster", metadata } };
  return new ConnectError(say, code, undefined, [info]);
}

export function found<Kind>(kind: Kind | undefined, reason: string, name: string): Kind {
  if (kind === undefined) throw refusal(Code.NotFound, reason, `there is no ${name}`);
  return kind;
}
