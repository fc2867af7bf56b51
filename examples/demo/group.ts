import { fileURLToPath } from "node:url";
import {
  explainError,
  groupName,
  type MusterClient,
  policyName,
} from "../../clients/node/index.js";
import { AlertState } from "../../src/gen/muster/v1/policy_pb.js";
import { group, policies } from "./settings.js";

export const name = groupName(group.account, group.id);

const durationOf = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1_000)) });

/** A group of web servers behind the proxy, and what to do when the monitor calls. */
export async function createGroup(client: MusterClient, dir: string): Promise<void> {
  const server = fileURLToPath(new URL("./web-server.js", import.meta.url));
  const { account, colo, min, max, loadBalancer, drainMs } = group;
  const attachment = { loadBalancer, drainTimeout: durationOf(drainMs) };
  // The folder is only there to be found again in the system's list of processes.
  const command = [process.execPath, server, "{port}", `--demo=${dir}`];
  await client.groups.createGroup({
    parent: `accounts/${account}`,
    groupId: group.id,
    group: {
      displayName: "Web servers of the demo",
      placements: [{ colo, min, max, loadBalancers: [attachment] }],
      launchConfiguration: { parameters: { command } },
    },
  });
  await client.policies.createPolicy({
    parent: name,
    policyId: policies.out.id,
    policy: {
      displayName: "Double while requests are slow",
      action: { case: "changePercent", value: policies.out.percent },
      cooldown: durationOf(policies.out.cooldownMs),
      alertRule: { actsOn: AlertState.CRITICAL, repeat: durationOf(policies.out.repeatMs) },
    },
  });
  await client.policies.createPolicy({
    parent: name,
    policyId: policies.in.id,
    policy: {
      displayName: "Give three of four back while requests are fast",
      action: { case: "changePercent", value: policies.in.percent },
      cooldown: durationOf(policies.in.cooldownMs),
      alertRule: { actsOn: AlertState.WARNING, hold: durationOf(policies.in.holdMs) },
    },
  });
}

export const policyPath = (policy: string): string =>
  policyName({ account: group.account, group: group.id, policy });

/** How the group's servers stand, in numbers. */
export interface Capacity {
  readonly target: number;
  readonly inService: number;
  readonly pending: number;
  readonly leaving: number;
}

/** Undefined when there is no such group. */
export async function readCapacity(client: MusterClient): Promise<Capacity | undefined> {
  try {
    const answer = await client.groups.getGroup({ name });
    const placements = answer.group?.status?.placements ?? [];
    const sum = (of: "target" | "inService" | "pending" | "leaving") =>
      placements.reduce((total, placement) => total + placement[of], 0);
    return {
      target: sum("target"),
      inService: sum("inService"),
      pending: sum("pending"),
      leaving: sum("leaving"),
    };
  } catch (error) {
    if (explainError(error).reason === "GROUP_NOT_FOUND") return undefined;
    throw error;
  }
}
