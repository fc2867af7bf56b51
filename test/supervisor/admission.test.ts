import assert from "node:assert/strict";
import { test } from "node:test";
import { NotAsked } from "../../src/core/admission/not-asked.js";
import type { AccountId, ColoId } from "../../src/core/model/ids.js";
import { sayCause } from "../../src/core/model/say-cause.js";
import {
  type CallClass,
  createAdmission,
  type Ticket,
} from "../../src/supervisor/colo/admission.js";
import { createColoQueue, defaultQueueLimits } from "../../src/supervisor/colo/colo-queue.js";
import { createCluster, patient } from "../simulation/cluster.js";
import { createRandom, createSeededIds, createVirtualClock } from "../simulation/virtual-clock.js";
import { converges, createGroup, inService, rowsOf, setTarget, view } from "./asks.js";
import { createMemoryMeter } from "./memory-meter.js";
import { createWorld } from "./world.js";

const iad = "iad" as ColoId;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

function bench(inFlightMax: number, share = 1) {
  const clock = createVirtualClock();
  const signal = patient();
  const admission = createAdmission({
    ...{ api: "cloud", colo: iad, limits: { inFlightMax }, share: () => share },
    ...{ clock, ids: createSeededIds(1), log: silent, signal },
  });
  const begun: { readonly name: string; readonly ticket: Ticket; readonly atMs: number }[] = [];
  const refused: unknown[] = [];
  return {
    ...{ clock, admission, begun, refused },
    ask(name: string, of: CallClass, account = "a", waitMsMax = 3_600_000) {
      admission.enter({ class: of, account: account as AccountId, waitMsMax, signal }).then(
        (ticket) => void begun.push({ name, ticket, atMs: clock.monotonicMs() }),
        (error: unknown) => void refused.push(error),
      );
    },
    end(index: number, outcome: "good" | "failed" = "good") {
      const { ticket, atMs } = begun[index]!;
      ticket.end({ operation: "x", outcome, startedMs: atMs });
    },
  };
}

test("B9.4 reads go first but not for ever; then deletes, people's wishes, and the rest in turns", async () => {
  const { clock, admission, begun, ask, end } = bench(1);
  ask("first", "change");
  await clock.advance(1);
  for (const account of ["a", "b"])
    for (const index of [1, 2]) ask(`change ${account}${index}`, "change", account);
  ask("urgent", "urgent");
  ask("delete", "delete");
  for (const index of [1, 2, 3, 4]) ask(`read ${index}`, "read");
  assert.deepEqual(admission.view().waiting, { read: 4, delete: 1, urgent: 1, change: 4 });
  await clock.advance(500);
  assert.equal(admission.view().oldestWaitMs, 500);
  for (let index = 0; index < 11; index++) {
    end(index);
    await clock.advance(1);
  }
  assert.deepEqual(
    begun.map(({ name }) => name),
    ["first", "read 1", "read 2", "read 3", "delete", "read 4"].concat([
      "urgent",
      "change a1",
      "change b1",
      "change a2",
      "change b2",
    ]),
  );
});

test("B9.4 steps that read never keep the queue's deletes and changes from their turns", async () => {
  const { clock, admission } = bench(8);
  const queue = createColoQueue(defaultQueueLimits, {
    cloud: admission,
    loadBalancer: bench(48).admission,
  });
  const done: Record<string, number> = {};
  const last: CallClass[] = [];
  const offer = (name: string, of: CallClass) =>
    queue.offer({
      ...{ key: name, account: "a" as AccountId, api: "cloud", class: of },
      async run(ticket) {
        const startedMs = clock.monotonicMs();
        last.push(of);
        await new Promise<void>((resolve) => void clock.after(100, resolve));
        ticket.end({ operation: of, outcome: "good", startedMs });
        done[of] = (done[of] ?? 0) + 1;
      },
    });
  for (let index = 0; index < 20; index++)
    for (const of of ["change", "urgent", "delete"] as const) offer(`${of} ${index}`, of);
  // Tags that cannot be put right are asked for by turn after turn.
  for (let second = 0; second < 6; second += 2) {
    for (let index = 0; index < 400; index++) offer(`tag ${index}`, "read");
    await clock.advance(2_000);
  }
  const { delete: deletes, urgent, change, read } = done;
  assert.deepEqual({ deletes, urgent, change }, { deletes: 20, urgent: 20, change: 20 });
  assert.ok(read! > 300, `reads go on: ${read}`);
  const others = last.filter((of) => of !== "read");
  assert.deepEqual(
    [others.slice(0, 20), others.slice(20, 40)].map((some) => [...new Set(some)]),
    [["delete"], ["urgent"]],
    "deletes first, then what people wait for",
  );
});

test("B9.4 what waited too long was for certain never sent, and says why", async () => {
  const { clock, ask, refused, begun } = bench(1);
  ask("first", "read");
  ask("second", "read", "a", 5_000);
  await clock.advance(5_001);
  assert.equal(begun.length, 1);
  const [fault] = refused;
  assert.ok(fault instanceof NotAsked);
  assert.deepEqual(
    [fault.kind, fault.ambiguous, fault.why.code],
    ["throttled", false, "CLOUD_BUSY"],
  );
});

