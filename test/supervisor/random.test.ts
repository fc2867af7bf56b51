import assert from "node:assert/strict";
import { test } from "node:test";
import type { SimulatedFault } from "../../src/drivers/cloud-simulated/index.js";
import type { BalancerFault } from "../../src/drivers/lb-simulated/faults.js";
import type { StoreFaultName } from "../../src/drivers/store-memory/index.js";
import {
  alert,
  askTarget,
  assertGapFree,
  assertKept,
  assertNothingTwice,
  converges,
  createGroup,
  createPolicy,
  groupSpec,
  placed,
  policySpec,
  rowsOf,
  setTarget,
  submit,
  upId,
  web,
} from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

/**
 * Short lives under random faults and crashes. At every step the cloud holds no more than was ever
 * asked for; healed, ledger and cloud agree with the target. `SEED=… ` runs one of them alone.
 */
const seeds = process.env["SEED"]
  ? [Number(process.env["SEED"])]
  : Array.from({ length: 200 }, (_, index) => index + 1);

const cloudFaults: readonly SimulatedFault[] = [
  { kind: "answerLost", on: "create" },
  { kind: "answerLost", on: "create", hang: true },
  { kind: "answerLost", on: "delete" },
  { kind: "requestLost", on: "create" },
  { kind: "requestLost", on: "delete" },
  { kind: "lateCreate", delayMs: 9_000 },
  { kind: "refuse", on: ["create"], with: "noCapacity" },
  { kind: "refuse", on: ["create", "delete", "list", "get", "find"], with: "throttled" },
  { kind: "refuse", on: ["create"], with: "temporary", ambiguous: true },
  { kind: "buildError", text: "no valid host" },
  { kind: "laterError", afterMs: 3_000, text: "host down" },
  { kind: "laterVanish", afterMs: 3_000 },
  { kind: "laterStatus", afterMs: 2_000, status: "NEVER_HEARD_OF" },
  { kind: "listingLag", lagMs: 1_900 },
  { kind: "listTruncated", serversMax: 2 },
  { kind: "pageFails" },
  { kind: "slowCall", on: ["create", "list"], delayMs: 4_000 },
  { kind: "deleteIgnored" },
];
const storeFaults: readonly StoreFaultName[] = [
  ...["lostAfterCommit", "lostBeforeCommit", "hintsStale", "feedLate", "unavailable", "slow"],
] as StoreFaultName[];
const balancerFaults: readonly BalancerFault[] = [
  { kind: "immutable" },
  { kind: "unavailable" },
  { kind: "lostAnswer" },
  { kind: "partial" },
  { kind: "slow", delayMs: 2_000 },
];

interface Story {
  readonly world: World;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  readonly chance: (share: number) => boolean;
  /** The most that was ever asked for, heard or not. */
  most: number;
  crashes: number;
}

async function begin(seed: number): Promise<Story> {
  const world = await createWorld({
    seed,
    cloud: {
      latencyMs: { fromMs: 5, toMs: 120 },
      buildMs: { fromMs: 500, toMs: 4_000 },
      listingLagMs: 2_000,
      createDeadlineMs: 4_000,
      pageServersMax: 5,
    },
    balancers: { callMs: 20, behaviour: { connections: 2, drainedAfterMs: 2_000 } },
    colos: seed % 4 === 0 ? ["iad", "dfw"] : ["iad"],
  });
  const { random } = world;
  const attachments =
    seed % 3 === 0 ? [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 5_000 }] : [];
  const placements = [...world.clouds.keys()].map((colo) => placed(colo, { attachments }));
  await createGroup(world, groupSpec({ placements }));
  await createPolicy(world, policySpec({ action: { kind: "change", change: 1 } }));
  return {
    world,
    pick: (items) => items[Math.floor(random() * items.length)]!,
    chance: (share) => random() < share,
    most: 0,
    crashes: 0,
  };
}

/** Switches faults on, each for some of the occasions. */
function spoil({ world, pick, chance }: Story): void {
  for (const cloud of world.clouds.values())
    while (chance(0.6)) cloud.inject(pick(cloudFaults), { share: 0.2 + world.random() * 0.6 });
  if (chance(0.5)) world.storeFaults.chance[pick(storeFaults)] = 0.1 + world.random() * 0.3;
  world.storeFaults.slowMs = 300;
  if (chance(0.5)) world.balancers.inject({ fault: pick(balancerFaults), share: 0.4 });
}

