import { create } from "@bufbuild/protobuf";
import { durationMs, timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import {
  type AccessService,
  type Credentials,
  CredentialsSchema,
} from "../../src/gen/muster/v1/access_service_pb.js";
import {
  BrakeSchema,
  type ColoService,
  type OperationClass,
} from "../../src/gen/muster/v1/colo_service_pb.js";
import { type Group, GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import { CheckSeverity, type GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { type Policy, PolicySchema } from "../../src/gen/muster/v1/policy_pb.js";
import type { PolicyService } from "../../src/gen/muster/v1/policy_service_pb.js";
import { Outcome, type Receipt, ReceiptSchema } from "../../src/gen/muster/v1/receipt_pb.js";
import type { ScalingService } from "../../src/gen/muster/v1/scaling_service_pb.js";
import {
  OrphanSchema,
  ServerHealth,
  ServerSchema,
  type ServerService,
  ServerState,
} from "../../src/gen/muster/v1/server_service_pb.js";
import { pauseIn, resumeIn } from "./fake-pauses.js";
import { fakeRebuilds } from "./fake-rebuilds.js";
import { simulated } from "./fake-simulation.js";
import { type FakeWorld, found, record, refusal, settle, turn } from "./fake-world.js";

export function fakeGroups(world: FakeWorld): ServiceImpl<typeof GroupService> {
  const get = (name: string) => found(world.groups.get(name), "GROUP_NOT_FOUND", name);
  return {
    createGroup({ parent, groupId, group: given, validateOnly, allowUnverified }) {
      const name = `${parent}/groups/${groupId}`;
      if (world.groups.has(name)) throw refusal(Code.AlreadyExists, "GROUP_EXISTS", name);
      const min = given?.placements.reduce((sum, one) => sum + one.min, 0) ?? 0;
      const base = given ?? create(GroupSchema);
      const group = { ...base, name, target: base.target ?? min, launchRevision: 1n };
      const now = timestampNow();
      const stored: Group = { ...group, uid: "u1", etag: "1", createTime: now, updateTime: now };
      settle(world, stored);
      const warnings = allowUnverified ? ["the image could not be checked"] : [];
      if (validateOnly) return { group: stored, warnings };
      world.groups.set(name, stored);
      record(world, name, { type: "group.created", message: "group created" });
      return { group: stored, warnings };
    },
    getGroup({ name }) {
      const group = get(name);
      turn(world, group);
      const isGone = group.status?.deleting === true && world.servers.get(name)?.length === 0;
      if (isGone) world.groups.delete(name);
      return { group: get(name) };
    },
    listGroups({ parent, pageSize, pageToken, labels }) {
      const all = [...world.groups.values()].filter(
        (one) =>
          one.name.startsWith(`${parent}/`) &&
          Object.entries(labels).every(([key, value]) => one.labels[key] === value),
      );
      // Small pages, so that a client which forgets to turn them is found out.
      const start = pageToken === "" ? 0 : Number(pageToken);
      const end = start + Math.min(pageSize || 100, 2);
      return {
        groups: all.toSorted((a, b) => (a.name < b.name ? -1 : 1)).slice(start, end),
        nextPageToken: end < all.length ? String(end) : "",
      };
    },
    updateGroup({ group: given, validateOnly }) {
      const wanted = given ?? create(GroupSchema);
      const known = get(wanted.name);
      if (wanted.etag !== "" && wanted.etag !== known.etag) {
        throw refusal(Code.Aborted, "ETAG_MISMATCH", "the group was edited since");
      }
      const { uid, createTime, launchRevision, target, status } = known;
      const kept = { uid, createTime, launchRevision, target, status };
      const etag = String(Number(known.etag) + 1);
      const next = { ...wanted, ...kept, etag, updateTime: timestampNow() } as Group;
      if (validateOnly) return { group: next };
      world.groups.set(next.name, next);
      record(world, next.name, { type: "group.updated", message: "group updated" });
      return { group: next };
    },
    deleteGroup({ name, force }) {
      const group = get(name);
      const isEmpty = (world.servers.get(name) ?? []).length === 0;
      if (!force && !isEmpty) {
        throw refusal(Code.FailedPrecondition, "GROUP_NOT_EMPTY", "the group has servers");
      }
      if (isEmpty) world.groups.delete(name);
      group.target = 0;
      if (group.status !== undefined) group.status.deleting = true;
      record(world, name, { type: "group.deleting", message: "group is going" });
      return { draining: !isEmpty };
    },
    pauseGroup(request) {
      const { name, reason } = request;
      const group = get(name);
      pauseIn(group, request);
      record(world, name, { type: "group.paused", message: reason });
      return { group };
    },
    resumeGroup(request) {
      const { name } = request;
      const group = get(name);
      resumeIn(group, request);
      record(world, name, { type: "group.resumed", message: "group resumed" });
      return { group };
    },
    ...fakeRebuilds(get),
    acknowledgeHold({ name }) {
      const group = get(name);
      const isHeld = group.labels["held"] === "yes";
      if (!isHeld) throw refusal(Code.FailedPrecondition, "NOTHING_HELD", "nothing is held");
      return { group };
    },
    confirmLedger({ name }) {
      return { group: get(name) };
    },
    planGroup({ name, target }) {
      const group = get(name);
      const cause = { rule: "B4.1", code: "SHORTAGE", message: "Servers are missing." };
      const [{ colo = "" } = {}] = group.placements;
      const actions = [{ kind: "create", count: 2, causes: [cause] }];
      return { placements: [{ colo, target: target ?? group.target ?? 0, actions }] };
    },
    checkGroup({ name, group }) {
      const { labels, placements } = group ?? get(name);
      const [{ colo = "", max: serversMax = 0 } = {}] = placements;
      const severity = Number(labels["severity"] ?? CheckSeverity.UNSPECIFIED) as CheckSeverity;
      const cause = { rule: "B1.5", code: "LAUNCH_INVALID", message: "There is no such image." };
      const field = "launch_configuration.image";
      const findings = severity === 0 ? [] : [{ field, severity, cause, fix: "name another" }];
      return { placements: [{ colo, serversMax, room: 7, roomBy: "cores", findings }] };
    },
    convergeGroup({ name }) {
      turn(world, get(name));
      return {};
    },
  };
}

export function fakePolicies(world: FakeWorld): ServiceImpl<typeof PolicyService> {
  const get = (name: string) => found(world.policies.get(name), "POLICY_NOT_FOUND", name);
  return {
    createPolicy({ parent, policyId, policy }) {
      const name = `${parent}/policies/${policyId}`;
      const base = policy ?? create(PolicySchema);
      const stored: Policy = { ...base, name, uid: "u1", etag: "1", createTime: timestampNow() };
      world.policies.set(name, stored);
      return { policy: stored };
    },
    getPolicy: ({ name }) => ({ policy: get(name) }),
    simulatePolicy: simulated,
    listPolicies: ({ parent }) => ({
      policies: [...world.policies.values()].filter((one) => one.name.startsWith(`${parent}/`)),
    }),
    updatePolicy({ policy }) {
      const known = get(policy?.name ?? "");
      const etag = String(Number(known.etag) + 1);
      const next = { ...(policy ?? known), uid: known.uid, etag };
      world.policies.set(known.name, next);
      return { policy: next };
    },
    deletePolicy({ name }) {
      get(name);
      world.policies.delete(name);
      return {};
    },
    executePolicy({ name, requestId, force }) {
      const policy = get(name);
      const group = name.split("/policies/")[0] ?? "";
      const coolMs = policy.cooldown === undefined ? 0 : durationMs(policy.cooldown);
      const readyMs = (world.executedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) + coolMs;
      if (force === undefined && Date.now() < readyMs) {
        return { receipt: refusedUntil(world, group, readyMs) };
      }
      world.executedAtMs.set(name, Date.now());
      const { action } = policy;
      const target = world.groups.get(group)?.target ?? 0;
      const to = action.case === "exact" ? action.value : target + Number(action.value ?? 0);
      return { receipt: decide(world, { group, to, requestId, isForced: force !== undefined }) };
    },
  };
}

export function fakeScaling(world: FakeWorld): ServiceImpl<typeof ScalingService> {
  const get = (name: string) => found(world.groups.get(name), "GROUP_NOT_FOUND", name);
  return {
    setTarget({ name: group, target: to, requestId, force }) {
      get(group);
      return { receipt: decide(world, { group, to, requestId, isForced: force !== undefined }) };
    },
    scale({ name: group, change, requestId, force }) {
      const to = (get(group).target ?? 0) + change;
      return { receipt: decide(world, { group, to, requestId, isForced: force !== undefined }) };
    },
    reportAlert({ policy: name, key, state, value, requestId }) {
      found(world.policies.get(name), "POLICY_NOT_FOUND", name);
      const group = name.split("/policies/")[0] ?? "";
      const facts = { key, state: String(state), value: String(value) };
      record(world, group, { type: "alert.reported", message: `alert of ${key}`, facts });
      return { receipt: decide(world, { group, to: get(group).target ?? 0, requestId }) };
    },
  };
}

interface Ask {
  readonly group: string;
  readonly to: number;
  readonly requestId: string;
  readonly isForced?: boolean;
}

/** Clamps into the limits, and says so. The same request id gets the same receipt. */
function decide(world: FakeWorld, { group: name, to, requestId, isForced }: Ask): Receipt {
  const known = world.receipts.get(requestId);
  if (known !== undefined) return known;
  const group = found(world.groups.get(name), "GROUP_NOT_FOUND", name);
  const oldTarget = group.target ?? 0;
  const [placement] = group.placements;
  const max = isForced === true ? 2_000 : (placement?.max ?? 0);
  const newTarget = Math.min(max, Math.max(placement?.min ?? 0, to));
  const facts = { wanted: String(to), max: String(max) };
  const message = `the maximum is reached: ${to} servers were wanted, ${max} may be`;
  const clamped = { rule: "B2.4", code: "CLAMPED", facts, message };
  group.target = newTarget;
  settle(world, group);
  const receipt = create(ReceiptSchema, {
    eventId: `e${world.events.length + 1}`,
    time: timestampNow(),
    outcome: newTarget === oldTarget ? Outcome.NO_CHANGE : Outcome.APPLIED,
    causes: newTarget === to ? [] : [clamped],
    oldTarget,
    newTarget,
    placements: [{ colo: placement?.colo ?? "", oldTarget, newTarget }],
  });
  world.receipts.set(requestId, receipt);
  record(world, name, { type: "scale.decided", message: `${oldTarget} to ${newTarget}`, receipt });
  return receipt;
}

function refusedUntil(world: FakeWorld, name: string, readyMs: number): Receipt {
  const target = found(world.groups.get(name), "GROUP_NOT_FOUND", name).target ?? 0;
  const message = "the policy still cools down";
  return create(ReceiptSchema, {
    eventId: `e${world.events.length + 1}`,
    outcome: Outcome.REFUSED,
    causes: [{ rule: "B2.5", code: "COOLDOWN_POLICY", message }],
    oldTarget: target,
    newTarget: target,
    retryTime: timestampFromMs(readyMs),
  });
}

const fakeOrphan = create(OrphanSchema, {
  ...{ cloudId: "sim-9", colo: "local", group: "gone", displayName: "lost", claims: "id1" },
  why: "unknownIntention",
});

export function fakeServers(world: FakeWorld): ServiceImpl<typeof ServerService> {
  const get = (name: string) => {
    const all = world.servers.get(name.split("/servers/")[0] ?? "") ?? [];
    return found(
      all.find((one) => one.name === name),
      "SERVER_NOT_FOUND",
      name,
    );
  };
  return {
    listServers({ parent, states }) {
      found(world.groups.get(parent), "GROUP_NOT_FOUND", parent);
      const all = world.servers.get(parent) ?? [];
      return { servers: all.filter((one) => states.length === 0 || states.includes(one.state)) };
    },
    getServer: ({ name }) => ({ server: get(name) }),
    deleteServer({ name, replace }) {
      const server = get(name);
      const group = world.groups.get(name.split("/servers/")[0] ?? "");
      server.state = ServerState.DELETING;
      if (!replace && group?.target !== undefined) group.target -= 1;
      return { server };
    },
    releaseServer({ name }) {
      const server = get(name);
      server.state = ServerState.RELEASING;
      return { server };
    },
    adoptServer({ parent, colo, cloudId }) {
      const server = create(ServerSchema, { name: `${parent}/servers/adopted`, colo, cloudId });
      return { server };
    },
    rebuildLedger({ name }) {
      found(world.groups.get(name), "GROUP_NOT_FOUND", name);
      const { cloudId, colo, claims } = fakeOrphan;
      const left = [{ cloudId, colo, claims, why: "copiedTag" }];
      return { adopted: world.servers.get(name) ?? [], left };
    },
    listOrphans: () => ({ orphans: [fakeOrphan] }),
    deleteOrphan({ cloudId }) {
      const known = cloudId === fakeOrphan.cloudId ? fakeOrphan : undefined;
      return { orphan: found(known, "SERVER_NOT_FOUND", cloudId) };
    },
    standByServer({ name, standingBy }) {
      const server = get(name);
      server.state = standingBy ? ServerState.STANDING_BY : ServerState.IN_SERVICE;
      return { server };
    },
    protectServer({ name, protected: isProtected }) {
      const server = get(name);
      server.protected = isProtected;
      return { server };
    },
    setServerHealth({ name, health, reason }) {
      const server = get(name);
      server.reportedUnhealthy = health === ServerHealth.UNHEALTHY ? reason : "";
      return { server };
    },
  };
}

export function fakeColos(world: FakeWorld): ServiceImpl<typeof ColoService> {
  const get = (name: string) =>
    found(name === world.colo.name ? world.colo : undefined, "COLO_NOT_FOUND", name);
  const without = (operations: readonly OperationClass[]) =>
    world.colo.brakes.filter((one) => !operations.includes(one.operation));
  return {
    listColos: () => ({ colos: [world.colo] }),
    getColo: ({ name }) => ({ colo: get(name) }),
    setBrake({ name, operations, reason, duration }) {
      const colo = get(name);
      const endMs = duration === undefined ? undefined : Date.now() + durationMs(duration);
      const expireTime = endMs === undefined ? {} : { expireTime: timestampFromMs(endMs) };
      const since = { sinceTime: timestampNow(), principal: "test", ...expireTime };
      const brakes = operations.map((operation) =>
        create(BrakeSchema, { operation, reason, ...since }),
      );
      colo.brakes = [...without(operations), ...brakes];
      return { colo };
    },
    clearBrake({ name, operations }) {
      const colo = get(name);
      colo.brakes = operations.length === 0 ? [] : without(operations);
      return { colo };
    },
    backUpStore: () => ({ file: "/data/backups/state-1.db", placements: 1 }),
    quarantineColo({ name }) {
      get(name);
      return { placements: 3 };
    },
    async *auditColo({ name, account }) {
      found(name.endsWith("/no-colo") ? undefined : name, "COLO_NOT_FOUND", name);
      const only = account === "" ? "accounts/acme" : account;
      const base = { account: only, action: "forPerson", kind: "notInLedger", cloudId: "sim-9" };
      const cause = { rule: "B9.6", code: "FOREIGN", message: "Tagged\u001b[2J as ours." };
      if (account !== "accounts/quiet") {
        yield { differences: [{ ...base, group: "web", cause }] };
        const missing = { ...base, kind: "memberMissing", action: "attach", server: "s1" };
        const where = { loadBalancer: "lb-1", address: "10.0.0.1:80" };
        yield { differences: [{ ...missing, ...where, group: "api", cause, stoppedBy: cause }] };
      }
      const summary = { accounts: 1, groups: 2, ledgerServers: 3, cloudServers: 4, members: 5 };
      const differences = account === "accounts/quiet" ? 0 : 2;
      yield { summary: { ...summary, differences, notSeen: account === "accounts/dim" ? 1 : 0 } };
    },
    repinAccount({ name, account, force }) {
      get(name);
      const previousProject = force ? "given-up" : "old";
      return { project: `of-${account.slice("accounts/".length)}`, previousProject };
    },
  };
}

/** Keeps what it was given only in the recorded requests. */
export function fakeAccess(world: FakeWorld): ServiceImpl<typeof AccessService> {
  const all = new Map<string, Credentials>();
  const get = (name: string) => found(all.get(name), "CREDENTIALS_NOT_FOUND", name);
  return {
    setCredentials({ name }) {
      const colo = name.split("/").at(-1);
      found(world.colo.name === `colos/${colo}` ? colo : undefined, "COLO_NOT_FOUND", name);
      const facts = { revision: `r${all.size + 1}`, principal: "test", key: "k1" };
      const credentials = create(CredentialsSchema, { name, ...facts, setTime: timestampNow() });
      all.set(name, credentials);
      return { credentials };
    },
    getCredentials: ({ name }) => ({ credentials: get(name) }),
    listCredentials({ parent }) {
      const own = [...all.values()].filter(({ name }) => name.startsWith(`${parent}/`));
      return { credentials: own };
    },
    deleteCredentials({ name }) {
      get(name);
      all.delete(name);
      return {};
    },
  };
}
