import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OutsideFault, type OutsideFaultKind } from "../../src/core/errors/outside-fault.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import {
  createSimulatedCloud,
  type Operation,
  type SimulatedCloudOptions,
} from "../../src/drivers/cloud-simulated/index.js";
import { cloudDriverContract } from "../contract/index.js";
import { createRandom, createVirtualClock } from "../simulation/virtual-clock.js";
import { simulatedHarness } from "./cloud-simulated-harness.js";

cloudDriverContract("simulated", simulatedHarness);

const account = "acme";
const installation = "here";
const call = { signal: new AbortController().signal as AbortSignal };
const launch = { image: "x", flavor: "y", userData: "", metadata: {}, parameters: {} };

function worldOf(options: Partial<SimulatedCloudOptions> = {}, seed = 1) {
  const clock = createVirtualClock();
  const spread = { fromMs: 1_000, toMs: 1_000 };
  const cloud = createSimulatedCloud({
    ...{ clock, random: createRandom(seed), buildMs: spread, deleteMs: spread },
    ...options,
  });
  const driver = cloud.openDriver();
  const create = (server: string, owner = account) => {
    const ownership = { installation, account: owner, group: "g", colo: "iad", server };
    const request = { account: owner, name: server, launch };
    return driver.createServer(
      { ...request, ownership: { ...ownership, launchRevision: 1 } },
      call,
    );
  };
  const list = (cursor?: string) =>
    driver.listServers({ account, installation, ...(cursor && { cursor }) }, call);
  const get = (id: Parameters<CloudDriver["getServer"]>[0]["id"]) =>
    driver.getServer({ account, id }, call);
  const remove = (id: Parameters<CloudDriver["getServer"]>[0]["id"]) =>
    driver.deleteServer({ account, id }, call);
  return { clock, cloud, driver, create, list, get, remove };
}

async function faultOf(work: Promise<unknown>): Promise<OutsideFault> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof OutsideFault, `no OutsideFault: ${String(thrown)}`);
  return thrown;
}

const kinds = [
  ...(["throttled", "temporary", "noCapacity", "quota", "badRequest"] as const),
  ...(["notFound", "conflict", "denied", "unknown"] as const),
] satisfies OutsideFaultKind[];

test("B4.8 every kind of refusal, on every operation, is counted and changes nothing", async () => {
  const { cloud, driver, create, list, get, remove } = worldOf();
  const { id } = await create("there");
  const find = () => driver.findByIntention({ account, server: "there" }, call);
  const check = () => driver.checkLaunch({ account, launch }, call);
  const tag = () => driver.tagServer({ account, id, ownership: undefined }, call);
  const attempts: Readonly<Record<Operation, () => Promise<unknown>>> = {
    ...{ create: () => create("new"), delete: () => remove(id), get: () => get(id) },
    ...{ list: () => list(), find, check, project: () => driver.project(account, call), tag },
    quota: async () => driver.quota?.({ account, launch }, call),
    console: async () => driver.consoleTail?.({ account, id, linesMax: 1 }, call),
  };
  for (const on of Object.keys(attempts) as Operation[])
    for (const kind of kinds) {
      const fault = cloud.inject({
        ...{ kind: "refuse", on: [on], with: kind, ambiguous: true, retryAfterMs: 30_000 },
      });
      const told = await faultOf(attempts[on]());
      assert.deepEqual([told.kind, told.ambiguous, told.retryAfterMs], [kind, true, 30_000]);
      assert.equal(fault.fired(), 1);
      fault.off();
    }
  assert.equal(cloud.fired().get("refuse"), 10 * kinds.length);
  assert.equal(cloud.servers().length, 1);
  assert.equal(cloud.servers()[0]?.ownership?.server, "there");
  assert.equal(cloud.effects.length, 1);
});

test("B4.5 lost requests and lost answers look alike, and only the effects differ", async () => {
  const { clock, cloud, driver, create, remove } = worldOf();
  const done = cloud.inject({ kind: "answerLost", on: "create" }, { timesMax: 1 });
  assert.equal((await faultOf(create("done"))).ambiguous, true);
  const undone = cloud.inject({ kind: "requestLost", on: "create" }, { timesMax: 1 });
  assert.equal((await faultOf(create("undone"))).ambiguous, true);
  const late = cloud.inject({ kind: "lateCreate", delayMs: 5_000 }, { timesMax: 1 });
  assert.equal((await faultOf(create("late"))).ambiguous, true);
  assert.deepEqual([done.fired(), undone.fired(), late.fired()], [1, 1, 1]);
  assert.deepEqual([...cloud.createsByIntention()], [["done", 1]]);
  await clock.advance(5_000);
  assert.deepEqual(
    [...cloud.createsByIntention()],
    [
      ["done", 1],
      ["late", 1],
    ],
  );
  const [found] = await driver.findByIntention({ account, server: "done" }, call);
  assert.ok(found);
  const deaf = cloud.inject({ kind: "answerLost", on: "delete" }, { timesMax: 1 });
  assert.equal((await faultOf(remove(found.id))).ambiguous, true);
  assert.equal(deaf.fired(), 1);
  await clock.advance(1_000);
  assert.equal(await remove(found.id), "gone");
  assert.deepEqual(
    cloud.calls.map(({ operation, answer }) => `${operation} ${answer}`),
    [...Array(3).fill("create temporary?"), "delete temporary?", "delete ok"],
  );
  assert.deepEqual(
    cloud.effects.map(({ kind, intention }) => `${kind} ${intention}`),
    ["created done", "created late", "deleted done"],
  );
});

