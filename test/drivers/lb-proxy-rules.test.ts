import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { candidatesOf } from "../../src/drivers/lb-proxy/candidates.js";
import { type Health, nextHealth, unchecked } from "../../src/drivers/lb-proxy/health.js";
import { applyChanges } from "../../src/drivers/lb-proxy/member-changes.js";
import { parseMembers } from "../../src/drivers/lb-proxy/member-file.js";
import { listenAddress } from "../../src/drivers/lb-proxy/options.js";
import { takeTurn } from "../../src/drivers/lb-proxy/rotation.js";
import { outside } from "./lb-helpers.js";

describe("proxy: rules", () => {
  test("B5.2 in every round each member has as many turns as weight, spread", () => {
    const weights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(weights, (all) => {
        const members = all.map((weight) => ({ weight, credit: 0, turns: 0 }));
        const sum = all.reduce((total, weight) => total + weight, 0);
        for (let turn = 0; turn < 2 * sum; turn++) {
          const member = takeTurn(members);
          assert.ok(member);
          member.turns++;
          // Never ahead or behind the fair share by a whole turn for each other member.
          for (const { weight, turns } of members) {
            const fair = ((turn + 1) * weight) / sum;
            assert.ok(Math.abs(turns - fair) <= members.length, `${turns} turns, fair is ${fair}`);
          }
        }
        assert.deepEqual(
          members.map(({ turns }) => turns),
          all.map((weight) => 2 * weight),
        );
        if (sum === 0) assert.equal(takeTurn(members), undefined);
      }),
    );
    const smooth = [
      { weight: 4, credit: 0, name: "a" },
      { weight: 1, credit: 0, name: "b" },
      { weight: 1, credit: 0, name: "c" },
    ];
    const order = Array.from({ length: 6 }, () => takeTurn(smooth)?.name).join("");
    assert.equal(order, "aabaca");
  });

  test("B6.1 health turns on the first check, then only on enough in a row", () => {
    const run = (results: string) => {
      let health = unchecked;
      return Array.from(results, (result) => {
        health = nextHealth(health, result === "+", { rise: 3, fall: 2 });
        return health;
      });
    };
    const states = (results: string) => run(results).map(({ state }) => state[0] ?? "");
    assert.equal(states("+-+--").join(""), "hhhhu");
    assert.equal(states("-++-+++").join(""), "uuuuuuh");
    assert.deepEqual(
      run("-++").map(({ proven }) => proven),
      [false, true, true],
    );
  });

  test("B6.2 who may take a connection", () => {
    const healthy: Health = { state: "healthy", proven: true, against: 0 };
    const fallen: Health = { state: "unhealthy", proven: true, against: 0 };
    const never: Health = { state: "unhealthy", proven: false, against: 0 };
    const member = (name: string, health: Health, more = {}) => {
      return { name, health, draining: false, restored: false, ...more };
    };
    const names = (members: ReturnType<typeof member>[], checks = true) =>
      candidatesOf(members, checks)
        .map(({ name }) => name)
        .join("");
    const [a, b, c] = [member("a", healthy), member("b", fallen), member("c", never)];
    const fresh = member("d", unchecked);
    const restored = member("e", unchecked, { restored: true });
    const draining = member("f", healthy, { draining: true });
    const failedAfterRestart = member("g", never, { restored: true });
    assert.equal(names([a, b, c, fresh, restored, draining]), "ae");
    assert.equal(names([b, c, fresh, draining]), "b");
    assert.equal(names([c, fresh, draining, failedAfterRestart]), "");
    assert.equal(names([a, b, c, fresh, draining], false), "abcd");
  });

  test("B5.2 changes that change nothing are told from those that do", () => {
    const member = { host: "h", port: 1, weight: 2, draining: false };
    const before = [member];
    assert.equal(applyChanges(before, [{ kind: "put", ...member }]), before);
    assert.equal(applyChanges(before, [{ kind: "remove", host: "h", port: 2 }]), before);
    assert.deepEqual(applyChanges(before, [{ kind: "put", ...member, weight: 3 }]), [
      { ...member, weight: 3 },
    ]);
    assert.deepEqual(applyChanges(before, [{ kind: "remove", host: "h", port: 1 }]), []);
    for (const wrong of [
      { host: "" },
      { host: "a b" },
      { port: 0 },
      { port: 1.5 },
      { weight: 257 },
    ])
      assert.throws(
        () => applyChanges(before, [{ kind: "put", ...member, ...wrong }]),
        outside("badRequest"),
      );
  });

  test("B5.2 a member file is read whole or refused", () => {
    const member = { host: "h", port: 1, weight: 2, draining: false };
    const text = JSON.stringify({ version: 1, members: [member] });
    assert.deepEqual(parseMembers(text), [member]);
    for (let length = 0; length < text.length; length++)
      assert.throws(() => parseMembers(text.slice(0, length)));
    for (const other of [{ version: 2, members: [] }, { version: 1 }, [], null])
      assert.throws(() => parseMembers(JSON.stringify(other)));
  });

  test("B5.1 listen addresses", () => {
    assert.deepEqual(listenAddress("127.0.0.1:80"), { host: "127.0.0.1", port: 80 });
    assert.deepEqual(listenAddress("[::1]:80"), { host: "::1", port: 80 });
    assert.throws(() => listenAddress("127.0.0.1:65536"), RangeError);
  });
});
