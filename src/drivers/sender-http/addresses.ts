import { BlockList, isIP } from "node:net";
import { Fault } from "../../core/errors/fault.js";

/** Which addresses may be sent to. */
export interface AddressRule {
  isAllowed(address: string): boolean;
}

/**
 * Whatever leads to this machine, its neighbours, or nobody: special-purpose blocks of IANA's
 * registries, and those through which IPv6 reaches IPv4. (An IPv4 address that is mapped into IPv6
 * a BlockList takes for what it is.)
 */
const closed: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
  ["5f00::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
];

/**
 * Public addresses, and those that the operator allows besides.
 *
 * @throws Fault `CONFIG_INVALID` naming the network that is none.
 */
export function createAddressRule(allowed: readonly string[]): AddressRule {
  const refused = listOf(closed);
  const open = listOf(allowed.map(readNetwork));
  return {
    isAllowed(address) {
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      return (
        isIP(address) !== 0 && (open.check(address, family) || !refused.check(address, family))
      );
    },
  };
}

function listOf(networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of networks)
    list.addSubnet(net, prefix, isIP(net) === 6 ? "ipv6" : "ipv4");
  return list;
}

/** `10.1.0.0/16`, or one address. */
function readNetwork(text: string): readonly [string, number] {
  const [net = "", prefix, ...rest] = text.split("/");
  const bitsMax = isIP(net) === 6 ? 128 : 32;
  const bits = prefix === undefined ? bitsMax : Number(prefix || Number.NaN);
  const isFit = Number.isInteger(bits) && bits >= 0 && bits <= bitsMax;
  if (isIP(net) !== 0 && isFit && rest.length === 0) return [net, bits];
  const say = `notifications.allow: ${text} is no network, such as 10.1.0.0/16`;
  throw new Fault("CONFIG_INVALID", { say });
}
