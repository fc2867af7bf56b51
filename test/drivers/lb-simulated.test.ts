import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { LoadBalancerId } from "../../src/core/model/ids.js";
import type { MemberChange } from "../../src/core/ports/load-balancer.js";
import type { BalancerFault } from "../../src/drivers/lb-simulated/faults.js";
import definition from "../../src/drivers/lb-simulated/index.js";
import {
  createSimulatedLoadBalancers,
  type SimulatedLoadBalancersOptions,
} from "../../src/drivers/lb-simulated/simulated-load-balancers.js";
import type { Backend } from "../contract/load-balancer-backend.js";
import { loadBalancerDriverContract } from "../contract/load-balancer-driver.contract.js";
import { createSeededIds, createVirtualClock } from "../simulation/virtual-clock.js";
import {
  assertOptionsRefused,
  assertOptionsTaken,
  isOutside,
  outside,
  refOf,
} from "./lb-helpers.js";

const web = "web" as LoadBalancerId;
const call = { signal: new AbortController().signal };

function createWorld(options: Partial<SimulatedLoadBalancersOptions> = {}) {
  const clock = createVirtualClock();
  const ids = createSeededIds(7);
  const world = createSimulatedLoadBalancers({ clock, ids, loadBalancers: [web], ...options });
  return { clock, world, driver: world.openDriver() };
}

function put(port: number, draining = false): MemberChange {
  return { kind: "put", host: "10.0.0.1", port, weight: 1, draining };
}

loadBalancerDriverContract("simulated", {
  async open() {
    const { clock, world, driver } = createWorld({ behaviour: { healthyAfterMs: 1_000 } });
    let nextPort = 9_000;
    const startBackend = async (): Promise<Backend> => {
      const address = { host: "10.0.0.1", port: nextPort++ };
      return {
        ...address,
        up: async () => world.force(web, address, { health: "healthy" }),
        down: async () => world.force(web, address, { health: "unhealthy" }),
        close: async () => {},
      };
    };
    return {
      driver,
      loadBalancer: web,
      startBackend,
      reopen: async () => world.openDriver(),
      addForeign: async (host, port) => world.addForeign(web, { host, port }),
      pass: (ms) => clock.advance(ms),
      close: () => driver.close(),
    };
  },
});

