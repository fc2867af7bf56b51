import type { CloudServerId, ColoId, ServerId } from "../../core/model/ids.js";
import { ServerHealth, type ServerService } from "../../gen/muster/v1/server_service_pb.js";
import type { ServerUseCases } from "../../supervisor/api.js";
import { readDuration } from "../from-wire/time.js";
import type { ServiceMethods } from "../guarded.js";
import { accountOf, groupKeyOf, serverOf } from "../names.js";
import { readServerState, writeOrphan, writeServer } from "../to-wire/server.js";
import { type Filter, readPageToken, writeNextPageToken } from "../tokens.js";
import { given, readPageSize } from "./fields.js";

/** A report holds for so long when it does not say. */
const healthReportMs = 600_000;

export function createServerService(servers: ServerUseCases): ServiceMethods<typeof ServerService> {
  return {
    async listServers(request, caller) {
      const key = groupKeyOf(request.parent);
      const states = request.states.map(readServerState);
      const filter: Filter = ["ListServers", request.parent, states.toSorted()];
      const after = readPageToken(filter, request.pageToken) as ServerId | undefined;
      const pageSize = readPageSize(request.pageSize);
      const { items, more } = await servers.list(
        { key, pageSize, states, ...given({ after }) },
        caller,
      );
      const last = items.at(-1)?.row.id;
      return {
        servers: items.map((view) => writeServer(key, view)),
        nextPageToken: writeNextPageToken(filter, { last, more }),
      };
    },
    async getServer({ name }, caller) {
      const { key, server } = serverOf(name);
      return { server: writeServer(key, await servers.get(key, server, caller)) };
    },
    async deleteServer({ name, replace }, caller) {
      const { key, server } = serverOf(name);
      return { server: writeServer(key, await servers.delete({ key, server, replace }, caller)) };
    },
    async releaseServer({ name, replace }, caller) {
      const { key, server } = serverOf(name);
      return { server: writeServer(key, await servers.release({ key, server, replace }, caller)) };
    },
    async adoptServer({ parent, colo, cloudId, keepTarget }, caller) {
      const key = groupKeyOf(parent);
      const request = { key, ...inCloud(colo, cloudId), keepTarget };
      return { server: writeServer(key, await servers.adopt(request, caller)) };
    },
    async listOrphans({ parent }, caller) {
      return { orphans: (await servers.orphans(accountOf(parent), caller)).map(writeOrphan) };
    },
    async deleteOrphan({ parent, colo, cloudId }, caller) {
      const request = { account: accountOf(parent), ...inCloud(colo, cloudId) };
      return { orphan: writeOrphan(await servers.deleteOrphan(request, caller)) };
    },
    async rebuildLedger({ name }, caller) {
      const key = groupKeyOf(name);
      const { adopted, left } = await servers.rebuild(key, caller);
      return { adopted: adopted.map((view) => writeServer(key, view)), left: [...left] };
    },
    async protectServer({ name, protected: protect }, caller) {
      const { key, server } = serverOf(name);
      return { server: writeServer(key, await servers.protect({ key, server, protect }, caller)) };
    },
    async standByServer({ name, standingBy: standBy, replace }, caller) {
      const { key, server } = serverOf(name);
      const request = { key, server, standBy, replace };
      return { server: writeServer(key, await servers.standBy(request, caller)) };
    },
    async setServerHealth({ name, health, reason, timeToLive }, caller) {
      const { key, server } = serverOf(name);
      const command = {
        ...{ key, server, reason },
        health: health === ServerHealth.HEALTHY ? ("healthy" as const) : ("unhealthy" as const),
        timeToLiveMs: readDuration(timeToLive, healthReportMs),
      };
      return { server: writeServer(key, await servers.setHealth(command, caller)) };
    },
  };
}

function inCloud(colo: string, cloudId: string) {
  return { colo: colo as ColoId, cloudId: cloudId as CloudServerId };
}
