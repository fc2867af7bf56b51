import { Fault, invalidFields } from "../../src/core/errors/fault.js";
import { cause } from "../../src/core/model/cause.js";
import type { EventType, MusterEvent } from "../../src/core/model/event.js";
import type { Group } from "../../src/core/model/group.js";
import {
  type ColoId,
  type EventId,
  type GroupId,
  type GroupKey,
  groupText,
  type ServerId,
} from "../../src/core/model/ids.js";
import { pausableProcesses } from "../../src/core/model/pausable.js";
import type { Receipt } from "../../src/core/model/scale-event.js";
import type { ServerRow } from "../../src/core/model/server.js";
import type { Clock } from "../../src/core/ports/clock.js";
import {
  type GroupView,
  objectLimits,
  type ScalingUseCases,
  type SubmitScaleEvent,
  type Supervisor,
} from "../../src/supervisor/api.js";
import { createAccess, createColos, newColos } from "./memory-colos.js";
import { createMemoryEvents, type MemoryEvents } from "./memory-events.js";
import { createPolicies, createSchedules, createServers, type Entry } from "./memory-use-cases.js";
import { createNotifiers, createWebhooks } from "./memory-webhooks.js";

export interface MemorySupervisor extends Supervisor {
  readonly events: MemoryEvents;
  /** Runs before each use case that takes a group's key: to hold, to fail, to look. */
  before: (useCase: string, signal: AbortSignal) => Promise<void>;
  /** The last scale event, as the server handed it over. */
  readonly submitted: readonly SubmitScaleEvent[];
}

