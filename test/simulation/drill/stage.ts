import type {
  AccountId,
  ColoId,
  GroupId,
  GroupKey,
  PolicyId,
} from "../../../src/core/model/ids.js";
import type { AlertState } from "../../../src/core/model/policy.js";
import type { Caller, Supervisor } from "../../../src/supervisor/api.js";
import { groupSpec, placed, policySpec } from "../../supervisor/asks.js";
import { type Cluster, createCluster, patient } from "../cluster.js";
import {
  createRandom,
  createSeededIds,
  createVirtualClock,
  type VirtualClock,
} from "../virtual-clock.js";
import type { DrillPlan } from "./plan.js";

/** The colo whose cloud falls ill, and one that has nothing to do with it. */
export const sick = "iad" as ColoId;
export const sound = "dfw" as ColoId;

export const policy = "load" as PolicyId;

export interface Stage {
  readonly cluster: Cluster;
  readonly supervisor: Supervisor;
  readonly caller: Caller;
  /** Awaits a promise while the clock moves on. */
  run<Value>(work: Promise<Value>): Promise<Value>;
  /** So many groups of one colo, as planned, each with a policy that adds a step. */
  createGroups(colo: ColoId, count: number): Promise<readonly GroupKey[]>;
  alert(key: GroupKey, state: AlertState): Promise<void>;
  standings(keys: readonly GroupKey[]): Promise<readonly Standing[]>;
}

/** Without brakes nothing bounds the calls in flight either. */
const unbounded = { concurrency: 2_000 };

export interface Standing {
  readonly key: GroupKey;
  readonly target: number;
  readonly inService: number;
}

export async function openStage(
  plan: DrillPlan,
  seed: number,
  brakes: "on" | "off",
): Promise<Stage> {
  const clock = createVirtualClock();
  const cluster = createCluster({
    clock,
    ids: createSeededIds(seed),
    random: createRandom(seed + 1),
    balancerIds: createSeededIds(seed + 2),
    colos: [
      { id: sick, capacity: plan.sickCloud },
      { id: sound, capacity: plan.soundCloud },
    ].map(({ id, capacity }) => ({
      id,
      pollMs: plan.pollMs,
      ...(brakes === "off" ? { admission: brakes, queue: unbounded } : {}),
      cloud: { capacity, pageServersMax: 1_000, latencyMs: { fromMs: 5, toMs: 15 } },
    })),
  });
  const caller: Caller = { principal: "drill", signal: patient() };
  const { supervisor } = cluster.create("node-1");

  const run = <Value>(work: Promise<Value>) => runOn(clock, work);
  await run(supervisor.start());

  return {
    ...{ cluster, supervisor, caller, run },
    async createGroups(colo, count) {
      const keys = Array.from({ length: count }, (_, index): GroupKey => {
        const account = `${colo}-${Math.floor(index / plan.groupsPerAccount)}` as AccountId;
        return { account, group: `g${index}` as GroupId };
      });
      const spec = groupSpec({ placements: [placed(colo, { max: 20 })] });
      const checks = { validateOnly: false, allowUnverified: true };
      for (const key of keys) {
        await run(
          supervisor.groups.create({ ...key, spec, target: plan.before, ...checks }, caller),
        );
        const rule = policySpec({ action: { kind: "change", change: plan.step } });
        await run(supervisor.policies.create({ key, policy, spec: rule }, caller));
      }
      return keys;
    },
    async alert(key, state) {
      const ask = { kind: "alert" as const, policy, key: "cpu", state };
      await run(supervisor.scaling.submit({ key, source: "alert", ask }, caller));
    },
    standings: (keys) =>
      run(
        Promise.all(
          keys.map(async (key): Promise<Standing> => {
            const [placement] = (await supervisor.groups.get(key, caller)).placements;
            return { key, target: placement!.target, inService: placement!.inService };
          }),
        ),
      ),
  };
}

/** Awaits a promise while the clock moves on. */
export async function runOn<Value>(clock: VirtualClock, work: Promise<Value>): Promise<Value> {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  work.then(mark, mark);
  while (!settled) if (!(await clock.next(1_000))) await clock.advance(1_000);
  return work;
}