describe("simulated load balancers", () => {
  const refusals: readonly [BalancerFault, string][] = [
    [{ kind: "immutable", retryAfterMs: 500 }, "conflict"],
    [{ kind: "throttled", retryAfterMs: 500 }, "throttled"],
    [{ kind: "unavailable" }, "temporary"],
    [{ kind: "notFound" }, "notFound"],
    [{ kind: "denied" }, "denied"],
  ];
  for (const [fault, kind] of refusals)
    test(`B5.4 fault ${fault.kind} refuses as ${kind}, is counted, changes nothing`, async () => {
      const { world, driver } = createWorld();
      const injected = world.inject({ fault, times: 2 });
      for (let round = 1; round <= 2; round++) {
        await assert.rejects(driver.changeMembers(refOf(web), [put(1)], call), (error) => {
          isOutside(error, kind);
          if ("retryAfterMs" in fault) assert.equal(error.retryAfterMs, fault.retryAfterMs);
          return true;
        });
        assert.equal(injected.fired(), round);
      }
      assert.deepEqual(world.members(web), []);
      await driver.changeMembers(refOf(web), [put(1)], call);
      assert.equal(injected.fired(), 2);
      assert.equal(world.members(web).length, 1);
    });

  test("B5.4 a lost answer is ambiguous, and the change was made", async () => {
    const { world, driver } = createWorld();
    const injected = world.inject({ fault: { kind: "lostAnswer" } });
    await assert.rejects(driver.changeMembers(refOf(web), [put(1)], call), (error) => {
      isOutside(error, "temporary");
      return error.ambiguous;
    });
    assert.equal(injected.fired(), 1);
    assert.equal((await driver.listMembers(refOf(web), call)).length, 1);
  });

  test("B5.4 a partial batch takes the first half, and says nothing of it", async () => {
    const { world, driver } = createWorld();
    const injected = world.inject({ fault: { kind: "partial" } });
    const changes = [put(1), put(2), put(3), put(4)];
    await assert.rejects(driver.changeMembers(refOf(web), changes, call), outside("temporary"));
    assert.equal(injected.fired(), 1);
    const ports = (await driver.listMembers(refOf(web), call)).map(({ port }) => port);
    assert.deepEqual(ports, [1, 2]);
  });

  test("B5.4 a slow call ends with its time, or with its caller", async () => {
    const { clock, world, driver } = createWorld();
    const injected = world.inject({ fault: { kind: "slow", delayMs: 5_000 } });
    const slow = driver.changeMembers(refOf(web), [put(1)], call);
    await clock.advance(4_999);
    assert.deepEqual(world.members(web), []);
    await clock.advance(1);
    await slow;
    assert.equal(world.members(web).length, 1);

    const leaving = new AbortController();
    const left = driver.changeMembers(refOf(web), [put(2)], { signal: leaving.signal });
    const rejected = assert.rejects(left, outside("temporary"));
    await clock.advance(10);
    leaving.abort();
    await rejected;
    await clock.advance(10_000);
    assert.equal(world.members(web).length, 1);
    assert.equal(injected.fired(), 2);
  });

  test("B5.4 a member limit is quota, apart from a rate limit", async () => {
    const { driver } = createWorld({ behaviour: { membersMax: 2 } });
    await driver.changeMembers(refOf(web), [put(1), put(2)], call);
    await assert.rejects(driver.changeMembers(refOf(web), [put(3)], call), outside("quota"));
    await driver.changeMembers(refOf(web), [put(2, true)], call);
    assert.equal((await driver.listMembers(refOf(web), call)).length, 2);
  });

  test("B5.4 changes that overlap are counted", async () => {
    const { clock, world, driver } = createWorld({ callMs: 10 });
    const both = [1, 2].map((port) => driver.changeMembers(refOf(web), [put(port)], call));
    await clock.advance(10);
    await Promise.all(both);
    assert.equal(world.overlaps(), 1);
    const third = world.openDriver().changeMembers(refOf(web), [put(3)], call);
    await clock.advance(10);
    await third;
    assert.equal(world.overlaps(), 1);
    assert.equal(world.calls("changeMembers"), 3);
  });

  test("B5.3 connections of a draining member end after their time", async () => {
    const behaviour = { connections: 5, drainedAfterMs: 1_000 };
    const { clock, driver } = createWorld({ behaviour });
    const connections = async () => (await driver.listMembers(refOf(web), call))[0]?.connections;
    await driver.changeMembers(refOf(web), [put(1)], call);
    await clock.advance(5_000);
    assert.equal(await connections(), 5);
    await driver.changeMembers(refOf(web), [put(1, true)], call);
    await clock.advance(999);
    assert.equal(await connections(), 5);
    await driver.changeMembers(refOf(web), [put(1, true)], call);
    await clock.advance(1);
    assert.equal(await connections(), 0);
  });

  test("B5.5 a load balancer that goes is notFound, until it is back", async () => {
    const { world, driver } = createWorld();
    await driver.changeMembers(refOf(web), [put(1)], call);
    world.removeLoadBalancer(web);
    await assert.rejects(driver.listMembers(refOf(web), call), outside("notFound"));
    world.addLoadBalancer(web);
    assert.deepEqual(await driver.listMembers(refOf(web), call), []);
  });

  test("B5.4 the same seed strikes the same calls, and heal ends it", async () => {
    const story = async () => {
      const { world, driver } = createWorld();
      const injected = world.inject({
        fault: { kind: "unavailable" },
        share: 0.5,
        methods: ["listMembers"],
      });
      const told: string[] = [];
      for (let round = 0; round < 40; round++)
        told.push(
          await driver.listMembers(refOf(web), call).then(
            () => "ok",
            () => "struck",
          ),
        );
      world.heal();
      await driver.listMembers(refOf(web), call);
      return { told, fired: injected.fired() };
    };
    const [first, second] = [await story(), await story()];
    assert.deepEqual(first, second);
    assert.ok(first.fired > 5 && first.fired < 35, `fired ${first.fired} of 40`);
  });

  test("B5.2 any batches leave what the last change of each address says", async () => {
    const change = fc.record({
      kind: fc.constantFrom("put", "remove"),
      port: fc.integer({ min: 1, max: 6 }),
      weight: fc.integer({ min: 0, max: 3 }),
      draining: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 8 }),
        async (all) => {
          const { driver } = createWorld();
          const wanted = new Map<number, { weight: number; draining: boolean }>();
          for (const batch of all) {
            const changes = batch.map(({ kind, ...rest }) =>
              kind === "put"
                ? ({ kind: "put", host: "h", ...rest } as const)
                : ({ kind: "remove", host: "h", port: rest.port } as const),
            );
            for (const { kind, port, weight, draining } of batch)
              if (kind === "put") wanted.set(port, { weight, draining });
              else wanted.delete(port);
            await driver.changeMembers(refOf(web), changes, call);
          }
          const listed = (await driver.listMembers(refOf(web), call)).map(
            ({ port, weight, draining }) => [port, { weight, draining }] as const,
          );
          assert.deepEqual(new Map(listed), wanted);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("B5.1 its options refuse unknown keys", () => {
    assertOptionsTaken(definition, { loadBalancers: ["web"], callMs: 5 });
    assertOptionsRefused(definition, { loadBalancers: ["web"], speed: 5 });
    assertOptionsRefused(definition, {});
  });
});