/** Use cases over maps: honest about answers and faults, without clouds, stores or time. */
export function createMemorySupervisor(clock: Clock): MemorySupervisor {
  const entries = new Map<string, Entry>();
  const events = createMemoryEvents(clock);
  const submitted: SubmitScaleEvent[] = [];
  let ids = 0;
  const nextId = () => `id${String(++ids).padStart(6, "0")}`;
  let before: MemorySupervisor["before"] = async () => undefined;

  const entryOf = (key: GroupKey): Entry => {
    const entry = entries.get(groupText(key));
    if (entry) return entry;
    throw new Fault("GROUP_NOT_FOUND", { say: `no group ${key.group} in the memory` });
  };
  const publish = (group: Group, type: EventType, more: Partial<MusterEvent> = {}) =>
    events.publish({
      id: nextId() as EventId,
      type,
      atMs: clock.nowMs(),
      account: group.account,
      group: group.id,
      colo: group.placements[0]!.colo,
      sequence: events.published.length + 1,
      message: `${type} of ${group.displayName}`,
      facts: { count: 3 },
      ...more,
    });
  const settle = (entry: Entry) => {
    for (const { colo } of entry.group.placements) {
      const own = [...entry.servers.values()].filter((server) => server.colo === colo);
      const missing = (entry.targets.get(colo) ?? 0) - own.length;
      for (let count = 0; count < missing; count++) {
        const row = newRow(nextId() as ServerId, clock.nowMs());
        entry.servers.set(row.id, { colo, row });
      }
      for (const { row } of missing < 0 ? own.slice(missing) : []) entry.servers.delete(row.id);
    }
  };
  const changed = (entry: Entry, generation: number | undefined) => {
    if (generation === undefined || generation === entry.group.generation) return;
    throw new Fault("ETAG_MISMATCH", { say: "the group was edited since" });
  };

  const groups: Supervisor["groups"] = {
    async create(request, { signal, principal }) {
      await before("groups.create", signal);
      const own = [...entries.values()].filter(({ group }) => group.account === request.account);
      if (own.length >= objectLimits.groupsPerAccountMax)
        throw new Fault("LIMIT_EXCEEDED", {
          say: "an account has at most 1,000 groups",
          facts: { subject: `accounts/${request.account}`, max: "1000" },
        });
      const unknown = request.spec.placements.findIndex(({ colo }) => !colos.has(colo));
      if (unknown >= 0)
        throw invalidFields([
          { field: `placements[${unknown}].colo`, description: "no such colo" },
        ]);
      const id = request.group ?? (nextId() as GroupId);
      const key = { account: request.account, group: id };
      if (entries.has(groupText(key))) throw new Fault("GROUP_EXISTS", { say: `${id} exists` });
      const nowMs = clock.nowMs();
      const group: Group = {
        ...request.spec,
        account: request.account,
        id,
        uid: nextId(),
        generation: 1,
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
        launchRevision: 1,
        firstTarget: 0,
        deleting: false,
      };
      const targets = new Map(group.placements.map(({ colo, min }) => [colo, min]));
      const sum = group.placements.reduce((total, { min }) => total + min, 0);
      const first = group.placements[0]!.colo;
      targets.set(first, targets.get(first)! + (request.target ?? sum) - sum);
      const entry: Entry = {
        group,
        targets,
        policies: new Map(),
        schedules: new Map(),
        servers: new Map(),
        receipts: new Map(),
        pausedProcesses: {},
      };
      const warnings = request.allowUnverified ? ["not verified"] : [];
      if (request.validateOnly) return { view: viewOf(entry), warnings };
      entries.set(groupText(key), entry);
      settle(entry);
      publish(group, "group.created", { principal });
      return { view: viewOf(entry), warnings };
    },
    async get(key, { signal }) {
      await before("groups.get", signal);
      return viewOf(entryOf(key));
    },
    async list({ account, pageSize, after, labels }, { signal }) {
      await before("groups.list", signal);
      const found = [...entries.values()]
        .filter(({ group }) => group.account === account && (!after || group.id > after))
        .filter(({ group }) =>
          Object.entries(labels).every(([name, value]) => group.labels[name] === value),
        )
        .sort((a, b) => (a.group.id < b.group.id ? -1 : 1));
      return { items: found.slice(0, pageSize).map(viewOf), more: found.length > pageSize };
    },
    async update({ key, change, expectedGeneration, validateOnly }, { signal }) {
      await before("groups.update", signal);
      const entry = entryOf(key);
      changed(entry, expectedGeneration);
      const { launchRevision, generation } = entry.group;
      const spec = change(entry.group);
      const group: Group = {
        ...entry.group,
        ...spec,
        generation: generation + 1,
        updatedAtMs: clock.nowMs(),
        launchRevision:
          JSON.stringify(spec.launch) === JSON.stringify(entry.group.launch)
            ? launchRevision
            : launchRevision + 1,
      };
      if (validateOnly) return { view: viewOf({ ...entry, group }), warnings: [] };
      entry.group = group;
      publish(group, "group.updated");
      return { view: viewOf(entry), warnings: [] };
    },
    async delete({ key, force, expectedGeneration }, { signal }) {
      await before("groups.delete", signal);
      const entry = entryOf(key);
      changed(entry, expectedGeneration);
      if (entry.servers.size > 0 && !force)
        throw new Fault("GROUP_NOT_EMPTY", {
          say: `the group has ${entry.servers.size} servers`,
          facts: { resource: `accounts/${key.account}/groups/${key.group}` },
        });
      entries.delete(groupText(key));
      return { draining: entry.servers.size > 0 };
    },
    async pause(key, reason, { principal }, processes) {
      const entry = entryOf(key);
      const mark = { sinceMs: clock.nowMs(), reason, principal };
      if (!processes) entry.paused = mark;
      for (const one of processes ?? []) entry.pausedProcesses[one] = mark;
      return viewOf(entry);
    },
    async resume(key, _caller, processes) {
      const entry = entryOf(key);
      if (!processes) delete entry.paused;
      for (const one of processes ?? pausableProcesses) delete entry.pausedProcesses[one];
      return viewOf(entry);
    },
    async rebuild({ key, word }, { principal }) {
      const entry = entryOf(key);
      const { launchRevision: revision } = entry.group;
      const sinceMs = clock.nowMs();
      if (word.kind === "start") {
        const amount = { kind: "servers", servers: 1 } as const;
        const options = { surge: amount, unavailable: { ...amount, servers: 0 }, ...word.options };
        const made = { id: "order", principal, by: "event" as EventId, startedAtMs: sinceMs };
        const counts = { batch: 2, goal: 1, passed: 0, failures: 0 };
        entry.rebuild = { ...made, ...counts, phase: "rolling", sinceMs, revision, options };
      } else if (word.kind === "rollBack") {
        throw new Fault("NO_WAY_BACK", { say: "there is no rebuild that could be taken back" });
      } else if (entry.rebuild) {
        const phase = word.kind === "cancel" ? "cancelled" : "rolling";
        entry.rebuild = { ...entry.rebuild, phase };
      }
      return viewOf(entry);
    },
    async acknowledgeHold(key, reason) {
      const entry = entryOf(key);
      if (reason === "nothing is") throw new Fault("NOTHING_HELD", { say: "nothing is held" });
      return viewOf(entry);
    },
    async confirmLedger({ key }) {
      return viewOf(entryOf(key));
    },
    async plan({ key, target = 3 }) {
      await groups.get(key, { principal: "", signal: AbortSignal.timeout(10_000) });
      const cause = { rule: "B4.1", code: "SHORTAGE", facts: { target } } as const;
      const { colo, condition } = { colo: "iad" as ColoId, condition: "converged" } as const;
      const server = "s1" as ServerId;
      return {
        placements: [
          {
            ...{ colo, target, inService: 1, pending: 0, leaving: 0, nextLookAtMs: 61_000 },
            actions: [
              { kind: "create", count: 2, causes: [cause] },
              { kind: "delete", count: 1, server, causes: [] },
            ],
            waits: [{ colo, condition, cause, sinceMs: 1_000, untilMs: 2_000 }],
            stopped: [{ operation: "create", cause }],
          },
        ],
      };
    },
    async check({ key, spec }) {
      const { placements } = spec ?? entryOf(key).group;
      const why = cause("B4.7", "QUOTA_SHORT", { room: 3 });
      const by = { resource: "cores", limit: 20, used: 14, perServer: 2 };
      const short = { field: "placements[0].max", severity: "warning", cause: why } as const;
      const [first, ...rest] = placements.map(({ colo, max }) => {
        return { colo, servers: 1, serversMax: max, findings: [] };
      });
      const findings = [{ ...short, fix: "ask for more" }];
      return { placements: [{ ...first!, room: { servers: 3, by }, findings }, ...rest] };
    },
    async converge(key) {
      settle(entryOf(key));
    },
  };

  const scaling: ScalingUseCases = {
    async submit(request, { signal }) {
      await before("scaling.submit", signal);
      submitted.push(request);
      const entry = entryOf(request.key);
      const { ask } = request;
      if ((ask.kind === "policy" || ask.kind === "alert") && !entry.policies.has(ask.policy))
        throw new Fault("POLICY_NOT_FOUND", { say: "no such policy in the memory" });
      const body = JSON.stringify(ask);
      const known = request.requestId && entry.receipts.get(request.requestId);
      if (known && known.body !== body)
        throw new Fault("REQUEST_ID_REUSED", { say: "this request_id had another body" });
      if (known) return known.receipt;
      const receipt = decide(entry, request, { eventId: nextId() as EventId, atMs: clock.nowMs() });
      if (request.requestId) entry.receipts.set(request.requestId, { body, receipt });
      settle(entry);
      publish(entry.group, "scale.decided", { id: receipt.eventId, receipt });
      return receipt;
    },
  };

  const colos = newColos();
  const policies = createPolicies({ entryOf, clock, nextId });
  return {
    groups,
    policies,
    webhooks: createWebhooks(clock, policies),
    schedules: createSchedules({ entryOf, clock, nextId }),
    notifiers: createNotifiers(),
    scaling,
    servers: createServers({ entryOf }),
    events,
    colos: createColos(colos, clock),
    access: createAccess(clock),
    peer: { answer: () => Promise.reject(new Error("this one has no peers")) },
    submitted,
    get before() {
      return before;
    },
    set before(next) {
      before = next;
    },
    switchAgeMs: () => 0,
    start: async () => undefined,
    stop: async () => undefined,
  };
}

