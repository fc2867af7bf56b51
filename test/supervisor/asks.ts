import assert from "node:assert/strict";
import type { MusterEvent } from "../../src/core/model/event.js";
import type {
  AccountId,
  ColoId,
  GroupId,
  GroupKey,
  PolicyId,
  ServerId,
} from "../../src/core/model/ids.js";
import type { AlertState } from "../../src/core/model/policy.js";
import type { Receipt, ScaleAsk } from "../../src/core/model/scale-event.js";
import type { ServerRow } from "../../src/core/model/server.js";
import type { GroupSpec, PolicySpec, SubmitScaleEvent } from "../../src/supervisor/api.js";
import type { World } from "./world.js";

/** What tenants ask for, and what can be seen of it from outside. */

export const web: GroupKey = { account: "acme" as AccountId, group: "web" as GroupId };
export const upId = "up" as PolicyId;

export function groupSpec(change: Partial<GroupSpec> = {}): GroupSpec {
  return {
    displayName: "web",
    labels: {},
    placements: [placed("iad")],
    launch: { image: "debian", flavor: "small", userData: "", metadata: {}, parameters: {} },
    cooldownMs: 0,
    warmUpMs: 0,
    buildTimeoutMs: 3_600_000,
    stoppedGraceMs: 600_000,
    stoppedServers: "replace",
    scaleInOrder: "oldestFirst",
    surge: 0,
    ...change,
  };
}

export function placed(
  colo: string,
  change: Partial<GroupSpec["placements"][number]> = {},
): GroupSpec["placements"][number] {
  return { colo: colo as ColoId, min: 0, max: 50, weight: 1, attachments: [], ...change };
}

export function createGroup(world: World, spec = groupSpec(), key = web) {
  return world.run(
    world
      .node()
      .groups.create({ ...key, spec, validateOnly: false, allowUnverified: false }, world.caller),
  );
}

export function updateGroup(world: World, change: Partial<GroupSpec>, key = web) {
  const edit = (spec: GroupSpec) => ({ ...spec, ...change });
  return world.run(
    world
      .node()
      .groups.update(
        { key, change: edit, validateOnly: false, allowUnverified: false },
        world.caller,
      ),
  );
}

/** +2 when an alert is CRITICAL; no cooldown, no debounce, repeats every minute. */
export function policySpec(change: Partial<PolicySpec> = {}): PolicySpec {
  return {
    displayName: "scale out",
    action: { kind: "change", change: 2 },
    cooldownMs: 0,
    debounceMs: 0,
    alert: {
      actsOn: "critical",
      holdMs: 0,
      timeToLiveMs: 600_000,
      repeatMs: 60_000,
      repeatsMax: 10,
    },
    ...change,
  };
}

export function createPolicy(world: World, spec = policySpec()) {
  return world.run(world.node().policies.create({ key: web, policy: upId, spec }, world.caller));
}

export function submit(world: World, ask: ScaleAsk, change: Partial<SubmitScaleEvent> = {}) {
  const source = ask.kind === "alert" ? ("alert" as const) : ("manual" as const);
  return world.node().scaling.submit({ key: web, source, ask, ...change }, world.caller);
}

export function askTarget(world: World, target: number, requestId?: string): Promise<Receipt> {
  const once = requestId === undefined ? {} : { requestId };
  return submit(world, { kind: "target", target }, once);
}

export function setTarget(world: World, target: number, requestId?: string): Promise<Receipt> {
  return world.run(askTarget(world, target, requestId));
}

export function runPolicy(world: World, requestId?: string): Promise<Receipt> {
  const once = requestId === undefined ? {} : { requestId };
  return world.run(submit(world, { kind: "policy", policy: upId }, once));
}

export function alert(world: World, state: AlertState, key = "cpu"): Promise<Receipt> {
  return world.run(submit(world, { kind: "alert", policy: upId, key, state }));
}

export async function view(world: World, key = web) {
  return world.run(world.node().groups.get(key, world.caller));
}

export async function targetOf(world: World, key = web): Promise<number> {
  const { placements } = await view(world, key);
  return placements.reduce((sum, one) => sum + one.target, 0);
}

export async function inService(world: World, key = web): Promise<number> {
  const { placements } = await view(world, key);
  return placements.reduce((sum, one) => sum + one.inService, 0);
}

export async function rowsOf(world: World, key = web): Promise<readonly ServerRow[]> {
  const request = { key, pageSize: 10_000, states: [] };
  const page = await world.run(world.node().servers.list(request, world.caller));
  return page.items.map((one) => one.row);
}

export async function firstServer(world: World): Promise<ServerId> {
  return (await rowsOf(world))[0]!.id;
}

/** How many servers the clouds have, listed or not, ours or not. */
export function cloudCount(world: World): number {
  return [...world.clouds.values()].reduce((sum, cloud) => sum + cloud.servers().length, 0);
}

/** Waits until ledger and cloud agree on so many servers, and holds the world to it. */
export async function converges(world: World, total: number, withinMs?: number): Promise<void> {
  // What is asked for one after the other is not seen at once: the sets must agree, not the counts.
  await world.until(
    `${total} in service and nothing on its way, the same in ledger and cloud`,
    async () => {
      const { placements } = await view(world);
      const count = (of: "inService" | "pending" | "leaving") =>
        placements.reduce((sum, one) => sum + one[of], 0);
      const quiet = count("pending") === 0 && count("leaving") === 0;
      if (!quiet || count("inService") !== total || cloudCount(world) !== total) return false;
      const bound = (await rowsOf(world)).flatMap((row) => row.cloudId ?? []);
      const real = [...world.clouds.values()].flatMap((one) => one.servers().map(({ id }) => id));
      return String(bound.toSorted()) === String(real.toSorted());
    },
    withinMs,
  );
}

/** No intention was made into two servers. */
export function assertNothingTwice(world: World): void {
  for (const cloud of world.clouds.values())
    for (const [intention, creates] of cloud.createsByIntention())
      assert.equal(creates, 1, `${intention} was created ${creates} times`);
}

/** At no moment did the cloud have more servers than that which nobody had told to go. */
export function assertNeverMoreThan(world: World, serversMax: number): void {
  for (const cloud of world.clouds.values()) {
    let standing = 0;
    for (const { kind } of cloud.effects) {
      standing += kind === "created" ? 1 : -1;
      assert.ok(standing <= serversMax, `${standing} servers, at most ${serversMax} were wanted`);
    }
  }
}

/** Each placement's events count 1, 2, 3, … and no id comes twice. */
export function assertGapFree(events: readonly MusterEvent[]): void {
  const last = new Map<string, number>();
  for (const { colo, account, group, sequence } of events) {
    const placement = `${account}/${group}/${colo}`;
    assert.equal(sequence, (last.get(placement) ?? 0) + 1, `a gap in ${placement}`);
    last.set(placement, sequence);
  }
  assert.equal(new Set(events.map((one) => one.id)).size, events.length, "an event came twice");
}

/** The monitor found no promise broken: not one event of it, not one line of the log. */
export async function assertKept(world: World): Promise<void> {
  const events = await world.events();
  const broken = events.filter(({ type }) => type === "invariant.violated");
  assert.deepEqual(
    broken.map(({ message, facts }) => [message, facts]),
    [],
  );
  assert.deepEqual(
    world.warnings.filter((one) => one.startsWith("invariant ")),
    [],
  );
}
