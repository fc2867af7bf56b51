/**
 * Colos whose servers are in a network of their own, between which the tests own the way; none by
 * default. In their order they have the networks 10.77.1.0/24, 10.77.2.0/24 …
 */
export const networks: readonly string[] = (process.env["MUSTER_NETWORKS"] ?? "")
  .split(",")
  .filter((name) => name !== "");

/** Addresses that a network has. */
export const addressesMax = 9;

/** Where a server of a bed runs. */
export interface Place {
  readonly address: string;
  /** Begins the command line of what runs there. */
  readonly enter: readonly string[];
}

export const loopback: Place = { address: "127.0.0.1", enter: [] };

/** The colo's address of that number, from 1 on: on loopback where it has no network. */
export function placeIn(colo: string, number: number): Place {
  if (!networks.includes(colo)) return { address: `127.0.0.${number}`, enter: [] };
  return { address: `${subnetOf(colo)}.${number}`, enter: enter(colo) };
}

/** The first three parts of its addresses. */
export function subnetOf(colo: string): string {
  return `10.77.${networks.indexOf(colo) + 1}`;
}

/** Namespaces are the machine's; these are the tests'. */
export const namespaceOf = (network: string): string => `muster-${network}`;

export function enter(network: string): readonly string[] {
  return ["nsenter", `--net=/run/netns/${namespaceOf(network)}`];
}