function viewOf({ group, targets, servers, paused, pausedProcesses, rebuild }: Entry): GroupView {
  return {
    group,
    placements: group.placements.map(({ colo }) => ({
      colo,
      target: targets.get(colo) ?? 0,
      inService: [...servers.values()].filter((server) => server.colo === colo).length,
      pending: 0,
      leaving: 0,
      standingBy: 0,
      conditions: [
        {
          type: "converged",
          holds: true,
          sinceMs: group.createdAtMs,
          causes: [cause("B4.1", "ALREADY_THERE", { target: 2 })],
        },
      ],
      ...(paused && { paused }),
      launchRevision: group.launchRevision,
      ...(rebuild && { rebuild: { mark: rebuild, current: 1, outdated: 3, causes: [] } }),
      pausedProcesses,
    })),
  };
}

function newRow(id: ServerId, nowMs: number): ServerRow {
  return {
    id,
    state: "inService",
    sinceMs: nowMs,
    createdAtMs: nowMs,
    launchRevision: 1,
    attempt: { id: `attempt-${id}`, callDeadlineMs: nowMs },
    address: { host: "2001:db8::1", port: 8080 },
    cloudStatus: "ACTIVE",
    memberships: [
      { loadBalancer: "lb" as never, host: "10.0.0.1", port: 80, weight: 1, state: "member" },
    ],
    protected: false,
    inServiceAtMs: nowMs,
    createdBy: "event1",
  };
}

function decide(
  entry: Entry,
  { ask, force }: SubmitScaleEvent,
  stamp: Pick<Receipt, "eventId" | "atMs">,
): Receipt {
  const { colo, max, min } = entry.group.placements[0]!;
  const oldTarget = [...entry.targets.values()].reduce((sum, target) => sum + target, 0);
  const wanted =
    ask.kind === "target" ? ask.target : oldTarget + (ask.kind === "change" ? ask.change : 1);
  const own = entry.targets.get(colo)! + wanted - oldTarget;
  const placed = force ? own : Math.max(min, Math.min(max, own));
  const delta = placed - entry.targets.get(colo)!;
  entry.targets.set(colo, placed);
  return {
    ...stamp,
    outcome: delta === 0 ? "noChange" : "applied",
    causes: [cause("B2.4", delta === 0 ? "CLAMPED_TO_MAX" : "APPLIED", { wanted, max })],
    oldTarget,
    newTarget: oldTarget + delta,
    placements: [{ colo, oldTarget: placed - delta, newTarget: placed }],
    ...(delta === 0 && { retryAtMs: stamp.atMs + 30_000 }),
  };
}
