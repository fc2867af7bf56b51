import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { CloudServerId } from "../../core/model/ids.js";
import type { CloudServer, ServerAddress } from "../../core/model/server.js";
import { addressNetworkKey, ownershipOf } from "./ownership.js";

/**
 * A server as Nova tells of it. One in a cell that is down has no more than id, status and the time
 * of its creation.
 */
export interface NovaServer {
  readonly id: string;
  readonly status: string;
  readonly created: string;
  readonly updated?: string;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  /** By the network's name, in the order in which they were asked for. */
  readonly addresses?: Readonly<Record<string, readonly NovaAddress[]>>;
  readonly fault?: { readonly message?: string };
  readonly "OS-EXT-STS:task_state"?: string | null;
  /** Shown to whom the cloud's policy lets see it. */
  readonly host_status?: string;
}

interface NovaAddress {
  readonly addr: string;
  readonly version: number;
  readonly "OS-EXT-IPS:type"?: string;
}

/** @param installation this one: what others have tagged is told as it is */
export function viewOf(server: NovaServer, installation: string): CloudServer {
  const { id, name = "", status, metadata = {}, tags = [], fault } = server;
  const createdAtMs = Date.parse(server.created);
  if (Number.isNaN(createdAtMs))
    throw new OutsideFault("unknown", `server ${id} was created at no time: ${server.created}`);
  const taskState = server["OS-EXT-STS:task_state"];
  const address = addressOf(server.addresses ?? {}, metadata[addressNetworkKey]);
  const ownership = ownershipOf({ metadata, tags }, installation);
  return {
    ...{ id: id as CloudServerId, name, status, createdAtMs },
    ...(taskState && { taskState }),
    ...(server.host_status && { hostStatus: server.host_status }),
    ...(address && { address }),
    ...(ownership && { ownership }),
    ...(fault?.message && { fault: fault.message }),
    ...(fault?.message && isNoRoom(fault.message) && { faultKind: "noCapacity" as const }),
  };
}

/** The scheduler's word when no host was left, and a host's own when it turned out too small. */
function isNoRoom(text: string): boolean {
  return /\bno valid host\b|\binsufficient compute resources\b/i.test(text);
}

/** Of the named network, or of the first that gave one: a fixed address, IPv4 where there is one. */
function addressOf(
  addresses: NonNullable<NovaServer["addresses"]>,
  network: string | undefined,
): ServerAddress | undefined {
  const networks = network === undefined ? Object.values(addresses) : [addresses[network] ?? []];
  for (const all of networks) {
    const fixed = all.filter((one) => one["OS-EXT-IPS:type"] !== "floating");
    const chosen = fixed.find(({ version }) => version === 4) ?? fixed[0];
    if (chosen) return { host: chosen.addr, port: 0 };
  }
  return undefined;
}
