import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGapFree, assertKept, createGroup, groupSpec, placed, targetOf } from "../asks.js";
import { createWorld } from "../world.js";
import { advanceTo, createSchedule, cron, minuteMs, runsOf, startMs } from "./asks.js";

const kills = 100;
/** Calls of one occurrence: config, receipts, commit, index; and what the node does besides. */
const callsMax = 16;

test("B7.2 M2.5 killed between claim and execution, or execution and re-arming: each runs once", async () => {
  const world = await createWorld({ seed: 5 });
  await createGroup(world, groupSpec({ placements: [placed("iad", { max: 2_000 })] }));
  const brake = { colo: "iad" as never, operations: ["create"], reason: "only asks" } as const;
  await world.run(world.node().colos.setBrake(brake, world.caller));
  await createSchedule(world, { timing: cron("* * * * *") });
  const committed = new Set<number>();
  world.cluster.taps.listen({
    committed({ events }) {
      for (const { facts } of events)
        if ("schedule" in facts) committed.add(Number(facts["dueAtMs"]));
    },
  });
  const struck = { beforeExecution: 0, beforeRearming: 0 };
  for (let nth = 1; nth <= kills; nth++) {
    const dueAtMs = startMs + nth * minuteMs;
    await advanceTo(world, dueAtMs - 1);
    assert.ok(!committed.has(dueAtMs), "it ran before it was due");
    let died = false;
    world.nodeWires().cutAt({
      calls: 1 + (nth % callsMax),
      sent: nth % 2 === 0,
      done() {
        died = true;
      },
    });
    await world.clock.advance(5_000);
    assert.ok(died, `kill ${nth} did not strike`);
    if (committed.has(dueAtMs)) struck.beforeRearming++;
    else struck.beforeExecution++;
    await world.crash();
    await world.clock.advance(20_000);
    assert.equal(await targetOf(world), nth, `after kill ${nth}`);
  }
  const { beforeExecution, beforeRearming } = struck;
  assert.ok(beforeExecution >= 20 && beforeRearming >= 20, JSON.stringify(struck));
  const due = (await runsOf(world)).map(({ facts }) => facts["dueAtMs"]);
  assert.deepEqual(
    due,
    Array.from({ length: kills }, (_, at) => startMs + (at + 1) * minuteMs),
  );
  assertGapFree(await world.events());
  await assertKept(world);
});
