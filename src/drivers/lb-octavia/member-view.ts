import type { Member } from "../../core/model/server.js";

/** A member of a pool, as Octavia tells of it. */
export interface OctaviaMember {
  readonly id: string;
  readonly address: string;
  readonly protocol_port: number;
  /** 0 to 256; with 0 it takes no new connections. */
  readonly weight: number;
  readonly admin_state_up: boolean;
  readonly provisioning_status: string;
  readonly operating_status: string;
  readonly tags?: readonly string[];
  readonly backup?: boolean;
  readonly monitor_address?: string | null;
  readonly monitor_port?: number | null;
}

/**
 * Octavia has no draining of its own: who drains has the weight 0, and this tag keeps the weight to
 * which it comes back.
 */
const weightTag = /^muster:weight=(\d{1,3})$/;

export function drainingTag(weight: number): string {
  return `muster:weight=${weight}`;
}

export function isDrainingTag(tag: string): boolean {
  return weightTag.test(tag);
}

export function memberOf(told: OctaviaMember): Member {
  const { address: host, protocol_port: port } = told;
  // Nobody knows what it does. Shown as what nobody wants, so that it is put again (B5.2).
  if (told.provisioning_status === "ERROR")
    return { host, port, weight: 0, draining: false, health: "unhealthy" };
  const kept = told.weight === 0 ? keptWeight(told.tags ?? []) : undefined;
  return {
    ...{ host, port, weight: kept ?? told.weight },
    draining: kept !== undefined || !told.admin_state_up,
    health: healthOf(told.operating_status),
  };
}

function keptWeight(tags: readonly string[]): number | undefined {
  const weight = tags.map((tag) => weightTag.exec(tag)?.[1]).find((text) => text !== undefined);
  return weight === undefined ? undefined : Number(weight);
}

/** Whom no monitor watches is taken for healthy: there is nothing to wait for. */
function healthOf(operatingStatus: string): Member["health"] {
  switch (operatingStatus) {
    case "ONLINE":
    case "NO_MONITOR":
      return "healthy";
    case "ERROR":
      return "unhealthy";
    default: // OFFLINE is also who was not checked yet.
      return "unknown";
  }
}
