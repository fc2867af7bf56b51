import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OutsideFault, type OutsideFaultKind } from "../../src/core/errors/outside-fault.js";
import type { LoadBalancerId } from "../../src/core/model/ids.js";
import {
  at,
  type Bench,
  createBench,
  entry,
  hostOf,
  type LoadBalancerSubject,
  memberPort,
  put,
  putBackend,
  remove,
  removeBackend,
  sorted,
} from "./load-balancer-bench.js";

/** How the suite gets the driver that it tests. */
export interface LoadBalancerHarness {
  /** A fresh driver and one load balancer without members of ours. Called once for each case. */
  open(): Promise<LoadBalancerSubject>;
}

const manyMembersDefault = 200;

/**
 * What every load-balancer driver promises. Cases skip only for what the capabilities do not claim
 * or the harness cannot offer, and say so.
 */
export function loadBalancerDriverContract(name: string, harness: LoadBalancerHarness): void {
  const check = (title: string, body: (bench: Bench) => Promise<void>) =>
    test(title, async (t) => {
      const subject = await harness.open();
      const bench = createBench(subject, t);
      try {
        await body(bench);
      } finally {
        await bench.close();
        await subject.close();
      }
    });

  describe(`LoadBalancerDriver contract: ${name}`, () => {
    membershipCases(check);
    refusalCases(check);
    survivalCases(check);
    healthCases(check);
    trafficCases(check);
  });
}

type Check = (title: string, body: (bench: Bench) => Promise<void>) => void;

function membershipCases(check: Check): void {
  check("LB-01 put adds a member", async ({ change, members }) => {
    await change(put(1, { weight: 3 }), put(2, { draining: true }));
    assert.deepEqual(await members(), [entry(1, { weight: 3 }), entry(2, { draining: true })]);
  });

  check("LB-02 put again changes nothing", async ({ change, members }) => {
    await change(put(1, { weight: 7 }));
    await change(put(1, { weight: 7 }));
    assert.deepEqual(await members(), [entry(1, { weight: 7 })]);
  });

  check("LB-03 put with another weight changes the weight", async ({ change, members }) => {
    await change(put(1), put(2));
    await change(put(1, { weight: 20 }));
    assert.deepEqual(await members(), [entry(1, { weight: 20 }), entry(2)]);
  });

  check("LB-04 draining goes on and off", async ({ change, members }) => {
    await change(put(1), put(2));
    await change(put(1, { draining: true }));
    assert.deepEqual(await members(), [entry(1, { draining: true }), entry(2)]);
    await change(put(1, { draining: true, weight: 4 }));
    assert.deepEqual(await members(), [entry(1, { draining: true, weight: 4 }), entry(2)]);
    await change(put(1, { weight: 4 }));
    assert.deepEqual(await members(), [entry(1, { weight: 4 }), entry(2)]);
  });

  check("LB-05 remove takes away one, and it can be put again", async ({ change, members }) => {
    await change(put(1, { weight: 9 }), put(2, { draining: true }), put(3));
    await change(remove(1), remove(2));
    assert.deepEqual(await members(), [entry(3)]);
    await change(put(1));
    assert.deepEqual(await members(), [entry(1), entry(3)]);
  });

  check("LB-06 removing what is not there succeeds", async ({ change, members }) => {
    await change(remove(1));
    await change(put(2));
    await change(remove(1), remove(2));
    await change(remove(2));
    assert.deepEqual(await members(), []);
  });

  check("LB-07 members are told apart by host and by port", async ({ change, members }) => {
    const other = { host: hostOf(1), port: memberPort + 1 };
    await change(put(1), { ...put(1, { weight: 5 }), ...other });
    await change(remove(1));
    assert.deepEqual(await members(), [{ ...entry(1, { weight: 5 }), ...other }]);
  });

  check("LB-08 a member may have an IPv6 address", async ({ change, members }) => {
    const host = "2001:db8::1";
    await change({ ...put(1), host });
    assert.deepEqual(await members(), [{ ...entry(1), host }]);
    await change({ kind: "remove", host, port: memberPort });
    assert.deepEqual(await members(), []);
  });

  check("LB-09 a batch of many is taken whole", async ({ change, members, subject }) => {
    const { manyMembers = manyMembersDefault } = subject;
    const all = Array.from({ length: manyMembers }, (_, index) => index + 1);
    await change(...all.map((index) => put(index)));
    assert.deepEqual(await members(), sorted(all.map((index) => entry(index))));

    const quarters = [0, 1, 2, 3].map((from) =>
      all.slice((from * manyMembers) / 4, ((from + 1) * manyMembers) / 4),
    );
    const [drained = [], heavy = [], gone = [], same = []] = quarters;
    await change(
      ...drained.map((index) => put(index, { draining: true })),
      ...heavy.map((index) => put(index, { weight: 10 })),
      ...gone.map(remove),
    );
    const left = [
      ...drained.map((index) => entry(index, { draining: true })),
      ...heavy.map((index) => entry(index, { weight: 10 })),
      ...same.map((index) => entry(index)),
    ];
    assert.deepEqual(await members(), sorted(left));
  });

  check("LB-10 a batch of none changes nothing", async ({ change, members }) => {
    await change(put(1));
    await change();
    assert.deepEqual(await members(), [entry(1)]);
  });
}