test("B4.5 a call that hangs ends when its caller gives up", async () => {
  const { clock, cloud, driver } = worldOf({ latencyMs: { fromMs: 100, toMs: 100 } });
  const fault = cloud.inject({ kind: "answerLost", on: "create", hang: true });
  const giveUp = new AbortController();
  const ownership = { installation, account, group: "g", colo: "iad", server: "hung" };
  const request = { account, name: "hung", launch, ownership: { ...ownership, launchRevision: 1 } };
  const told = faultOf(driver.createServer(request, { signal: giveUp.signal }));
  await clock.advance(60_000);
  assert.equal(cloud.calls.length, 0);
  giveUp.abort();
  assert.equal((await told).ambiguous, true);
  assert.equal(fault.fired(), 1);
  assert.equal(cloud.servers().length, 1);
});

test("B4.2 builds can be slow, fail, and what was in service can turn", async () => {
  const { clock, cloud, create, get } = worldOf();
  const statusAfter = async (ms: number, fault: Parameters<typeof cloud.inject>[0]) => {
    const on = cloud.inject(fault);
    const { id } = await create(`${fault.kind}`);
    on.off();
    assert.equal(on.fired(), 1);
    await clock.advance(ms);
    const server = await get(id);
    return [server?.status, server?.fault];
  };
  assert.deepEqual(await statusAfter(1_500, { kind: "slowBuild", extraMs: 1_000 }), [
    ...["BUILD", undefined],
  ]);
  assert.deepEqual(await statusAfter(1_500, { kind: "buildError", text: "No valid host" }), [
    ...["ERROR", "No valid host"],
  ]);
  assert.deepEqual(await statusAfter(1_500, { kind: "laterError", afterMs: 600, text: "died" }), [
    ...["ACTIVE", undefined],
  ]);
  assert.deepEqual(await statusAfter(1_700, { kind: "laterError", afterMs: 600, text: "died" }), [
    ...["ERROR", "died"],
  ]);
  for (const status of ["UNKNOWN", "SHUTOFF", "NEVER_HEARD_OF"])
    assert.deepEqual(await statusAfter(1_001, { kind: "laterStatus", afterMs: 1, status }), [
      ...[status, undefined],
    ]);
  assert.deepEqual(await statusAfter(1_001, { kind: "laterVanish", afterMs: 1 }), [
    ...[undefined, undefined],
  ]);
  const { id } = await create("chosen");
  assert.ok(cloud.setStatus(id, "SHUTOFF"));
  assert.equal((await get(id))?.status, "SHUTOFF");
  assert.ok(cloud.vanish(id));
  assert.equal(await get(id), undefined);
  assert.equal(cloud.vanish(id), false);
});

test("B4.3 listings lag, fail, repeat pages and end early, each when told to", async () => {
  const { clock, cloud, driver, create, list, get } = worldOf({ pageServersMax: 2 });
  const lag = cloud.inject({ kind: "listingLag", lagMs: 3_000 }, { timesMax: 1 });
  const { id } = await create("late");
  assert.equal(lag.fired(), 1);
  assert.deepEqual((await list()).servers, []);
  assert.deepEqual(await driver.findByIntention({ account, server: "late" }, call), []);
  assert.equal((await get(id))?.id, id);
  await clock.advance(3_000);
  assert.equal((await list()).servers.length, 1);

  for (const name of ["b", "c", "d", "e"]) await create(name);
  const first = await list();
  const repeated = cloud.inject({ kind: "pageRepeated" }, { timesMax: 1 });
  const twice = await list(first.next);
  assert.deepEqual(twice, first);
  assert.equal(repeated.fired(), 1);
  assert.notDeepEqual((await list(twice.next)).servers, first.servers);

  const fails = cloud.inject({ kind: "pageFails" });
  assert.equal((await list()).servers.length, 2);
  await faultOf(list(first.next));
  assert.equal(fails.fired(), 1);
  fails.off();

  const cut = cloud.inject({ kind: "listTruncated", serversMax: 1 });
  const short = await list();
  assert.deepEqual([short.servers.length, short.next, cut.fired()], [1, undefined, 1]);
});

