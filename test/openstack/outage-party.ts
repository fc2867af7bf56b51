import { randomUUID } from "node:crypto";
import type { LaunchConfiguration } from "../../src/core/model/group.js";
import type { AccountId, GroupId, GroupKey, PolicyId } from "../../src/core/model/ids.js";
import type { AlertState } from "../../src/core/model/policy.js";
import type { AuditBatch, PlacementView } from "../../src/supervisor/api.js";
import { groupSpec, placed, policySpec } from "../supervisor/asks.js";
import type { Bed } from "./bed.js";
import { caller, colo, startMuster } from "./muster.js";
import { accounts } from "./nova-harness.js";
import { listServers, type NovaServer, removeServers } from "./servers.js";

/** A Muster with twelve groups of its own in two accounts, and the monitor that alarms for them. */
export interface Party {
  /** What Muster's calls say of who they are contains it. */
  readonly name: string;
  readonly keys: readonly GroupKey[];
  /** Each group with its first server ordered, and a policy that adds one when it alarms. */
  createGroups(): Promise<void>;
  report(key: GroupKey, state: AlertState): Promise<void>;
  standing(key: GroupKey): Promise<PlacementView>;
  /** What the admission lets through to Nova. */
  phase(): Promise<string>;
  /** As Nova itself lists them. */
  servers(): Promise<readonly NovaServer[]>;
  audit(): Promise<AuditBatch>;
  /** Leaves no server behind. */
  stop(): Promise<void>;
}

const groupsPerAccount = 6;
/** Servers of a group before its alarm, and what ends the alarm. */
export const first = 1;
export const enough = 2;
const policy = "load" as PolicyId;
const dayMs = 86_400_000;

export async function openParty(bed: Bed, kind: "braked" | "unbraked"): Promise<Party> {
  const name = `outage-${kind}`;
  const prefix = `${name}-${randomUUID().slice(0, 8)}-`;
  const isBraked = kind === "braked";
  const { muster, stop } = await startMuster(bed.facts, { name, accounts, isBraked });
  const { groups, policies, scaling, colos } = muster.supervisor;
  const keys = accounts.flatMap((account) =>
    Array.from({ length: groupsPerAccount }, (_, index) => ({
      account: account as AccountId,
      group: `${prefix}${index}` as GroupId,
    })),
  );
  const launch: LaunchConfiguration = {
    ...{ image: bed.facts.image, flavor: bed.facts.flavors.tiny, userData: "", metadata: {} },
    parameters: { networks: "none" },
  };
  const spec = groupSpec({ launch, placements: [placed(colo, { max: 2 * enough })] });
  // The alert is told again and again, and one step is all that may come of it.
  const alert = { ...policySpec().alert!, repeatMs: dayMs };
  const adds = policySpec({ action: { kind: "change", change: enough - first }, alert });
  return {
    ...{ name, keys },
    async createGroups() {
      const asked = { spec, target: first, validateOnly: false, allowUnverified: false };
      const make = async (key: GroupKey) => {
        await groups.create({ ...key, ...asked }, caller());
        await policies.create({ key, policy, spec: adds }, caller());
      };
      await Promise.all(keys.map(make));
    },
    async report(key, state) {
      const ask = { kind: "alert", policy, key: "cpu", state } as const;
      await scaling.submit({ key, source: "alert", ask }, caller());
    },
    standing: async (key) => (await groups.get(key, caller())).placements[0]!,
    async phase() {
      const { admissions } = await colos.get(colo, caller());
      return admissions.find(({ api }) => api === "cloud")!.phase;
    },
    async servers() {
      const lists = accounts.map((account) => listServers(bed.callers[account], prefix));
      return (await Promise.all(lists)).flat();
    },
    async audit() {
      let last: AuditBatch = { differences: [] };
      for await (const batch of colos.audit({ colo }, caller())) last = batch;
      return last;
    },
    async stop() {
      await stop();
      for (const account of accounts) await removeServers(bed.callers[account], prefix);
    },
  };
}
