import { Fault } from "../../src/core/errors/fault.js";
import { cause } from "../../src/core/model/cause.js";
import type { Group } from "../../src/core/model/group.js";
import type {
  CloudServerId,
  ColoId,
  EventId,
  GroupKey,
  PolicyId,
  ScheduleId,
  ServerId,
} from "../../src/core/model/ids.js";
import type { OrphanRow } from "../../src/core/model/orphan.js";
import type { PausableProcess } from "../../src/core/model/pausable.js";
import type { PauseMark, ProcessPause } from "../../src/core/model/placement.js";
import type { Policy } from "../../src/core/model/policy.js";
import type { RebuildMark } from "../../src/core/model/rebuild.js";
import type { Receipt } from "../../src/core/model/scale-event.js";
import type { ServerRow } from "../../src/core/model/server.js";
import type { Clock } from "../../src/core/ports/clock.js";
import type { PolicyUseCases, ServerUseCases } from "../../src/supervisor/api.js";
import type { ScheduleUseCases, ScheduleView } from "../../src/supervisor/schedules/use-cases.js";

export interface Entry {
  group: Group;
  targets: Map<ColoId, number>;
  paused?: PauseMark;
  rebuild?: RebuildMark;
  readonly pausedProcesses: Partial<Record<PausableProcess, ProcessPause>>;
  readonly policies: Map<PolicyId, Policy>;
  readonly schedules: Map<ScheduleId, ScheduleView>;
  readonly servers: Map<ServerId, { colo: ColoId; row: ServerRow }>;
  readonly receipts: Map<string, { body: string; receipt: Receipt }>;
}

interface PolicyWorld {
  readonly entryOf: (key: GroupKey) => Entry;
  readonly clock: Clock;
  readonly nextId: () => string;
}

