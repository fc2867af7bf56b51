import fc from "fast-check";
import { cause } from "../../../src/core/model/cause.js";
import type { OperationClass } from "../../../src/core/model/colo.js";
import type { CloudServerId, LoadBalancerId } from "../../../src/core/model/ids.js";
import type { BalancerView, CloudView, Observation } from "../../../src/core/model/observation.js";
import { askedKey, createKey, stepKey } from "../../../src/core/model/observation.js";
import type { PlacementDoc } from "../../../src/core/model/placement.js";
import type { CloudServer, Membership, ServerRow } from "../../../src/core/model/server.js";
import {
  attachmentOf,
  attemptId,
  docOf,
  groupOf,
  memberOf,
  rowOf,
  serverOf,
  specOf,
  t0,
  tagsOf,
} from "./fixtures.js";

/** What a placement may look like: every legal ledger, and a world that does as it likes. */

const balancerIds = ["lb-1", "lb-2"] as unknown as readonly LoadBalancerId[];
const agesMs = [0, 1, 999, 4_999, 5_000, 30_000, 61_000, 300_000, 600_000, 3_600_000, 400_000_000];
const ageMs = fc.constantFrom(...agesMs);
const leavings = [
  cause("B4.4", "SURPLUS"),
  cause("B8.1", "REQUESTED"),
  cause("B4.2", "CLOUD_ERROR"),
] as const;
export const statuses = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("ACTIVE", "BUILD", "ERROR", "SHUTOFF", "DELETED") },
  { weight: 2, arbitrary: fc.constantFrom("REBOOT", "RESCUE", "SUSPENDED", "UNKNOWN") },
  { weight: 1, arbitrary: fc.constantFrom("", "active", "__proto__", "toString", "NEW_WORD") },
  { weight: 1, arbitrary: fc.string() },
);

const unboundRow = (id: string): fc.Arbitrary<ServerRow> =>
  fc
    .record({
      state: fc.constantFrom("intended", "unconfirmed", "abandoned"),
      ageMs,
      attempt: fc.constantFrom(attemptId, "another-life"),
      leftMs: fc.integer({ min: -70_000, max: 62_000 }),
    })
    .map(({ state, ageMs: agoMs, attempt, leftMs }) =>
      rowOf(id, state as "intended", {
        ...{ sinceMs: t0 - agoMs, createdAtMs: t0 - agoMs },
        attempt: { id: attempt, callDeadlineMs: t0 + leftMs },
      }),
    );

const membershipsOf = (id: string): fc.Arbitrary<readonly Membership[]> =>
  fc.subarray(
    balancerIds.map(
      (loadBalancer): Membership => ({
        ...{ loadBalancer, host: `10.0.0.${id}`, port: 80, weight: 10 },
        state: "member",
      }),
    ),
  );

const boundRow = (id: string): fc.Arbitrary<ServerRow> =>
  fc
    .record({
      state: fc.constantFrom("building", "launching", "inService", "draining", "deleting"),
      ageMs,
      inStateMs: ageMs,
      cloudStatus: statuses,
      memberships: membershipsOf(id),
      protected: fc.boolean(),
      leaving: fc.constantFrom(...leavings),
      address: fc.constantFrom("own", "none", "shared"),
      launchRevision: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ state, ageMs: agoMs, inStateMs, memberships, leaving, address, ...rest }) => {
      const row = rowOf(id, state as "building");
      const sinceMs = t0 - Math.min(agoMs, inStateMs);
      const leaves = state === "draining" || state === "deleting";
      const { address: _own, leaving: _leaving, ...kept } = row;
      return {
        ...kept,
        ...rest,
        ...{ sinceMs, createdAtMs: t0 - agoMs, cloudStatusSinceMs: sinceMs },
        memberships: state === "building" ? [] : memberships,
        ...(address === "none" ? {} : { address: addressOf(id, address === "shared") }),
        ...(leaves ? { leaving } : {}),
        ...(state === "draining" ? { drainingSinceMs: sinceMs } : {}),
        ...(state === "deleting" ? { deletingSinceMs: sinceMs } : {}),
      };
    });

function addressOf(id: string, shared: boolean) {
  return { host: shared ? "10.0.0.1" : `10.0.0.${id}`, port: 0 };
}

const rowsArbitrary = (rowsMax: number): fc.Arbitrary<readonly ServerRow[]> =>
  fc.integer({ min: 0, max: rowsMax }).chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, index) => {
        const id = String(index + 1);
        return fc.oneof(
          { weight: 1, arbitrary: unboundRow(id) },
          { weight: 3, arbitrary: boundRow(id) },
        );
      }),
    ),
  );

/** What the cloud says of one row: its server, nothing, or another's copy of its tag as well. */
function serversFor(row: ServerRow): fc.Arbitrary<readonly CloudServer[]> {
  const told = fc.record({
    status: statuses,
    taskState: fc.option(fc.constantFrom("deleting", "spawning"), { nil: undefined }),
    fault: fc.option(fc.constant("the cloud's own text"), { nil: undefined }),
    listed: fc.boolean(),
    copied: fc.boolean(),
  });
  return told.map(({ status, taskState, fault, listed, copied }) => {
    const change = {
      status,
      ...(taskState === undefined ? {} : { taskState }),
      ...(fault === undefined ? {} : { fault }),
    };
    const copyId = `copy-${row.id}` as CloudServerId;
    const copy = serverOf(row.id, { id: copyId, createdAtMs: t0 });
    return [
      ...(listed ? [serverOf(row.id, change)] : []),
      ...(copied && row.cloudId ? [copy] : []),
    ];
  });
}

const foreigners: fc.Arbitrary<readonly CloudServer[]> = fc.subarray([
  serverOf("900", { ownership: tagsOf("900") }),
  { ...serverOf("901"), ownership: tagsOf("no-such-row") },
]);

