import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { OpenstackOptions } from "./options.js";

/** The services that drivers call, by the name that Muster has for them. */
export type Service = "compute" | "image" | "network" | "load-balancer";

/** One service of Keystone's catalogue, as its token brings it. */
export interface CatalogueEntry {
  readonly type: string;
  readonly endpoints: readonly {
    readonly interface: string;
    /** `region` is what it was called before. */
    readonly region_id?: string | null;
    readonly region?: string | null;
    readonly url: string;
  }[];
}

/**
 * The service's address. Nova's keeps its version and, where the cloud puts one there, the project;
 * of the others what comes before their version, since catalogues have them with it and without.
 *
 * @throws OutsideFault `badRequest`: the catalogue has none, and says what it has instead.
 */
export function endpointOf(
  catalogue: readonly CatalogueEntry[],
  service: Service,
  where: Pick<OpenstackOptions, "region" | "interface">,
): URL {
  const { region, interface: wanted = "public" } = where;
  const all = catalogue.filter(({ type }) => type === service).flatMap((one) => one.endpoints);
  const found = all.find((one) => one.interface === wanted && regionOf(one) === region);
  if (!found) {
    const there = all.map((one) => `${one.interface} in ${regionOf(one)}`).join(", ") || "none";
    const say = `the catalogue has no ${wanted} ${service} in ${region}; it has ${there}`;
    throw new OutsideFault("badRequest", say);
  }
  if (!URL.canParse(found.url) || !/^https?:/.test(found.url))
    throw new OutsideFault(
      "badRequest",
      `the catalogue's ${service} is at no address: ${found.url}`,
    );
  const url = new URL(found.url);
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = service === "compute" ? path : path.replace(/\/v\d+(\.\d+)?$/, "");
  return url;
}

/** The address below an endpoint; a query's values are encoded. */
export function addressIn(
  endpoint: URL,
  path: string,
  query: Readonly<Record<string, string>> = {},
): URL {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  return url;
}

function regionOf(endpoint: CatalogueEntry["endpoints"][number]): string {
  return endpoint.region_id ?? endpoint.region ?? "no region";
}
