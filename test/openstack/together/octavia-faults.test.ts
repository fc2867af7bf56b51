import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { OutsideFault, type OutsideFaultKind } from "../../../src/core/errors/outside-fault.js";
import type { LoadBalancerId } from "../../../src/core/model/ids.js";
import type { LoadBalancerDriver, MemberChange } from "../../../src/core/ports/load-balancer.js";
import { makeBalancer, removeBalancer } from "../balancers.js";
import { type Bed, openBed } from "../bed.js";
import type { RulesOf } from "../bed-facts.js";
import { octaviaAgent, openOctavia } from "../octavia.js";
import { createPools, type Pools } from "../pools.js";

const call = { signal: AbortSignal.timeout(900_000) };
const account = "acme";
const batch = { method: "PUT", path: "/members$" };

function put(index: number, weight = 1, draining = false): MemberChange {
  return { kind: "put", host: `192.0.2.${index}`, port: 80, weight, draining };
}

function remove(index: number): MemberChange {
  return { kind: "remove", host: `192.0.2.${index}`, port: 80 };
}

async function refused(promise: Promise<unknown>, kind: OutsideFaultKind): Promise<OutsideFault> {
  const fault = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(fault instanceof OutsideFault, `not refused, but ${String(fault)}`);
  assert.equal(fault.kind, kind, fault.message);
  return fault;
}