export function createPolicies({ entryOf, clock, nextId }: PolicyWorld): PolicyUseCases {
  const policyOf = (key: GroupKey, id: PolicyId): Policy => {
    const policy = entryOf(key).policies.get(id);
    if (policy) return policy;
    throw new Fault("POLICY_NOT_FOUND", { say: `no policy ${id} in the memory` });
  };
  const check = (policy: Policy, generation: number | undefined) => {
    if (generation !== undefined && generation !== policy.generation)
      throw new Fault("ETAG_MISMATCH", { say: "the policy was edited since" });
  };
  return {
    async create({ key, policy = nextId() as PolicyId, spec }) {
      const { policies } = entryOf(key);
      if (policies.has(policy)) throw new Fault("POLICY_EXISTS", { say: `${policy} exists` });
      const nowMs = clock.nowMs();
      const stamps = { createdAtMs: nowMs, updatedAtMs: nowMs };
      const made = { ...spec, id: policy, uid: nextId(), generation: 1, ...stamps };
      policies.set(policy, made);
      return made;
    },
    get: async (key, policy) => policyOf(key, policy),
    simulate: async ({ bootMs = 60_000, startTarget = 2, fromMs = 0, untilMs = 0 }) => ({
      simulation: { capacity: [], decisions: [], decisionsCount: 0, outcomes: [], serverMs: 0 },
      ...{ fromMs, untilMs, bootMs, launches: 0, startTarget, eventsCount: 0, skipped: 0 },
      ...{ recorded: [], usage: [] },
    }),
    async list({ key, pageSize, after }) {
      const all = [...entryOf(key).policies.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      const found = all.filter(({ id }) => !after || id > after);
      return { items: found.slice(0, pageSize), more: found.length > pageSize };
    },
    async update({ key, policy, change, expectedGeneration }) {
      const stored = policyOf(key, policy);
      check(stored, expectedGeneration);
      const next = { ...stored, ...change(stored), generation: stored.generation + 1 };
      entryOf(key).policies.set(policy, next);
      return next;
    },
    async delete({ key, policy, expectedGeneration }) {
      check(policyOf(key, policy), expectedGeneration);
      entryOf(key).policies.delete(policy);
    },
  };
}

/** Each is said to be due in an hour, and to have been missed an hour ago. */
export function createSchedules({ entryOf, clock, nextId }: PolicyWorld): ScheduleUseCases {
  const viewOf = (key: GroupKey, id: ScheduleId): ScheduleView => {
    const view = entryOf(key).schedules.get(id);
    if (view) return view;
    throw new Fault("SCHEDULE_NOT_FOUND", { say: `no schedule ${id} in the memory` });
  };
  const check = ({ schedule }: ScheduleView, generation: number | undefined) => {
    if (generation !== undefined && generation !== schedule.generation)
      throw new Fault("ETAG_MISMATCH", { say: "the schedule was edited since" });
  };
  return {
    async create({ key, schedule: id = nextId() as ScheduleId, spec }) {
      const { schedules } = entryOf(key);
      if (schedules.has(id)) throw new Fault("SCHEDULE_EXISTS", { say: `${id} exists` });
      const nowMs = clock.nowMs();
      const stamps = { createdAtMs: nowMs, updatedAtMs: nowMs, timedAtMs: nowMs };
      const schedule = { ...spec, id, uid: nextId(), generation: 1, ...stamps };
      const event = nextId() as EventId;
      const past = { dueAtMs: nowMs - 3_600_000, untilMs: nowMs, doneAtMs: nowMs, event };
      const mark = { schedule: id, uid: schedule.uid, timedAtMs: nowMs, ...past };
      const last = { ...mark, outcome: "missed" as const };
      schedules.set(id, { schedule, nextAtMs: [nowMs + 3_600_000], last });
      return viewOf(key, id);
    },
    get: async (key, id) => viewOf(key, id),
    async list({ key, pageSize, after }) {
      const all = [...entryOf(key).schedules.values()].toSorted((a, b) =>
        a.schedule.id < b.schedule.id ? -1 : 1,
      );
      const found = all.filter(({ schedule }) => !after || schedule.id > after);
      return { items: found.slice(0, pageSize), more: found.length > pageSize };
    },
    async update({ key, schedule: id, change, expectedGeneration }) {
      const before = viewOf(key, id);
      check(before, expectedGeneration);
      const { schedule } = before;
      const generation = schedule.generation + 1;
      const next = { ...before, schedule: { ...schedule, ...change(schedule), generation } };
      entryOf(key).schedules.set(id, next);
      return next;
    },
    async delete({ key, schedule: id, expectedGeneration }) {
      check(viewOf(key, id), expectedGeneration);
      entryOf(key).schedules.delete(id);
    },
  };
}

const strayRow: OrphanRow = {
  ...{ cloudId: "stray-1" as CloudServerId, name: "late", claims: "late-one" },
  ...{ why: "noSuchGroup", firstSeenAtMs: 1_000 },
};

export function createServers({ entryOf }: Pick<PolicyWorld, "entryOf">): ServerUseCases {
  const viewOfServer = (key: GroupKey, id: ServerId) => {
    const server = entryOf(key).servers.get(id);
    if (server) return server;
    throw new Fault("SERVER_NOT_FOUND", { say: `no server ${id} in the memory` });
  };
  return {
    async list({ key, pageSize, after, states }) {
      const found = [...entryOf(key).servers.values()].filter(
        ({ row }) =>
          (!after || row.id > after) && (states.length === 0 || states.includes(row.state)),
      );
      return { items: found.slice(0, pageSize), more: found.length > pageSize };
    },
    get: async (key, server) => viewOfServer(key, server),
    async delete({ key, server, replace }) {
      const found = viewOfServer(key, server);
      const { targets } = entryOf(key);
      if (!replace) targets.set(found.colo, targets.get(found.colo)! - 1);
      const leaving = cause("B8.1", "REQUESTED", { replace });
      found.row = { ...found.row, state: "draining", leaving };
      return found;
    },
    async release({ key, server }) {
      const found = viewOfServer(key, server);
      found.row = { ...found.row, state: "releasing" };
      return found;
    },
    async adopt({ key, colo }) {
      const [found] = [...entryOf(key).servers.values()].filter((one) => one.colo === colo);
      if (found) return found;
      throw new Fault("SERVER_NOT_FOUND", { say: `nothing to adopt in ${colo}` });
    },
    orphans: async (account) => [
      {
        key: { account, group: "gone" as GroupKey["group"], colo: "iad" as ColoId },
        orphan: strayRow,
      },
    ],
    async rebuild(key) {
      const adopted = [...entryOf(key).servers.values()];
      const { cloudId, claims } = strayRow;
      return { adopted, left: [{ colo: "iad" as ColoId, cloudId, claims, why: "foreignTags" }] };
    },
    async deleteOrphan({ account, colo, cloudId }) {
      if (cloudId === strayRow.cloudId) {
        const deleteOrder = { principal: "a", atMs: 2_000 };
        const key = { account, group: "gone" as GroupKey["group"], colo };
        return { key, orphan: { ...strayRow, deleteOrder } };
      }
      throw new Fault("SERVER_NOT_FOUND", { say: `${cloudId} is not reported as an orphan` });
    },
    async standBy({ key, server, standBy }) {
      const found = viewOfServer(key, server);
      found.row = { ...found.row, state: standBy ? "standingBy" : "launching" };
      return found;
    },
    async protect({ key, server, protect }) {
      const found = viewOfServer(key, server);
      found.row = { ...found.row, protected: protect };
      return found;
    },
    async setHealth({ key, server, health, reason, timeToLiveMs }, { principal }) {
      const found = viewOfServer(key, server);
      const { reported: _before, ...rest } = found.row;
      const reported = { reason, principal, atMs: 0, untilMs: timeToLiveMs };
      found.row = health === "healthy" ? rest : { ...rest, reported };
      return found;
    },
  };
}
