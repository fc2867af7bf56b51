import { isIP, SocketAddress } from "node:net";
import { OutsideFault } from "../../core/errors/outside-fault.js";

/** A member's address in the one form that HAProxy also answers with. */
export interface CanonicalAddress {
  readonly host: string;
  readonly port: number;
  /** As `add server` wants it. */
  readonly text: string;
}

/**
 * @throws OutsideFault `badRequest`: dynamic servers are never resolved, so names cannot be taken
 */
export function canonicalAddress(address: {
  readonly host: string;
  readonly port: number;
}): CanonicalAddress {
  const { port } = address;
  const version = isIP(address.host);
  if (version === 0 || address.host.includes("%"))
    throw badRequest(`"${address.host}" is not an IP address; haproxy resolves no dynamic server`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw badRequest(`${address.host}: port ${port} is not between 1 and 65535`);
  if (version === 4) return { host: address.host, port, text: `${address.host}:${port}` };
  const host = new SocketAddress({ address: address.host, family: "ipv6" }).address;
  return { host, port, text: `[${host}]:${port}` };
}

/** The same address always has the same name, so that adding it twice cannot make two servers. */
export function serverName(prefix: string, { host, port }: CanonicalAddress): string {
  return `${prefix}${host}-${port}`;
}

function badRequest(message: string): OutsideFault {
  return new OutsideFault("badRequest", message);
}
