import { LRUCache } from "lru-cache";
import type { Call } from "../../core/ports/call.js";
import type { Pinned } from "../../core/ports/cloud.js";
import type { Openstack } from "../openstack/client.js";
import { partIn, unlessNotFound } from "./answers.js";
import { microversion } from "./server-body.js";
import type { NovaServer } from "./view.js";

/**
 * Why listed servers ended in ERROR. Nova's lists do not tell it of those that never found a host:
 * only a look at the server itself does. Each is looked at once for each time that it changed.
 */
export interface Faults {
  /** The same servers, with their faults, as far as they have some. */
  tell(of: Pinned, servers: readonly NovaServer[], call: Call): Promise<readonly NovaServer[]>;
}

type Fault = NonNullable<NovaServer["fault"]>;

/** What a page leaves open, the next listing tells. */
const looksMax = 50;
const rememberedMax = 10_000;

export function createFaults(openstack: Openstack): Faults {
  const known = new LRUCache<string, Fault>({ max: rememberedMax });

  const look = async ({ account, project }: Pinned, id: string, call: Call): Promise<Fault> => {
    const path = `/servers/${encodeURIComponent(id)}`;
    const ask = {
      account,
      project,
      service: "compute",
      method: "GET",
      path,
      microversion,
    } as const;
    const answer = await unlessNotFound(openstack.request(ask, call));
    return (answer && partIn<NovaServer>(answer.body, "server").fault) ?? {};
  };

  return {
    async tell(of, servers, call) {
      const told: NovaServer[] = [];
      let looks = 0;
      for (const server of servers) {
        if (server.status !== "ERROR" || server.fault) {
          told.push(server);
          continue;
        }
        const key = `${server.id} ${server.updated}`;
        let fault = known.get(key);
        if (!fault && looks < looksMax) {
          looks += 1;
          fault = await look(of, server.id, call);
          known.set(key, fault);
        }
        told.push({ ...server, ...(fault && { fault }) });
      }
      return told;
    },
  };
}