/** Something that a tenant or an operator does. Nobody waits for the answer. */
async function act(story: Story): Promise<void> {
  const { world, pick, chance } = story;
  const node = world.node();
  const forget = () => {};
  switch (pick(["target", "target", "change", "server", "pause", "brake", "alert"] as const)) {
    case "target": {
      const target = Math.floor(world.random() * 9);
      story.most = Math.max(story.most, target);
      askTarget(world, target).catch(forget);
      return;
    }
    case "change":
      story.most += 2;
      submit(world, { kind: "change", change: chance(0.5) ? 2 : -2 }).catch(forget);
      return;
    case "alert":
      story.most += 12; // It circles back.
      submit(world, {
        ...{ kind: "alert", policy: upId, key: "cpu" },
        state: pick(["critical", "ok"] as const),
      }).catch(forget);
      return;
    case "server": {
      const rows = await rowsOf(world).catch(() => []);
      if (rows.length === 0) return;
      const server = pick(rows).id;
      node.servers.delete({ key: web, server, replace: chance(0.5) }, world.caller).catch(forget);
      return;
    }
    case "pause":
      if (chance(0.5)) node.groups.pause(web, "why", world.caller).catch(forget);
      else node.groups.resume(web, world.caller).catch(forget);
      return;
    case "brake": {
      const operations = [pick(["create", "delete", "loadBalancer"] as const)];
      const request = { colo: "iad" as never, operations, reason: "why", durationMs: 10_000 };
      node.colos.setBrake(request, world.caller).catch(forget);
      return;
    }
  }
}

/** Servers on their way out count apart (B9.3); late creates are surplus until they are found. */
async function assertBounded({ world, most }: Story): Promise<void> {
  const rows = await rowsOf(world).catch(() => undefined);
  if (!rows) return; // The store is away: another time.
  const leaves = (row: { readonly state: string }) =>
    row.state === "draining" || row.state === "deleting";
  const leaving = new Set(rows.filter(leaves).map((row) => row.id as string));
  for (const cloud of world.clouds.values()) {
    const late = cloud.fired().get("lateCreate") ?? 0;
    const standing = cloud.servers().filter((one) => !leaving.has(one.ownership?.server ?? ""));
    assert.ok(standing.length <= most + late, `${standing.length} servers, at most ${most} wanted`);
  }
}

async function crash(story: Story): Promise<void> {
  const { chance } = story.world.storeFaults;
  const before = { ...chance };
  for (const name of storeFaults) chance[name] = 0; // A node that starts needs its store.
  await story.world.crash();
  Object.assign(chance, before);
  story.crashes++;
}

async function live(seed: number): Promise<Story> {
  const story = await begin(seed);
  const { world, chance } = story;
  const steps = 4 + Math.floor(world.random() * 5);
  for (let step = 0; step < steps; step++) {
    if (chance(0.5)) spoil(story);
    await act(story);
    const forMs = world.random() < 0.3 ? world.random() * 60 : world.random() * 5_000;
    for (let ms = 0; ms < forMs; ms += 500) {
      await world.clock.advance(Math.min(500, forMs));
      await assertBounded(story);
    }
    if (chance(0.3)) await crash(story);
  }
  return story;
}

async function healed({ world }: Story, total: number): Promise<void> {
  world.heal();
  await world.run(world.node().groups.resume(web, world.caller));
  for (const colo of world.clouds.keys())
    await world.run(
      world.node().colos.clearBrake({ colo: colo as never, operations: [] }, world.caller),
    );
  await alert(world, "ok");
  // A status never heard of is left alone: somebody puts it right.
  for (const cloud of world.clouds.values())
    for (const { id, status } of cloud.servers())
      if (status === "NEVER_HEARD_OF") cloud.setStatus(id, "ACTIVE");
  await setTarget(world, total);
  await converges(world, total, 4_000_000);
}

const fired = new Map<string, number>();
let crashes = 0;

for (let chunk = 0; chunk < seeds.length; chunk += 20) {
  const some = seeds.slice(chunk, chunk + 20);
  test(`M2.1 M2.5 whatever strikes, it heals (seeds ${some[0]} to ${some.at(-1)})`, async () => {
    for (const seed of some) {
      try {
        const story = await live(seed);
        await healed(story, seed % 7);
        assertNothingTwice(story.world);
        assertGapFree(await story.world.events());
        await assertKept(story.world);
        note(story);
      } catch (error) {
        throw new Error(`SEED=${seed}: ${String(error)}`, { cause: error });
      }
    }
  });
}

function note({ world, ...story }: Story): void {
  crashes += story.crashes;
  const count = (name: string, times: number) => fired.set(name, (fired.get(name) ?? 0) + times);
  for (const [name, times] of Object.entries(world.storeFaults.fired)) count(name, times);
  for (const cloud of world.clouds.values())
    for (const [name, times] of cloud.fired()) count(name, times);
}

test("every fault struck in some story, and so did crashes", { skip: seeds.length < 200 }, () => {
  for (const name of [...storeFaults, ...cloudFaults.map((one) => one.kind)])
    assert.ok((fired.get(name) ?? 0) > 0, `${name} never struck`);
  assert.ok(crashes > 100, `${crashes} crashes`);
});

test("M8.1 the same seed tells the same story", async () => {
  const tell = async () => {
    const story = await live(12);
    return (await story.world.events()).map(({ id, type, atMs }) => `${id} ${type} ${atMs}`);
  };
  assert.deepEqual(await tell(), await tell());
});