function refusalCases(check: Check): void {
  check("LB-11 an unknown load balancer is notFound", async ({ driver, call, ref }) => {
    const unknown = { ...ref, id: "no-such-load-balancer" as LoadBalancerId };
    await throwsOutside("notFound", driver().listMembers(unknown, call));
    await throwsOutside("notFound", driver().changeMembers(unknown, [put(1)], call));
  });

  check("LB-12 a malformed change is badRequest, and not kept", async ({ change, members }) => {
    await change(put(1));
    await throwsOutside("badRequest", change({ ...put(2), port: 70_000 }));
    await throwsOutside("badRequest", change(put(2, { weight: -1 })));
    assert.deepEqual(await members(), [entry(1)]);
  });

  check("LB-13 an aborted call throws and changes nothing", async (bench) => {
    await bench.change(put(1));
    const call = { signal: AbortSignal.abort() };
    await throwsOutside(undefined, bench.driver().listMembers(bench.ref, call));
    await throwsOutside(undefined, bench.driver().changeMembers(bench.ref, [put(2)], call));
    assert.deepEqual(await bench.members(), [entry(1)]);
  });
}

function survivalCases(check: Check): void {
  check("LB-14 members of others are listed and left alone", async (bench) => {
    const { addForeign } = bench.subject;
    if (!addForeign) return bench.skip("nobody else can add members");
    await addForeign(hostOf(250), memberPort);
    const foreign = (await bench.members())[0];
    assert.equal(foreign?.host, hostOf(250));
    await bench.change(put(1), put(2));
    await bench.change(put(1, { draining: true }), remove(2));
    assert.deepEqual(await bench.members(), sorted([entry(1, { draining: true }), foreign]));
  });

  check("LB-15 a driver that starts again sees the same members", async (bench) => {
    if (!bench.subject.reopen) return bench.skip("membership ends with the driver");
    await bench.change(put(1, { weight: 2 }), put(2, { draining: true }), put(3));
    await bench.change(remove(3));
    const before = await bench.members();
    await bench.reopen(bench.subject.reopen);
    assert.deepEqual(await bench.members(), before);
    await bench.change(put(2), remove(1));
    assert.deepEqual(await bench.members(), [entry(2)]);
  });
}

function healthCases(check: Check): void {
  check("LB-16 health follows the member", async (bench) => {
    if (!bench.driver().capabilities.checksHealth) return bench.skip("it checks no health");
    const backend = await bench.startBackend();
    const health = async () => (await bench.list()).find(at(backend))?.health;
    await bench.change(putBackend(backend));
    await bench.eventually("healthy", async () => (await health()) === "healthy");
    await backend.down();
    await bench.eventually("unhealthy", async () => (await health()) === "unhealthy");
    await backend.up();
    await bench.eventually("healthy again", async () => (await health()) === "healthy");
  });
}

