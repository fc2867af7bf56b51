import type { QuotaLimit } from "../../core/model/quota.js";
import { partIn } from "./answers.js";
import type { Flavor } from "./lookups.js";

/** A project's limits from Nova's `GET /limits`, by name; undefined: without limit (-1). */
export function limitsIn(body: unknown): (name: string) => number | undefined {
  const limits = partIn(body, "limits");
  const absolute = partIn<Readonly<Record<string, number>>>(limits, "absolute");
  return (name) => {
    const limit = absolute[name];
    return limit === undefined || limit < 0 ? undefined : limit;
  };
}

/** What bounds the project's servers, and what one of this flavor takes of it. */
export function quotaOf(body: unknown, flavor: Pick<Flavor, "vcpus" | "ram">): QuotaLimit[] {
  const limits = limitsIn(body);
  const { vcpus, ram } = flavor;
  return [
    { resource: "instances", max: "maxTotalInstances", now: "totalInstancesUsed", perServer: 1 },
    { resource: "cores", max: "maxTotalCores", now: "totalCoresUsed", perServer: vcpus },
    { resource: "ram", max: "maxTotalRAMSize", now: "totalRAMUsed", perServer: ram },
  ].flatMap(({ resource, max, now, perServer }) => {
    const limit = limits(max);
    return limit === undefined ? [] : [{ resource, limit, used: limits(now) ?? 0, perServer }];
  });
}
