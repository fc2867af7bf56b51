import type { CloudServer } from "../../src/core/model/server.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import { cpuMs } from "../lib/child.js";
import { benchGroup } from "../lib/muster.js";
import { serversOf, type Template } from "./template.js";

/** A cloud in which nothing happens: its servers are made from a template whenever it is asked. */
export interface ListedCloud {
  readonly driver: CloudDriver;
  asked(): Asked;
}

export interface Asked {
  /** Whole listings of an account. */
  readonly passes: number;
  /** Servers told. */
  readonly servers: number;
  /** CPU spent on making up what is told: what else the process did meanwhile is little. */
  readonly listMs: number;
  /** Calls that are none of listing: there is nothing to do. */
  readonly others: number;
}

const groupsPerPage = 100;

export function createListedCloud(template: Template | undefined, groups: number): ListedCloud {
  const sum = { passes: 0, servers: 0, listMs: 0, others: 0 };
  const indexesOf = new Map<string, number[]>();
  for (let index = 0; index < groups; index++) {
    const { account } = benchGroup(index);
    indexesOf.set(account, [...(indexesOf.get(account) ?? []), index]);
  }
  const refuse = async (): Promise<never> => {
    sum.others += 1;
    throw new Error("nothing was to be done");
  };
  return {
    driver: {
      capabilities: { listingLagMs: 1_000, createDeadlineMs: 5_000, reportsPort: false },
      project: async () => undefined,
      async listServers({ account, cursor }) {
        const startMs = cpuMs();
        const first = Number(cursor ?? 0);
        const indexes = (indexesOf.get(account) ?? []).slice(first, first + groupsPerPage);
        const servers: CloudServer[] = [];
        if (template) for (const one of indexes) servers.push(...serversOf(template, one));
        const isLast = indexes.length < groupsPerPage;
        if (isLast) sum.passes += 1;
        sum.servers += servers.length;
        sum.listMs += cpuMs() - startMs;
        return isLast ? { servers } : { servers, next: String(first + groupsPerPage) };
      },
      checkLaunch: async () => [],
      createServer: refuse,
      deleteServer: refuse,
      getServer: refuse,
      findByIntention: refuse,
      tagServer: refuse,
      async close() {},
    },
    asked: () => ({ ...sum }),
  };
}
