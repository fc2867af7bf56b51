import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Muster } from "../../../src/app.js";
import type { AccountId, EventId, GroupId } from "../../../src/core/model/ids.js";
import { groupSpec, placed } from "../../supervisor/asks.js";
import { type Bed, openBed } from "../bed.js";
import { caller, colo, startMuster } from "../muster.js";
import { listServers, removeServers } from "../servers.js";

const account = "acme" as AccountId;
const waitMsMax = 300_000;
/** Longer than a build takes, on a busy machine too. */
const quietMs = 5_000;
const hastyMs = 60_000;

describe("nova-compute away on the real Nova", { timeout: 900_000 }, () => {
  const prefix = `away-${randomUUID().slice(0, 8)}-`;
  let bed: Bed;
  let muster: Muster;
  let stop: () => Promise<void>;

  before(async () => {
    bed = await openBed();
    ({ muster, stop } = await startMuster(bed.facts, { name: "away", accounts: [account] }));
  });
  afterEach(() => bed.faults.heal());
  after(async () => {
    await stop();
    await removeServers(bed.callers.acme, prefix);
  });

  const keyOf = (name: string) => ({ account, group: `${prefix}${name}` as GroupId });
  const create = (name: string, buildTimeoutMs: number) => {
    const launch = { image: bed.facts.image, flavor: "tiny", userData: "", metadata: {} };
    const spec = groupSpec({
      ...{ launch: { ...launch, parameters: { networks: "none" } }, buildTimeoutMs },
      placements: [placed(colo, { max: 5 })],
    });
    const asked = { ...keyOf(name), spec, validateOnly: false, allowUnverified: false };
    return muster.supervisor.groups.create(asked, caller());
  };
  const setTarget = (name: string, target: number) => {
    const ask = { kind: "target", target } as const;
    const request = { key: keyOf(name), source: "manual", ask } as const;
    return muster.supervisor.scaling.submit(request, caller());
  };
  const placementOf = async (name: string) => {
    const { placements } = await muster.supervisor.groups.get(keyOf(name), caller());
    return placements[0]!;
  };
  const listed = (name: string) => listServers(bed.callers.acme, `${prefix}${name}-`);
  const failuresOf = async (name: string) => {
    const query = { account, group: keyOf(name).group, types: ["server.failed"] } as const;
    const limits = { order: "oldestFirst", eventsMax: 100 } as const;
    const { events } = await muster.supervisor.events.search({ ...query, ...limits }, caller());
    return events.map(({ message }) => message);
  };
  const explain = async (event: EventId) => {
    const asked = { account, event, fromHere: false };
    return (await muster.supervisor.events.explain(asked, caller())).summary.join("\n");
  };

  /** Looks until it is so, and says what was seen last when it never is. */
  const until = async (name: string, isSo: () => Promise<boolean>) => {
    const end = performance.now() + waitMsMax;
    while (!(await isSo())) {
      if (performance.now() > end)
        assert.fail(JSON.stringify([await placementOf(name), await listed(name)]));
      await sleep(1_000);
    }
  };
  const arrives = async (name: string, target: number) => {
    await until(name, async () => {
      const { inService, pending, leaving } = await placementOf(name);
      return inService === target && pending + leaving === 0;
    });
    const servers = await listed(name);
    assert.deepEqual(
      servers.map(({ status }) => status),
      Array.from({ length: target }, () => "ACTIVE"),
    );
  };
  /** Lets the builds of so many new servers begin and not end, takes nova-compute away, heals. */
  const takeAway = async (how: "pause" | "stop", building: number) => {
    await until("patient", async () => {
      const hanging = await bed.faults.fired("compute");
      return hanging.filter((one) => /patient/.test(String(one["name"]))).length === building;
    });
    await bed.services[how]("nova-compute");
    await bed.faults.heal();
    await sleep(quietMs);
    const servers = await listed("patient");
    assert.equal(servers.filter(({ status }) => status === "BUILD").length, building);
  };
  const hangBuilds = (name: string) =>
    bed.faults.set("compute", [{ match: { step: "spawn", name }, end: "hang" }]);

  test("M4.1 B4.2 B4.6 B4.11 the group waits for nova-compute, says so, goes on when it is back, and leaves nothing", async (t) => {
    await create("patient", 3_600_000);
    await create("hasty", hastyMs);
    await hangBuilds(prefix);
    const { eventId } = await setTarget("patient", 2);
    await setTarget("hasty", 1);
    try {
      await takeAway("pause", 2);
      const says = /Waiting in bed: B4.2 BUILDING: The cloud is still building 2 servers, since /;
      await until("patient", async () => says.test(await explain(eventId)));
      await until("hasty", async () => (await failuresOf("hasty")).length > 0);
    } finally {
      await bed.services.resume("nova-compute");
    }
    await arrives("patient", 2);
    assert.deepEqual(await failuresOf("patient"), [], "a build that goes on is not given up");
    const [late] = await failuresOf("hasty");
    assert.match(late ?? "", /was not built in time: 1 min/);

    await hangBuilds(`${prefix}patient`);
    await setTarget("patient", 4);
    try {
      await takeAway("stop", 2);
    } finally {
      await bed.services.start("nova-compute");
    }
    await arrives("patient", 4);
    const failures = await failuresOf("patient");
    assert.equal(failures.length, 2, "Nova gives up what it was building");
    t.diagnostic(failures[0] ?? "");

    await arrives("hasty", 1);
    for (const name of ["patient", "hasty"]) await setTarget(name, 0);
    for (const name of ["patient", "hasty"]) await arrives(name, 0);
  });
});