function trafficCases(check: Check): void {
  check("LB-17 open connections are counted", async (bench) => {
    if (!bench.driver().capabilities.countsConnections) return bench.skip("it counts none");
    if (!bench.subject.address) return bench.skip("no traffic flows");
    const backend = await bench.startReady({});
    const counts = async (wanted: number) =>
      (await bench.list()).find(at(backend))?.connections === wanted;
    await bench.eventually("none", () => counts(0));
    const clients = [await bench.client(), await bench.client(), await bench.client()];
    await bench.eventually("three", () => counts(3));
    await clients[0]?.close();
    await bench.eventually("two", () => counts(2));
    await Promise.all(clients.map((client) => client.close()));
    await bench.eventually("none again", () => counts(0));
  });

  check("LB-18 traffic reaches members that are ready, and no others", async (bench) => {
    if (!bench.subject.address) return bench.skip("no traffic flows");
    const ready = [await bench.startReady({}), await bench.startReady({})];
    const drained = await bench.startReady({});
    const removed = await bench.startReady({});
    await bench.change(putBackend(drained, { draining: true }), removeBackend(removed));
    const ports = new Set(await bench.portsOf(20));
    assert.deepEqual(ports, new Set(ready.map(({ port }) => port)));
  });

  check("LB-19 a member that falls ill is spared while another is healthy", async (bench) => {
    if (!bench.subject.address) return bench.skip("no traffic flows");
    if (!bench.driver().capabilities.checksHealth) return bench.skip("it checks no health");
    const [well, ill] = [await bench.startReady({}), await bench.startReady({})];
    await ill.down();
    await bench.eventually("unhealthy", async () =>
      (await bench.list()).some((member) => at(ill)(member) && member.health === "unhealthy"),
    );
    assert.deepEqual(new Set(await bench.portsOf(10)), new Set([well.port]));
  });

  check("LB-20 traffic is spread roughly by weight", async (bench) => {
    if (!bench.subject.address) return bench.skip("no traffic flows");
    const light = await bench.startReady({ weight: 10 });
    const heavy = await bench.startReady({ weight: 30 });
    const ports = await bench.portsOf(80);
    const toLight = ports.filter((port) => port === light.port).length;
    const toHeavy = ports.filter((port) => port === heavy.port).length;
    assert.equal(toLight + toHeavy, 80);
    assert.ok(toLight >= 10 && toLight <= 30, `${toLight} of 80 with a quarter of the weight`);
  });

  check("LB-21 a draining member keeps its connections and gets no new ones", async (bench) => {
    if (!bench.subject.address) return bench.skip("no traffic flows");
    const old = await bench.startReady({});
    const client = await bench.client();
    assert.equal(client.port, old.port);
    const fresh = await bench.startReady({});
    await bench.change(putBackend(old, { draining: true }));
    assert.deepEqual(new Set(await bench.portsOf(10)), new Set([fresh.port]));
    assert.equal(await client.echo("still there"), "still there");

    await bench.change(putBackend(old), putBackend(fresh, { draining: true }));
    assert.deepEqual(new Set(await bench.portsOf(5)), new Set([old.port]));
    assert.equal(await client.echo("and back"), "and back");
  });

  check("LB-22 a member is removed though connections are open", async (bench) => {
    if (!bench.subject.address) return bench.skip("no traffic flows");
    const gone = await bench.startReady({});
    const client = await bench.client();
    assert.equal(client.port, gone.port);
    const stays = await bench.startReady({});
    await bench.change(removeBackend(gone));
    assert.deepEqual((await bench.list()).filter(at(gone)), []);
    assert.deepEqual(new Set(await bench.portsOf(5)), new Set([stays.port]));
  });
}

async function throwsOutside(
  kind: OutsideFaultKind | undefined,
  promise: Promise<unknown>,
): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof OutsideFault, `threw ${String(error)}, not an OutsideFault`);
    if (kind !== undefined) assert.equal(error.kind, kind, error.message);
    return true;
  });
}
