import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Muster } from "../../../src/app.js";
import type { LaunchConfiguration } from "../../../src/core/model/group.js";
import type { AccountId, GroupId } from "../../../src/core/model/ids.js";
import { groupSpec, placed } from "../../supervisor/asks.js";
import { type Bed, openBed } from "../bed.js";
import { caller, colo, startMuster } from "../muster.js";
import { listServers, removeServers } from "../servers.js";

const account = "acme" as AccountId;
const waitMsMax = 240_000;

describe("groups on the real Nova", { timeout: 900_000 }, () => {
  const prefix = `groups-${randomUUID().slice(0, 8)}-`;
  let bed: Bed;
  let muster: Muster;
  let stop: () => Promise<void>;

  before(async () => {
    bed = await openBed();
    ({ muster, stop } = await startMuster(bed.facts, { name: "groups", accounts: [account] }));
  });
  afterEach(() => bed.faults.heal());
  after(async () => {
    await stop();
    await removeServers(bed.callers.acme, prefix);
  });

  const keyOf = (name: string) => ({ account, group: `${prefix}${name}` as GroupId });
  const launchOf = (more: Partial<LaunchConfiguration>): LaunchConfiguration => ({
    ...{ image: bed.facts.image, flavor: "tiny", userData: "", metadata: {} },
    parameters: { networks: "none" },
    ...more,
  });
  const create = (name: string, launch: LaunchConfiguration, target: number) => {
    const spec = groupSpec({ launch, placements: [placed(colo, { max: 5 })] });
    const asked = { ...keyOf(name), spec, target, validateOnly: false, allowUnverified: false };
    return muster.supervisor.groups.create(asked, caller());
  };
  const placementOf = async (name: string) => {
    const { placements } = await muster.supervisor.groups.get(keyOf(name), caller());
    return placements[0]!;
  };
  const listed = (name: string) => listServers(bed.callers.acme, `${prefix}${name}-`);

  /** Looks until it is so, and says what was seen last when it never is. */
  const until = async (name: string, isSo: () => Promise<boolean>) => {
    const end = performance.now() + waitMsMax;
    while (!(await isSo())) {
      if (performance.now() > end)
        assert.fail(JSON.stringify([await placementOf(name), await listed(name)]));
      await sleep(1_000);
    }
  };
  const scale = async (name: string, target: number) => {
    const ask = { kind: "target", target } as const;
    const request = { key: keyOf(name), source: "manual", ask } as const;
    await muster.supervisor.scaling.submit(request, caller());
    await until(name, async () => {
      const { inService, leaving } = await placementOf(name);
      return inService === target && leaving === 0;
    });
    assert.equal((await listed(name)).length, target);
  };

  test("M4.1 B4.7 where no host has room, the fallback flavor is made; and back to nothing", async () => {
    await create("room", launchOf({ flavor: "huge", fallbackFlavors: ["tiny"] }), 0);
    await scale("room", 2);
    for (const { id } of await listed("room")) assert.equal((await bed.guest(id)).flavor, "tiny");
    await scale("room", 0);
  });

  test("B4.6 B4.9 an image that never builds: Nova's own reason, backoff, and a cure", async () => {
    const image = bed.facts.secondImage;
    const message = "the image is corrupt";
    const match = { step: "spawn", name: prefix, image };
    await bed.faults.set("compute", [{ match, end: "abort", message }]);
    await create("cure", launchOf({ image }), 1);
    await until("cure", async () =>
      JSON.stringify((await placementOf("cure")).conditions).includes(message),
    );
    assert.ok((await bed.faults.fired("compute")).length > 0);
    const change = (spec: ReturnType<typeof groupSpec>) => ({ ...spec, launch: launchOf({}) });
    const edit = { key: keyOf("cure"), change, validateOnly: false, allowUnverified: false };
    await muster.supervisor.groups.update(edit, caller());
    await until("cure", async () => (await placementOf("cure")).inService === 1);
    await scale("cure", 0);
  });

  test("B4.6 M3.2 a server that turns to ERROR: what its console said is kept, and the ids of Nova's requests", async () => {
    await create("said", launchOf({}), 0);
    await scale("said", 1);
    const request = { key: keyOf("said"), pageSize: 10, states: [] };
    const { items } = await muster.supervisor.servers.list(request, caller());
    const { id: server, cloudId, createRequestId } = items[0]!.row;
    assert.match(createRequestId ?? "", /^req-/);
    const reset = { "os-resetState": { state: "error" } };
    await bed.callers.admin.call("compute", "POST", `/servers/${cloudId}/action`, reset);
    await until("said", async () => {
      // Who is content looks only now and then.
      await muster.supervisor.groups.converge(keyOf("said"), caller());
      return (await listed("said")).every(({ id }) => id !== cloudId);
    });
    await until("said", async () => (await placementOf("said")).inService === 1);
    const query = { account, server, types: ["server.console"] } as const;
    const limits = { order: "oldestFirst", eventsMax: 10 } as const;
    const { events } = await muster.supervisor.events.search({ ...query, ...limits }, caller());
    assert.deepEqual(
      events.map(({ facts }) => facts["consoleTail"]),
      ["FAKE CONSOLE OUTPUT\nANOTHER\nLAST LINE"],
    );
    await scale("said", 0);
  });
});
