import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { MemberChange } from "../../../src/core/ports/load-balancer.js";
import { memberOf, type OctaviaMember } from "../../../src/drivers/lb-octavia/member-view.js";
import { planChanges } from "../../../src/drivers/lb-octavia/plan-changes.js";

function member(index: number, told: Partial<OctaviaMember> = {}): OctaviaMember {
  return {
    ...{ id: `m${index}`, address: `192.0.2.${index}`, protocol_port: 80, weight: 1, tags: [] },
    ...{ admin_state_up: true, provisioning_status: "ACTIVE", operating_status: "NO_MONITOR" },
    ...told,
  };
}

function put(index: number, weight = 1, draining = false): MemberChange {
  return { kind: "put", host: `192.0.2.${index}`, port: 80, weight, draining };
}

function remove(index: number): MemberChange {
  return { kind: "remove", host: `192.0.2.${index}`, port: 80 };
}

/** What Octavia makes of members that are put, and of removals. */
function applied(
  members: readonly OctaviaMember[],
  { puts, removals }: ReturnType<typeof planChanges>,
): readonly OctaviaMember[] {
  const left = new Map(members.map((one) => [one.address, one]));
  for (const { id, body: whole } of puts) {
    const { address, ...body } = whole;
    assert.equal(id, left.get(address)?.id, "who is there is updated, and nobody else");
    const known = left.get(address) ?? member(Number(address.split(".")[3]));
    const mended = { provisioning_status: "ACTIVE", admin_state_up: true, backup: false };
    left.set(address, { ...known, monitor_address: null, ...mended, ...body });
  }
  return [...left.values()].filter(({ id }) => !removals.includes(id));
}

describe("octavia members", () => {
  test("B6.1 operating status is health; whom no monitor watches is healthy", () => {
    const told = ["ONLINE", "NO_MONITOR", "ERROR", "OFFLINE", "DRAINING", "DEGRADED", "new"];
    assert.deepEqual(
      told.map((operating_status) => memberOf(member(1, { operating_status })).health),
      ["healthy", "healthy", "unhealthy", "unknown", "unknown", "unknown", "unknown"],
    );
  });

  test("B5.3 who drains has no weight, and comes back to the one that its tag keeps", () => {
    const seen = (told: Partial<OctaviaMember>) => {
      const { weight, draining } = memberOf(member(1, told));
      return [weight, draining];
    };
    assert.deepEqual(seen({ weight: 0, tags: ["theirs", "muster:weight=7"] }), [7, true]);
    assert.deepEqual(seen({ weight: 0 }), [0, false], "a person's own");
    assert.deepEqual(seen({ weight: 3, tags: ["muster:weight=7"] }), [3, false]);
    assert.deepEqual(seen({ weight: 0, tags: ["muster:weight=x"] }), [0, false]);
    assert.deepEqual(seen({ weight: 3, admin_state_up: false }), [3, true], "it is switched off");
  });

  test("B5.2 what Octavia failed to set up is shown as what nobody wants, and put again", () => {
    const failed = member(1, { provisioning_status: "ERROR" });
    const { weight, health } = memberOf(failed);
    assert.deepEqual([weight, health], [0, "unhealthy"]);
    assert.equal(planChanges([put(1)], [failed]).puts.length, 1);
    const leaving = member(1, { provisioning_status: "PENDING_DELETE" });
    assert.equal(planChanges([put(1)], [leaving]).puts.length, 1);
  });

  test("B5.2 a put names what others set on the member, and keeps their tags", () => {
    const theirs = {
      ...{ tags: ["blue", "muster:weight=4"], weight: 0 },
      ...{ backup: true, monitor_address: "192.0.2.9", monitor_port: 8_080 },
    };
    const { backup, monitor_address, monitor_port } = theirs;
    assert.deepEqual(planChanges([put(1, 4)], [member(1, theirs)]).puts, [
      {
        id: "m1",
        body: {
          ...{ address: "192.0.2.1", protocol_port: 80, weight: 4, tags: ["blue"] },
          ...{ backup, monitor_address, monitor_port },
        },
      },
    ]);
    const drained = planChanges([put(1, 9, true)], [member(1, theirs)]).puts[0]?.body;
    assert.deepEqual([drained?.weight, drained?.tags], [0, ["blue", "muster:weight=9"]]);
  });

  test("of two changes of one address the last counts; who is not there is not removed", () => {
    const planned = planChanges([put(1), remove(1), remove(2), put(2, 5), remove(3)], [member(1)]);
    assert.deepEqual(planned.removals, ["m1"]);
    assert.deepEqual(
      planned.puts.map(({ body: { address, weight } }) => [address, weight]),
      [["192.0.2.2", 5]],
    );
  });

  test("B5.2 changes bring about what they say, nothing else, and then there is nothing to do", () => {
    const index = fc.integer({ min: 1, max: 6 });
    const weight = fc.integer({ min: 1, max: 256 });
    const change = fc.oneof(
      fc.tuple(index, weight, fc.boolean()).map((told) => put(...told)),
      index.map(remove),
    );
    const told = fc.record({
      weight: fc.oneof(weight, fc.constant(0)),
      tags: fc.subarray(["theirs", "muster:weight=3", "muster:weight=200"], { maxLength: 2 }),
      provisioning_status: fc.constantFrom("ACTIVE", "ACTIVE", "PENDING_UPDATE", "ERROR"),
      admin_state_up: fc.boolean(),
    });
    const there = fc.uniqueArray(fc.tuple(index, told), { selector: ([at]) => at });
    fc.assert(
      fc.property(fc.array(change), there, (changes, before) => {
        const members = before.map(([at, one]) => member(at, one));
        const after = applied(members, planChanges(changes, members));
        assert.deepEqual(planChanges(changes, after), { puts: [], removals: [] });
        const named = new Map(changes.map((one) => [one.host, one]));
        for (const one of members)
          if (!named.has(one.address)) assert.ok(after.includes(one), "others are left alone");
        const seen = new Map(after.map((one) => [one.address, memberOf(one)]));
        for (const [host, one] of named) {
          const { weight, draining } = seen.get(host) ?? {};
          const wanted = one.kind === "put" ? [one.weight, one.draining] : [undefined, undefined];
          assert.deepEqual([weight, draining], wanted);
        }
      }),
    );
  });
});