test("B9.4 nodes of a colo share: a quarter of the leases, a quarter of the calls and of the probes", async () => {
  const probesOf = async (share: number) => {
    const { clock, admission, begun, ask, end } = bench(48, share);
    const inFlightMax = admission.view().inFlightMax;
    for (let index = 0; index < 200; index++) ask(`${index}`, "change");
    await clock.advance(1);
    assert.equal(begun.length, inFlightMax);
    const healthy = begun.length;
    for (let index = 0; index < begun.length; index++) {
      end(index, "failed");
      await clock.advance(10);
    }
    const opened = begun.length;
    assert.equal(admission.view().phase === "open" || opened - healthy > 0, true);
    for (let passedMs = 0; passedMs < 600_000; passedMs += 1_000) {
      await clock.advance(1_000);
      for (let index = 0; index < begun.length; index++) end(index, "failed");
    }
    return { inFlightMax, probes: begun.length - opened };
  };
  const whole = await probesOf(1);
  const quarter = await probesOf(0.25);
  assert.deepEqual([whole.inFlightMax, quarter.inFlightMax], [48, 12]);
  assert.ok(whole.probes > 30 && whole.probes < 60, `${whole.probes}`);
  assert.ok(quarter.probes > 6 && quarter.probes < 16, `${quarter.probes}`);
});

test("B9.4 two nodes of one colo never have more in flight than one may", async () => {
  const clock = createVirtualClock();
  const cluster = createCluster({
    ...{ clock, ids: createSeededIds(1), random: createRandom(2) },
    ...{ balancerIds: createSeededIds(3), colos: [{ id: "iad" }] },
  });
  const nodes = ["node-1", "node-2"].map((name) => cluster.create(name));
  const started = Promise.all(nodes.map(({ supervisor }) => supervisor.start()));
  await clock.advance(20_000);
  await started;
  const signal = patient();
  const views = nodes.map(({ supervisor }) =>
    supervisor.colos.get(iad, { principal: "tester", signal }),
  );
  await clock.advance(1_000);
  const shares = (await Promise.all(views)).map(({ admissions }) => admissions[0]!);
  const held = shares.reduce((sum, one) => sum + one.share, 0);
  // A node without a lease keeps one lease's share, for what callers ask it to look at.
  assert.ok(held >= 1 && held <= 1.125, `${held}`);
  assert.ok(shares.reduce((sum, one) => sum + one.inFlightMax, 0) <= 48 + 6);
});

test("B9.4 while the circuit is open no creates may be asked for; its end wakes who waits", async () => {
  const { clock, admission, begun, ask, end } = bench(48);
  const other = bench(48).admission;
  const queue = createColoQueue(defaultQueueLimits, { cloud: admission, loadBalancer: other });
  assert.equal(queue.free(), 8 * 32 - 2);
  for (let index = 0; index < 20; index++) ask(`${index}`, "change");
  await clock.advance(10);
  for (let index = 0; index < 20; index++) end(index, "failed");
  assert.equal(admission.view().phase, "open");
  let woken = 0;
  queue.whenFree({ key: "k", account: "a" as AccountId, wake: () => void woken++ });
  assert.deepEqual([queue.free(), woken], [0, 0]);
  ask("probe", "read");
  await clock.advance(5_000);
  assert.deepEqual([begun.length, queue.free(), woken], [21, 0, 0]);
  end(20);
  await clock.advance(10);
  assert.equal(admission.view().phase, "ramping");
  assert.equal(woken, 1);
  assert.ok(queue.free() >= 1 && queue.free() <= 8, `${queue.free()}`);
});

test("B9.4 a cloud that refuses everything is probed; nothing is intended, all say why, and it ends", async () => {
  const meter = createMemoryMeter();
  const world = await createWorld({ node: { meter } });
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  const fault = world.cloud.inject({
    kind: "refuse",
    on: ["create", "delete", "get", "list", "find"],
    with: "temporary",
  });
  await setTarget(world, 30);
  await world.clock.advance(30_000);
  const firedBefore = fault.fired();
  assert.ok(firedBefore >= 5, "the fault did not fire");
  await world.clock.advance(120_000);
  const probes = fault.fired() - firedBefore;
  assert.ok(probes >= 4 && probes <= 20, `${probes} calls in two minutes`);
  const intended = (await rowsOf(world)).filter((row) => row.state === "intended");
  assert.deepEqual(intended, [], "what cannot start is not promised");
  const colo = await world.run(world.node().colos.get(iad, world.caller));
  const [cloud] = colo.admissions;
  assert.ok(cloud?.phase === "open" || cloud?.phase === "probing");
  assert.match(cloud.lastFault?.message ?? "", /./);
  const { placements } = await view(world);
  const braked = placements[0]?.conditions.find((one) => one.type === "braked");
  assert.ok(braked?.holds, JSON.stringify(placements[0]?.conditions));
  const [why] = braked.causes;
  assert.equal(why?.code, "CLOUD_BUSY");
  const stoppedMs = world.clock.nowMs() - Number(why.facts["stoppedAtMs"]);
  assert.ok(
    stoppedMs > 120_000 && stoppedMs <= 151_000,
    `${stoppedMs} ms since the calls were stopped`,
  );
  assert.ok(cloud.sinceMs <= Number(why.facts["stoppedAtMs"]) + 1);
  assert.match(sayCause(why), /: only one probe at a time since \S+Z; it said: /);
  assert.equal(meter.value("muster_admission_phase", { api: "cloud", phase: "closed" }), 0);
  assert.ok(meter.value("muster_outside_calls_total", { outcome: "failed" }) >= firedBefore);
  world.heal();
  await converges(world, 30, 180_000);
  assert.equal(await inService(world), 30);
  await world.clock.advance(30_000);
  assert.equal(meter.value("muster_placements", { condition: "braked" }), 0);
  assert.ok(meter.value("muster_turns_total") > 0 && meter.value("muster_commits_total") > 0);
});
