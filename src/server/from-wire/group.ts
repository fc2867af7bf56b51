import { type FieldViolation, invalidFields } from "../../core/errors/fault.js";
import type {
  Attachment,
  HealthSpec,
  PlacementSpec,
  ScaleInLimit,
  ScaleInOrder,
} from "../../core/model/group.js";
import type { ColoId, LoadBalancerId } from "../../core/model/ids.js";
import * as wire from "../../gen/muster/v1/group_pb.js";
import type { GroupSpec } from "../../supervisor/api.js";
import { readPercent } from "./percent.js";
import { readDuration } from "./time.js";

/** What B1, B4 and B5 give a group that does not say otherwise. */
const groupDefaults = {
  cooldownMs: 0,
  warmUpMs: 0,
  buildTimeoutMs: 3_600_000,
  stoppedGraceMs: 600_000,
  drainTimeoutMs: 0,
  bootGraceMs: 0,
  weight: 1,
} as const;

/**
 * A group's settable fields, with defaults. For messages that protovalidate has let pass.
 * @throws Fault `FIELD_INVALID` naming every field, with paths in `group.`
 */
export function readGroupSpec(group: wire.Group): GroupSpec {
  const violations = [
    ...repeatedColos(group),
    ...repeatedAttachments(group),
    ...repeatedFlavor(group),
  ];
  if (violations.length > 0) throw invalidFields(violations);
  const launch = group.launchConfiguration;
  return {
    displayName: group.displayName,
    labels: group.labels,
    placements: group.placements.map(readPlacement),
    launch: {
      image: launch?.image ?? "",
      flavor: launch?.flavor ?? "",
      userData: launch?.userData ?? "",
      metadata: launch?.metadata ?? {},
      parameters: launch?.parameters ?? {},
      ...(launch && readChoices(launch)),
    },
    cooldownMs: readDuration(group.cooldown, groupDefaults.cooldownMs),
    warmUpMs: readDuration(group.warmUp, groupDefaults.warmUpMs),
    buildTimeoutMs: readDuration(group.buildTimeout, groupDefaults.buildTimeoutMs),
    stoppedGraceMs: readDuration(group.stoppedGrace, groupDefaults.stoppedGraceMs),
    stoppedServers: group.stoppedServers === wire.StoppedServers.KEEP ? "keep" : "replace",
    ...(group.overdueServers === wire.OverdueServers.REPLACE && { overdueServers: "replace" }),
    ...(group.health && { health: readHealth(group.health) }),
    scaleInOrder: orders.get(group.scaleInOrder) ?? "oldestFirst",
    surge: group.surge,
    ...(group.spill && { spill: true }),
    ...(group.scaleInLimit && { scaleInLimit: readScaleInLimit(group.scaleInLimit) }),
  };
}

/**
 * A new group's first target; undefined when not given.
 * @throws Fault `FIELD_INVALID` when it lies outside of the placements' limits.
 */
export function readFirstTarget(group: wire.Group): number | undefined {
  const { target, placements } = group;
  if (target === undefined) return undefined;
  const min = placements.reduce((sum, placement) => sum + placement.min, 0);
  const max = placements.reduce((sum, placement) => sum + placement.max, 0);
  if (target >= min && target <= max) return target;
  const description = `must lie within the placements' limits, ${min} to ${max}`;
  throw invalidFields([{ field: "group.target", description }]);
}

/** Left out where there are none: a group that was stored without them is not edited by that. */
function readChoices({ fallbackFlavors, availabilityZones }: wire.LaunchConfiguration) {
  return {
    ...(fallbackFlavors.length > 0 && { fallbackFlavors }),
    ...(availabilityZones.length > 0 && { availabilityZones }),
  };
}

function readHealth({ useLoadBalancer, bootGrace }: wire.Health): HealthSpec {
  return { useLoadBalancer, bootGraceMs: readDuration(bootGrace, groupDefaults.bootGraceMs) };
}

function readScaleInLimit({ most, within }: wire.ScaleInLimit): ScaleInLimit {
  const withinMs = readDuration(within, 0);
  if (most.case === "servers") return { servers: most.value, withinMs };
  const percent = most.value ?? 0;
  return { partsPerMillion: readPercent(percent, "group.scale_in_limit.percent"), withinMs };
}

function readPlacement(placement: wire.Placement): PlacementSpec {
  return {
    colo: placement.colo as ColoId,
    min: placement.min,
    max: placement.max,
    weight: placement.weight ?? groupDefaults.weight,
    attachments: placement.loadBalancers.map(readAttachment),
  };
}

function readAttachment(attachment: wire.LoadBalancerAttachment): Attachment {
  return {
    loadBalancer: attachment.loadBalancer as LoadBalancerId,
    port: attachment.port,
    weight: attachment.weight ?? groupDefaults.weight,
    drainTimeoutMs: readDuration(attachment.drainTimeout, groupDefaults.drainTimeoutMs),
  };
}

/** Orders that are not the default. */
const orders: ReadonlyMap<wire.ScaleInOrder, ScaleInOrder> = new Map([
  [wire.ScaleInOrder.NEWEST_FIRST, "newestFirst"],
  [wire.ScaleInOrder.OLDEST_LAUNCH_FIRST, "oldestLaunchFirst"],
]);

function repeatedColos({ placements }: wire.Group): readonly FieldViolation[] {
  return repeats(placements.map(({ colo }) => colo)).map(({ index, first }) => ({
    field: `group.placements[${index}].colo`,
    description: `repeats the colo of placements[${first}]; each colo may occur once`,
  }));
}

function repeatedAttachments({ placements }: wire.Group): readonly FieldViolation[] {
  return placements.flatMap(({ loadBalancers }, at) => {
    const keys = loadBalancers.map(({ loadBalancer, port }) => `${port} ${loadBalancer}`);
    return repeats(keys).map(({ index, first }) => ({
      field: `group.placements[${at}].load_balancers[${index}]`,
      description: `repeats load balancer and port of load_balancers[${first}]`,
    }));
  });
}

function repeatedFlavor({ launchConfiguration: launch }: wire.Group): readonly FieldViolation[] {
  const at = launch?.fallbackFlavors.indexOf(launch.flavor) ?? -1;
  if (at < 0) return [];
  const field = `group.launch_configuration.fallback_flavors[${at}]`;
  return [{ field, description: "repeats the flavor that it is to stand in for" }];
}

function repeats(keys: readonly string[]): readonly { index: number; first: number }[] {
  return keys.flatMap((key, index) => {
    const first = keys.indexOf(key);
    return first < index ? [{ index, first }] : [];
  });
}
