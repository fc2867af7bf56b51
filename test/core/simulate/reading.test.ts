import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MusterEvent } from "../../../src/core/model/event.js";
import { measuredBoot } from "../../../src/core/simulate/boot-time.js";
import { costOf } from "../../../src/core/simulate/cost.js";
import { readRecorded } from "../../../src/core/simulate/recorded.js";

const event = (change: object) => change as MusterEvent;
const receipt = (change: object = {}) => ({
  ...{ atMs: 5, outcome: "applied", causes: [], oldTarget: 2, newTarget: 4, ...change },
});

test("B2.9 recorded decisions are read as what was asked; what follows by itself is left out", () => {
  const alert = { ask: "alert", policy: "cpu", key: "k", state: "ok", value: 0.7 };
  const forced = [{ rule: "B2.7", code: "FORCED", facts: { reason: "sale", lastsMs: 60 } }];
  const history = [
    event({ facts: { source: "alert", ...alert }, receipt: receipt() }),
    event({ facts: { source: "circleBack", ask: "policy", policy: "up" }, receipt: receipt() }),
    event({ facts: { source: "schedule", ask: "target" }, receipt: receipt({ newTarget: 6 }) }),
    event({
      facts: { source: "manual", ask: "change", askedChange: -1 },
      receipt: receipt({ atMs: 9, newTarget: 5, causes: forced }),
    }),
    event({ facts: { source: "manual", ask: "target" }, receipt: receipt({ newTarget: 5 }) }),
  ];
  const read = readRecorded(history, { isTracking: (id) => id === "cpu" });
  const { ask: kind, ...asked } = alert;
  assert.deepEqual(read.events, [
    { atMs: 5, source: "alert", ask: { kind, ...asked }, ofServers: 2 },
    {
      ...{ atMs: 9, source: "manual", ask: { kind: "change", change: -1 } },
      force: { reason: "sale", expiresAtMs: 69 },
    },
  ]);
  assert.equal(read.skipped, 1, "an earlier version did not tell the target");
  assert.deepEqual(
    read.targets.map(({ target }) => target),
    [4, 6, 5],
  );
  assert.equal(read.firstTarget, 2);
});

test("B2.6 the boot time is the median of launches that are told whole, else two minutes", () => {
  const launch = (server: string, from: number, to: number) => [
    event({ type: "server.in_service", server, atMs: to }),
    event({ type: "server.intended", server, atMs: from }),
  ];
  const events = [...launch("a", 0, 100), ...launch("b", 50, 90), ...launch("c", 10, 9_000)];
  const half = event({ type: "server.in_service", server: "d", atMs: 5 });
  assert.deepEqual(measuredBoot([...events, half]), { bootMs: 100, launches: 3 });
  const again = event({ type: "server.in_service", server: "a", atMs: 8_000 });
  assert.deepEqual(measuredBoot([again, ...events]), { bootMs: 100, launches: 3 });
  assert.deepEqual(measuredBoot([half]), { bootMs: 120_000, launches: 0 });
});

test("B2.3 costs are exact to four decimals, and their halves go up", () => {
  assert.equal(costOf(3_600_000, "0.12"), "0.1200");
  assert.equal(costOf(96 * 3_600_000, "0.12"), "11.5200");
  assert.equal(costOf(1_800_000, "0.0001"), "0.0001");
  assert.equal(costOf(1_799_999, "0.0001"), "0.0000");
  assert.equal(costOf(0, "5"), "0.0000");
  const hours = fc.nat(100_000);
  const cents = fc.nat(1_000_000);
  fc.assert(
    fc.property(hours, cents, (count, price) => {
      const written = `${Math.floor(price / 100)}.${String(price % 100).padStart(2, "0")}`;
      const [whole, fraction] = costOf(count * 3_600_000, written).split(".");
      assert.equal(BigInt(whole! + fraction!), BigInt(count) * BigInt(price) * 100n);
    }),
  );
});