const partial = cause("B4.3", "LISTING_PARTIAL", { fault: "page 2 failed" });
const unavailable = { kind: "unavailable", cause: partial } as const;

function cloudFor(rows: readonly ServerRow[]): fc.Arbitrary<CloudView> {
  const answer = fc.constantFrom<"gone" | "unknown" | "found" | "unasked">(
    ...(["gone", "unknown", "found", "unasked"] as const),
  );
  const listed = fc
    .record({
      servers: fc.tuple(...rows.map(serversFor)),
      foreign: foreigners,
      answers: fc.tuple(...rows.map(() => answer)),
      status: statuses,
      agoMs: fc.constantFrom(0, 1_000, 20_000),
    })
    .map(({ servers, foreign, answers, status, agoMs }): CloudView => {
      const lookedUp = new Map<CloudServerId, CloudServer | "gone" | "unknown">();
      for (const [index, row] of rows.entries()) {
        const said = answers[index];
        if (!row.cloudId || said === undefined || said === "unasked") continue;
        lookedUp.set(row.cloudId, said === "found" ? serverOf(row.id, { status }) : said);
      }
      const askedAtMs = t0 - agoMs;
      return { kind: "listed", askedAtMs, servers: [...servers.flat(), ...foreign], lookedUp };
    });
  return fc.oneof(
    { weight: 9, arbitrary: listed },
    { weight: 1, arbitrary: fc.constant<CloudView>(unavailable) },
  );
}

function balancerFor(rows: readonly ServerRow[]): fc.Arbitrary<BalancerView> {
  const members = fc
    .record({
      ids: fc.subarray([...rows.map((row) => row.id as string), "200", "201"]),
      draining: fc.boolean(),
      weight: fc.constantFrom(10, 3),
      health: fc.constantFrom("healthy", "unhealthy", "unknown" as const),
      connections: fc.option(fc.constantFrom(0, 5), { nil: undefined }),
    })
    .map(({ ids, draining, weight, health, connections }): BalancerView => {
      const { connections: _told, ...base } = memberOf("1", { draining, weight });
      const count = connections === undefined ? {} : { connections };
      const all = ids.map((id) => ({ ...base, host: `10.0.0.${id}`, health, ...count }));
      return { kind: "listed", askedAtMs: t0, members: all as never };
    });
  return fc.oneof(
    { weight: 4, arbitrary: members },
    { weight: 1, arbitrary: fc.constant<BalancerView>({ kind: "gone" }) },
    { weight: 1, arbitrary: fc.constant<BalancerView>(unavailable) },
  );
}

const docArbitrary: fc.Arbitrary<PlacementDoc> = fc
  .record({
    target: fc.integer({ min: 0, max: 12 }),
    above: fc.constantFrom(0, 0, 2, 88),
    deleting: fc.boolean(),
    paused: fc.boolean(),
    failures: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    retryInMs: fc.integer({ min: -5_000, max: 60_000 }),
  })
  .map(({ target, above, deleting, paused, failures, retryInMs }) => {
    const retryAtMs = t0 + retryInMs;
    return docOf({
      ...{ target, max: target + above, deleting },
      ...(paused ? { paused: { sinceMs: t0, reason: "r", principal: "ann" } } : {}),
      ...(failures === undefined ? {} : { backoff: { failures, retryAtMs, reason: "no host" } }),
    });
  });

const classes: readonly OperationClass[] = ["create", "delete", "loadBalancer"];

/** Any observation that a legal ledger allows. */
export function observations(options: { rowsMax?: number } = {}): fc.Arbitrary<Observation> {
  return rowsArbitrary(options.rowsMax ?? 8).chain((rows) =>
    fc
      .record({
        doc: docArbitrary,
        hasSpec: fc.constantFrom(true, true, true, false),
        attached: fc.subarray([...balancerIds]),
        cloud: cloudFor(rows),
        balancers: fc.tuple(balancerFor(rows), balancerFor(rows)),
        order: fc.constantFrom("oldestFirst", "newestFirst", "oldestLaunchFirst" as const),
        stoppedServers: fc.constantFrom("replace", "keep" as const),
        underWay: fc.subarray(rows.map((row) => row.id)),
        standing: fc.constantFrom("queued", "running" as const),
        stopped: fc.subarray([...classes]),
        brakes: fc.boolean(),
        asked: fc.subarray(rows.map((row) => row.id)),
        knownForMs: ageMs,
      })
      .map(({ doc, cloud, ...one }): Observation => {
        const attachments = one.attached.map((loadBalancer) => attachmentOf({ loadBalancer }));
        const scaleInOrder = one.order as "oldestFirst";
        const keep = one.stoppedServers as "keep";
        const keys = one.underWay.flatMap((server) => [
          createKey(server),
          stepKey({ kind: "delete", server, cloudId: "any" as CloudServerId }),
        ]);
        const asked = one.asked.map(askedKey);
        const brake = (operation: OperationClass) => cause("B9.1", "BRAKED", { operation });
        return {
          nowMs: t0,
          sinceMs: t0 - one.knownForMs,
          installation: "test",
          orphans: new Map(),
          group: groupOf({ scaleInOrder, stoppedServers: keep }),
          spec: one.hasSpec ? specOf({ attachments }) : undefined,
          ...{ doc, rows, cloud, attemptId },
          balancers: new Map(balancerIds.map((id, index) => [id, one.balancers[index]!])),
          underWay: new Map([
            ...keys.map((key) => [key, one.standing as "queued"] as const),
            ...asked.map((key) => [key, "running"] as const),
          ]),
          stopped: new Map(one.brakes ? one.stopped.map((name) => [name, brake(name)]) : []),
        };
      }),
  );
}
