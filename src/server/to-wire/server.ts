import { create } from "@bufbuild/protobuf";
import type { GroupKey } from "../../core/model/ids.js";
import type { ServerAddress, ServerState } from "../../core/model/server.js";
import * as wire from "../../gen/muster/v1/server_service_pb.js";
import type { OrphanView, ServerView } from "../../supervisor/api.js";
import { eventName, serverName } from "../names.js";
import { writeCause } from "./cause.js";
import { writeTime } from "./time.js";

export function writeServer(key: GroupKey, { colo, copySeenAtMs, row }: ServerView): wire.Server {
  return create(wire.ServerSchema, {
    name: serverName(key, row.id),
    colo,
    state: serverStates[row.state],
    stateTime: writeTime(row.sinceMs),
    createTime: writeTime(row.createdAtMs),
    ...(row.inServiceAtMs !== undefined && { inServiceTime: writeTime(row.inServiceAtMs) }),
    cloudId: row.cloudId ?? "",
    cloudStatus: row.cloudStatus ?? "",
    address: row.address ? writeAddress(row.address) : "",
    launchRevision: BigInt(row.launchRevision),
    flavor: row.choice?.flavor ?? "",
    availabilityZone: row.choice?.zone ?? "",
    protected: row.protected,
    memberships: row.memberships.map((membership) => ({
      loadBalancer: membership.loadBalancer,
      address: writeAddress(membership),
      state: membership.state,
    })),
    ...(row.leaving && { leaving: writeCause(row.leaving) }),
    fault: row.fault ?? "",
    createRequestId: row.createRequestId ?? "",
    consoleTail: row.consoleTail ?? "",
    reportedUnhealthy: row.reported?.reason ?? "",
    ...(copySeenAtMs !== undefined && { copyTime: writeTime(copySeenAtMs) }),
    createdBy: row.createdBy ? eventName(key.account, row.createdBy) : "",
  });
}

export function writeOrphan({ key, orphan }: OrphanView): wire.Orphan {
  const { cloudId, name, claims, why, firstSeenAtMs, deleteOrder } = orphan;
  return create(wire.OrphanSchema, {
    ...{ cloudId, colo: key.colo, group: key.group, displayName: name, claims, why },
    firstSeenTime: writeTime(firstSeenAtMs),
    ...(deleteOrder && { deleteOrderTime: writeTime(deleteOrder.atMs) }),
  });
}

/** `host` where the port is unknown, `host:port` otherwise; IPv6 in brackets. */
function writeAddress({ host, port }: ServerAddress): string {
  if (port === 0) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const serverStates = {
  intended: wire.ServerState.INTENDED,
  unconfirmed: wire.ServerState.UNCONFIRMED,
  abandoned: wire.ServerState.ABANDONED,
  building: wire.ServerState.BUILDING,
  launching: wire.ServerState.LAUNCHING,
  inService: wire.ServerState.IN_SERVICE,
  standingBy: wire.ServerState.STANDING_BY,
  draining: wire.ServerState.DRAINING,
  deleting: wire.ServerState.DELETING,
  releasing: wire.ServerState.RELEASING,
  gone: wire.ServerState.GONE,
} as const satisfies Record<ServerState, wire.ServerState>;

const statesByNumber: ReadonlyMap<wire.ServerState, ServerState> = new Map(
  Object.entries(serverStates).map(([state, number]) => [number, state as ServerState]),
);

/** For states that validation has let pass. */
export function readServerState(state: wire.ServerState): ServerState {
  return statesByNumber.get(state)!;
}