describe("octavia, disturbed", () => {
  let bed: Bed;
  let balancer: string;
  let pools: Pools;
  let pool: LoadBalancerId;
  let driver: LoadBalancerDriver;
  before(async () => {
    bed = await openBed();
    const asked = { name: "muster-octavia-faults", subnet: bed.facts.subnet };
    balancer = (await makeBalancer(bed.callers.acme, asked)).loadBalancerId;
    pools = createPools(bed.callers.acme, balancer);
  });
  after(() => removeBalancer(bed.callers.acme, balancer));
  beforeEach(async () => {
    pool = await pools.make("disturbed");
    driver = await openOctavia(bed);
  });
  afterEach(async () => {
    await bed.faults.heal();
    await driver.close();
    await pools.remove(pool);
  });

  const change = (...changes: readonly MemberChange[]) =>
    driver.changeMembers({ account, id: pool }, changes, call);
  const list = (of = account) => driver.listMembers({ account: of, id: pool }, call);
  const hosts = async () => (await pools.members(pool)).map(({ address }) => address).toSorted();
  const disturb = (rule: RulesOf["octavia"]) =>
    bed.faults.set("octavia", [
      { times: 1, ...rule, match: { ...rule.match, agent: octaviaAgent } },
    ]);
  const fired = async () => (await bed.faults.fired("octavia")).length;
  const isPending = async () => {
    const path = `/v2/lbaas/loadbalancers/${balancer}`;
    const { body } = await bed.callers.acme.call("loadBalancer", "GET", path);
    const one = body["loadbalancer"] as { readonly provisioning_status: string };
    return one.provisioning_status === "PENDING_UPDATE";
  };

  test("B5.4 a load balancer that is busy with another's change is waited for", async () => {
    const other = await pools.make("another");
    await pools.addMember(other, { address: "192.0.2.99", protocol_port: 80 });
    assert.ok(await isPending());
    await change(put(1), put(2));
    assert.deepEqual(await hosts(), ["192.0.2.1", "192.0.2.2"]);
    const second = await openOctavia(bed);
    await Promise.all([
      change(put(3), remove(1)),
      driver.changeMembers({ account, id: other }, [put(4)], call),
      second.changeMembers({ account, id: other }, [put(5)], call),
    ]);
    await second.close();
    assert.deepEqual(await hosts(), ["192.0.2.2", "192.0.2.3"]);
    assert.equal((await pools.members(other)).length, 3);
    await pools.remove(other);
  });

  test("B5.2 a member that another puts between our look and our batch stays", async () => {
    await change(put(1));
    await disturb({ match: batch, delaySeconds: 4 });
    const changing = change(put(2), put(3), remove(1));
    while ((await fired()) === 0) await new Promise((done) => setTimeout(done, 50));
    await pools.addMember(pool, { address: "192.0.2.9", protocol_port: 80, name: "theirs" });
    await changing;
    assert.deepEqual(await hosts(), ["192.0.2.2", "192.0.2.3", "192.0.2.9"]);
  });

  test("B5.2 B5.3 what others set on a member stays; drained, it comes back to its weight", async () => {
    const theirs = { name: "db", backup: true, monitor_port: 8_080, tags: ["blue"] };
    await pools.addMember(pool, { address: "192.0.2.1", protocol_port: 80, ...theirs });
    await change(put(1, 5, true));
    const shown = async () => {
      const [first] = await pools.members(pool);
      const { name, backup, monitor_port, weight, tags } = first!;
      return { name, backup, monitor_port, weight, tags };
    };
    const drained = { ...theirs, weight: 0, tags: ["blue", "muster:weight=5"] };
    assert.deepEqual(await shown(), drained);
    await change(put(1, 5));
    assert.deepEqual(await shown(), { ...theirs, weight: 5 });
  });

  test("B5.4 too many calls are told with the wait that Octavia asks for", async () => {
    const headers = { "Retry-After": "7" };
    const adding = { method: "POST", path: "/members$" };
    await disturb({ match: adding, status: 429, headers, body: { faultstring: "slow down" } });
    const { retryAfterMs } = await refused(change(put(1)), "throttled");
    assert.equal(retryAfterMs, 7_000);
    assert.equal(await fired(), 1);
    assert.deepEqual(await hosts(), []);
  });

  test("M9.4 B9.7 another account's pool, and another project than the pinned one, are denied", async () => {
    const other = { account: "other", id: pool };
    await refused(driver.listMembers(other, call), "denied");
    await refused(driver.changeMembers(other, [put(1)], call), "denied");
    const pinned = { account, id: pool, project: bed.facts.accounts.other.projectId };
    await refused(driver.listMembers(pinned, call), "denied");
    await refused(driver.changeMembers(pinned, [put(1)], call), "denied");
    assert.deepEqual(await hosts(), []);
  });

  test("B5.5 a pool that is gone is notFound, for looks and changes", async () => {
    const gone = { account, id: await pools.make("gone") };
    await driver.changeMembers(gone, [put(1)], call);
    await pools.remove(gone.id);
    await refused(driver.listMembers(gone, call), "notFound");
    await refused(driver.changeMembers(gone, [put(2)], call), "notFound");
    await refused(driver.changeMembers(gone, [remove(1)], call), "notFound");
  });

  test("B5.4 a load balancer in ERROR is said to be so, and asked for again much later", async () => {
    const body = { loadbalancer: { provisioning_status: "ERROR" } };
    await disturb({ match: { method: "GET", path: "/loadbalancers/" }, status: 200, body });
    const { message, retryAfterMs } = await refused(change(put(1)), "conflict");
    assert.match(message, /is in ERROR/);
    assert.equal(retryAfterMs, 60_000);
    assert.equal(await fired(), 1);
  });

  test("B5.2 an API whose batches remove what they do not name is refused", async () => {
    const body = { versions: [{ id: "v2.0" }, { id: "v2.10" }] };
    await disturb({ match: { path: "^/?$" }, status: 200, body });
    const { message } = await refused(change(put(1), put(2)), "badRequest");
    assert.match(message, /2\.11 or newer; it names v2\.0, v2\.10/);
    assert.equal(await fired(), 1);
    assert.deepEqual(await hosts(), []);
  });

  test("B4.5 an answer that is lost after the change was made does no harm", async () => {
    await disturb({ match: batch, cut: true, isDone: true });
    assert.ok((await refused(change(put(1), put(2)), "temporary")).ambiguous);
    assert.equal(await fired(), 1);
    await change(put(1), put(2));
    assert.deepEqual(await hosts(), ["192.0.2.1", "192.0.2.2"]);
    await disturb({ match: { method: "DELETE", path: "/members/" }, cut: true, isDone: true });
    await refused(change(remove(1)), "temporary");
    assert.equal(await fired(), 1);
    await change(remove(1));
    assert.deepEqual(await hosts(), ["192.0.2.2"]);
  });

  test("B4.3 a listing is all its pages, or none", async () => {
    await change(put(1));
    const [member] = await pools.members(pool);
    const href = `http://127.0.0.1/v2/lbaas/pools/${pool}/members?limit=1000&marker=${member?.id}`;
    const members = [{ ...member, address: "192.0.2.77" }];
    const page = { members, members_links: [{ rel: "next", href }] };
    const looks = { method: "GET", path: "/members$" };
    await disturb({ match: looks, status: 200, body: page });
    assert.deepEqual(
      (await list()).map(({ host }) => host),
      ["192.0.2.77"],
      "the first page, and what comes after its last member",
    );
    assert.equal(await fired(), 1);
    const match = { ...looks, agent: octaviaAgent };
    await bed.faults.set("octavia", [
      { match, status: 200, body: page, times: 1 },
      { match, status: 503, times: 1 },
    ]);
    await refused(list(), "temporary");
    assert.equal(await fired(), 2);
  });
});