test("B4.2 a cell that is down makes UNKNOWN servers that cannot be deleted", async () => {
  const { clock, cloud, create, list, remove } = worldOf({ cells: 2 });
  const made = [await create("a"), await create("b")];
  await clock.advance(1_000);
  const down = cloud.inject({ kind: "cellDown", cell: 0 });
  const { servers } = await list();
  assert.deepEqual(servers.map(({ status }) => status).toSorted(), ["ACTIVE", "UNKNOWN"]);
  const ill = servers.find(({ status }) => status === "UNKNOWN");
  assert.equal(ill?.address, undefined);
  assert.equal((await faultOf(remove(ill?.id ?? made[0]!.id))).kind, "temporary");
  assert.equal(down.fired(), 2);
  cloud.heal();
  assert.ok((await list()).servers.every(({ status }) => status === "ACTIVE"));
});

test("B9.7 to who is pinned to no project, another one's credentials make everything 404", async () => {
  const { cloud, create, list, get, remove } = worldOf();
  const { id } = await create("mine");
  await create("theirs", "globex");
  const wrong = cloud.inject({ kind: "otherProject" }, { account });
  assert.deepEqual((await list()).servers, []);
  assert.equal(await get(id), undefined);
  assert.equal(await remove(id), "gone");
  assert.equal((await faultOf(create("new"))).kind, "notFound");
  assert.equal(wrong.fired(), 4);
  await create("globex is not struck", "globex");
  assert.equal(wrong.fired(), 4);
  wrong.off();
  assert.equal((await get(id))?.id, id);
});

test("B9.5 foreign servers are untagged and unlisted, or carry copied tags", async () => {
  const { cloud, driver, create, list, get } = worldOf();
  const mine = await create("mine");
  const untagged = cloud.addForeign({ account, name: "pet" });
  assert.equal((await get(untagged))?.ownership, undefined);
  assert.equal((await list()).servers.length, 1);
  const copied = { account, name: "copy", ...(mine.ownership && { ownership: mine.ownership }) };
  cloud.addForeign(copied);
  assert.equal((await driver.findByIntention({ account, server: "mine" }, call)).length, 2);
  assert.deepEqual([...cloud.createsByIntention()], [["mine", 1]]);
});

test("B4.10 a delete can be accepted and ignored; quota can change; calls can be slow", async () => {
  const { clock, cloud, create, get, remove, list } = worldOf({ quota: 1 });
  const { id } = await create("a");
  assert.equal((await faultOf(create("b"))).kind, "quota");
  assert.equal(cloud.quotaRefusals(), 1);
  cloud.setQuota(2);
  await create("b");
  const ignored = cloud.inject({ kind: "deleteIgnored" }, { timesMax: 1 });
  assert.equal(await remove(id), "accepted");
  await clock.advance(60_000);
  assert.equal((await get(id))?.status, "ACTIVE");
  assert.equal(ignored.fired(), 1);
  assert.equal(await remove(id), "accepted");
  assert.equal((await get(id))?.taskState, "deleting");
  assert.equal(await remove(id), "accepted");
  assert.equal(cloud.effects.filter(({ kind }) => kind === "deleted").length, 1);
  await clock.advance(1_000);
  assert.equal(await get(id), undefined);

  const slow = cloud.inject({ kind: "slowCall", on: ["list"], delayMs: 9_000 });
  let answered = false;
  const listing = list().then(() => {
    answered = true;
  });
  await clock.advance(8_999);
  assert.equal(answered, false);
  await clock.advance(1);
  await listing;
  assert.equal(slow.fired(), 1);
});

test("the same seed tells the same story, and a fault in one part moves no other", async () => {
  const story = async (seed: number, share: number) => {
    const spread = { fromMs: 0, toMs: 10_000 };
    const { clock, cloud, create, list } = worldOf({ buildMs: spread }, seed);
    cloud.inject({ kind: "answerLost", on: "create" }, { share });
    cloud.inject({ kind: "buildError", text: "bad luck" }, { share: 0.2 });
    for (let index = 0; index < 20; index++) await create(`s${index}`).catch(() => {});
    await clock.advance(5_000);
    const fates = (await list()).servers.map(({ status }) => status);
    return { fates, calls: cloud.calls, effects: cloud.effects, servers: cloud.servers() };
  };
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const first = await story(seed, 0.3);
      assert.deepEqual(await story(seed, 0.3), first);
      assert.deepEqual((await story(seed, 0.9)).fates, first.fates);
    }),
    { numRuns: 20 },
  );
  assert.notDeepEqual((await story(1, 0.3)).fates, (await story(2, 0.3)).fates);
});

test("B5.2 a new server may get the address of one that is gone, and it is counted", async () => {
  const { clock, cloud, create, list, remove } = worldOf();
  const reuse = cloud.inject({ kind: "addressReused" });
  const first = await create("s1");
  await clock.advance(2_000);
  const { host } = (await list()).servers[0]!.address!;
  await remove(first.id);
  await clock.advance(2_000);
  await list();
  const second = await create("s2");
  await clock.advance(2_000);
  assert.equal(cloud.server(second.id)?.address?.host, host);
  assert.equal(cloud.server(first.id), undefined);
  assert.equal(reuse.fired(), 1);
});
