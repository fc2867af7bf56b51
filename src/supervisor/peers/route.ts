import type { Context } from "../context.js";
import type { Elsewhere } from "./ask-peer.js";
import type { OwnUseCases } from "./door.js";
import { routeColos } from "./route-colos.js";
import { routeGroups } from "./route-groups.js";
import { routeScaling } from "./route-scaling.js";
import { routeServers } from "./route-servers.js";

/** The use cases of an installation with colos elsewhere: any node answers any call. */
export function routeUseCases(
  context: Context,
  own: OwnUseCases,
  elsewhere: Elsewhere,
): OwnUseCases {
  return {
    groups: { ...own.groups, ...routeGroups(context, own.groups, elsewhere) },
    scaling: routeScaling(context, own.scaling, elsewhere),
    servers: routeServers(context, own.servers, elsewhere),
    colos: routeColos(own.colos, elsewhere),
  };
}
