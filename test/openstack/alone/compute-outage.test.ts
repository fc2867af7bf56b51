import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { EventId, GroupKey } from "../../../src/core/model/ids.js";
import { useGroups } from "../groups.js";
import { caller } from "../muster.js";

/** Longer than a build takes, on a busy machine too. */
const quietMs = 5_000;
const hastyMs = 60_000;
const max = 5;

describe("nova-compute away on the real Nova", { timeout: 900_000 }, () => {
  const groups = useGroups({ name: "away", accounts: ["acme"], waitMsMax: 300_000 });
  const { prefix, create, setTarget, standing, servers } = groups;
  const patient = groups.key("patient");
  const [hasty, forgotten] = [groups.key("hasty"), groups.key("forgotten")];
  const until = (key: GroupKey, isSo: () => Promise<boolean>) => groups.until([key], isSo);
  const failuresOf = async (key: GroupKey) => {
    const query = { ...key, types: ["server.failed"] } as const;
    const limits = { order: "oldestFirst", eventsMax: 100 } as const;
    const { events } = await groups.muster.supervisor.events.search(
      { ...query, ...limits },
      caller(),
    );
    return events.map(({ message }) => message);
  };
  const explain = async (event: EventId) => {
    const asked = { account: patient.account, event, fromHere: false };
    return (await groups.muster.supervisor.events.explain(asked, caller())).summary.join("\n");
  };

  const arrives = async (key: GroupKey, target: number) => {
    await until(key, async () => {
      const { inService, pending, leaving } = await standing(key);
      return inService === target && pending + leaving === 0;
    });
    assert.deepEqual(
      (await servers(key)).map(({ status }) => status),
      Array.from({ length: target }, () => "ACTIVE"),
    );
  };
  /** Lets the builds of so many new servers begin and not end, takes nova-compute away, heals. */
  const takeAway = async (how: "pause" | "stop", building: number) => {
    const { bed } = groups;
    await until(patient, async () => {
      const hanging = await bed.faults.fired("compute");
      return hanging.filter((one) => /patient/.test(String(one["name"]))).length === building;
    });
    await bed.services[how]("nova-compute");
    await bed.faults.heal();
    await sleep(quietMs);
    const left = await servers(patient);
    assert.equal(left.filter(({ status }) => status === "BUILD").length, building);
  };
  const hangBuilds = (name: string) =>
    groups.bed.faults.set("compute", [{ match: { step: "spawn", name }, end: "hang" }]);

  test("M4.1 B4.2 B4.6 B4.11 the group waits for nova-compute, says so, goes on when it is back, and leaves nothing", async (t) => {
    await create(patient, { max, buildTimeoutMs: 3_600_000 });
    await create(hasty, { max, buildTimeoutMs: hastyMs });
    await create(forgotten, { max, buildTimeoutMs: hastyMs });
    await hangBuilds(prefix);
    await groups.bed.faults.set("handover", [{ match: { name: forgotten.group }, times: 1 }]);
    const { eventId } = await setTarget(patient, 2);
    await setTarget(hasty, 1);
    await setTarget(forgotten, 1);
    await until(forgotten, async () => (await servers(forgotten)).length === 1);
    const [neverBuilt] = await servers(forgotten);
    assert.equal((await groups.bed.faults.fired("handover")).length, 1);
    try {
      await takeAway("pause", 2);
      const says = /Waiting in bed: B4.2 BUILDING: The cloud is still building 2 servers, since /;
      await until(patient, async () => says.test(await explain(eventId)));
      for (const key of [hasty, forgotten])
        await until(key, async () => (await failuresOf(key)).length > 0);
    } finally {
      await groups.bed.services.resume("nova-compute");
    }
    await arrives(patient, 2);
    assert.deepEqual(await failuresOf(patient), [], "a build that goes on is not given up");
    for (const key of [hasty, forgotten])
      assert.match((await failuresOf(key))[0] ?? "", /was not built in time: 1 min/);

    await hangBuilds(patient.group);
    await setTarget(patient, 4);
    try {
      await takeAway("stop", 2);
    } finally {
      await groups.bed.services.start("nova-compute");
    }
    await arrives(patient, 4);
    const failures = await failuresOf(patient);
    assert.equal(failures.length, 2, "Nova gives up what it was building");
    t.diagnostic(failures[0] ?? "");

    for (const key of [hasty, forgotten]) await arrives(key, 1);
    assert.notEqual((await servers(forgotten))[0]?.id, neverBuilt?.id);
    for (const key of [patient, hasty, forgotten]) await setTarget(key, 0);
    for (const key of [patient, hasty, forgotten]) await arrives(key, 0);
  });
});
