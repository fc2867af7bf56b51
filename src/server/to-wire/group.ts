import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import type { Group, ScaleInLimit, ScaleInOrder } from "../../core/model/group.js";
import { pausesOf } from "../../core/model/pause.js";
import type { Condition } from "../../core/model/placement.js";
import * as wire from "../../gen/muster/v1/group_pb.js";
import type { GroupSpec, GroupView, PlacementView } from "../../supervisor/api.js";
import { etagOf } from "../etag.js";
import { groupName } from "../names.js";
import { writeProcess } from "../processes.js";
import { writeCause } from "./cause.js";
import { writeRebuild } from "./rebuild.js";
import { writeDuration, writeTime } from "./time.js";

/**
 * A group with its status, as callers see it. Shares parts with other answers: not to be changed.
 */
export function writeGroup({ group, placements }: GroupView): wire.Group {
  const known = written.get(group) ?? writeConfigured(group);
  written.set(group, known);
  return {
    ...known,
    target: placements.reduce((sum, placement) => sum + placement.target, 0),
    status: create(wire.GroupStatusSchema, {
      placements: placements.map(writeStatus),
      deleting: group.deleting,
    }),
  };
}

/** Groups are never changed, only replaced, and read far more often than edited. */
const written = new WeakMap<Group, wire.Group>();

function writeConfigured(group: Group): wire.Group {
  return create(wire.GroupSchema, {
    ...specFields(group),
    name: groupName({ account: group.account, group: group.id }),
    uid: group.uid,
    etag: etagOf(group.generation),
    createTime: writeTime(group.createdAtMs),
    updateTime: writeTime(group.updatedAtMs),
    launchRevision: BigInt(group.launchRevision),
  });
}

/** What users may set, with every default filled in. `readGroupSpec` undoes it without loss. */
export function writeGroupSpec(spec: GroupSpec): wire.Group {
  return create(wire.GroupSchema, specFields(spec));
}

function specFields(spec: GroupSpec | Group): MessageInitShape<typeof wire.GroupSchema> {
  return {
    displayName: spec.displayName,
    labels: { ...spec.labels },
    placements: spec.placements.map((placement) => ({
      colo: placement.colo,
      min: placement.min,
      max: placement.max,
      weight: placement.weight,
      loadBalancers: placement.attachments.map((attachment) => ({
        loadBalancer: attachment.loadBalancer,
        port: attachment.port,
        weight: attachment.weight,
        drainTimeout: writeDuration(attachment.drainTimeoutMs),
      })),
    })),
    launchConfiguration: {
      image: spec.launch.image,
      flavor: spec.launch.flavor,
      userData: spec.launch.userData,
      metadata: { ...spec.launch.metadata },
      parameters: spec.launch.parameters as JsonObject,
      fallbackFlavors: [...(spec.launch.fallbackFlavors ?? [])],
      availabilityZones: [...(spec.launch.availabilityZones ?? [])],
    },
    cooldown: writeDuration(spec.cooldownMs),
    warmUp: writeDuration(spec.warmUpMs),
    buildTimeout: writeDuration(spec.buildTimeoutMs),
    stoppedGrace: writeDuration(spec.stoppedGraceMs),
    stoppedServers:
      spec.stoppedServers === "keep" ? wire.StoppedServers.KEEP : wire.StoppedServers.REPLACE,
    overdueServers:
      spec.overdueServers === "replace" ? wire.OverdueServers.REPLACE : wire.OverdueServers.KEEP,
    ...(spec.health && {
      health: {
        useLoadBalancer: spec.health.useLoadBalancer,
        bootGrace: writeDuration(spec.health.bootGraceMs),
      },
    }),
    scaleInOrder: scaleInOrders[spec.scaleInOrder],
    surge: spec.surge,
    spill: spec.spill ?? false,
    ...(spec.scaleInLimit && { scaleInLimit: writeScaleInLimit(spec.scaleInLimit) }),
  };
}

function writeScaleInLimit(limit: ScaleInLimit): MessageInitShape<typeof wire.ScaleInLimitSchema> {
  const { servers, partsPerMillion = 0, withinMs } = limit;
  const percent = { case: "percent", value: partsPerMillion / 10_000 } as const;
  const most = servers === undefined ? percent : ({ case: "servers", value: servers } as const);
  return { most, within: writeDuration(withinMs) };
}

const scaleInOrders = {
  oldestFirst: wire.ScaleInOrder.OLDEST_FIRST,
  newestFirst: wire.ScaleInOrder.NEWEST_FIRST,
  oldestLaunchFirst: wire.ScaleInOrder.OLDEST_LAUNCH_FIRST,
} as const satisfies Record<ScaleInOrder, wire.ScaleInOrder>;

function writeStatus(view: PlacementView): wire.PlacementStatus {
  const { paused } = view;
  const pauses = pausesOf(view);
  return create(wire.PlacementStatusSchema, {
    colo: view.colo,
    target: view.target,
    inService: view.inService,
    pending: view.pending,
    leaving: view.leaving,
    standingBy: view.standingBy,
    conditions: view.conditions.map(writeCondition),
    ...(view.copySeenAtMs !== undefined && { copyTime: writeTime(view.copySeenAtMs) }),
    ...(paused && {
      pause: {
        sinceTime: writeTime(paused.sinceMs),
        reason: paused.reason,
        principal: paused.principal,
      },
    }),
    launchRevision: BigInt(view.launchRevision),
    ...(view.rebuild && { rebuild: writeRebuild(view.rebuild) }),
    processPauses: pauses.map(({ process, sinceMs, reason, principal }) => {
      return { process: writeProcess(process), sinceTime: writeTime(sinceMs), reason, principal };
    }),
  });
}

function writeCondition(condition: Condition): wire.Condition {
  return create(wire.ConditionSchema, {
    type: condition.type,
    holds: condition.holds,
    causes: condition.causes.map(writeCause),
    sinceTime: writeTime(condition.sinceMs),
  });
}
