import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { GroupKey } from "../../../src/core/model/ids.js";
import type { GroupSpec } from "../../../src/supervisor/api.js";
import { useGroups } from "../groups.js";
import { caller } from "../muster.js";

const max = 5;

describe("groups on the real Nova", { timeout: 900_000 }, () => {
  const groups = useGroups({ name: "groups", accounts: ["acme"], waitMsMax: 240_000 });
  const { prefix, create, standing, servers } = groups;
  const until = (key: GroupKey, isSo: () => Promise<boolean>) => groups.until([key], isSo);
  const scale = async (key: GroupKey, target: number) => {
    await groups.setTarget(key, target);
    await until(key, async () => {
      const { inService, leaving } = await standing(key);
      return inService === target && leaving === 0;
    });
    assert.equal((await servers(key)).length, target);
  };

  test("M4.1 B4.7 where no host has room, the fallback flavor is made; and back to nothing", async () => {
    const room = groups.key("room");
    await create(room, { launch: { flavor: "huge", fallbackFlavors: ["tiny"] }, max });
    await scale(room, 2);
    for (const { id } of await servers(room))
      assert.equal((await groups.bed.guest(id)).flavor, "tiny");
    await scale(room, 0);
  });

  test("B4.6 B4.9 an image that never builds: Nova's own reason, backoff, and a cure", async () => {
    const { bed, muster } = groups;
    const key = groups.key("cure");
    const image = bed.facts.secondImage;
    const message = "the image is corrupt";
    const match = { step: "spawn", name: prefix, image };
    await bed.faults.set("compute", [{ match, end: "abort", message }]);
    await create(key, { launch: { image }, target: 1, max });
    await until(key, async () =>
      JSON.stringify((await standing(key)).conditions).includes(message),
    );
    assert.ok((await bed.faults.fired("compute")).length > 0);
    const change = (spec: GroupSpec) => {
      return { ...spec, launch: { ...spec.launch, image: bed.facts.image } };
    };
    const edit = { key, change, validateOnly: false, allowUnverified: false };
    await muster.supervisor.groups.update(edit, caller());
    await until(key, async () => (await standing(key)).inService === 1);
    await scale(key, 0);
  });

  test("B4.6 M3.2 a server that turns to ERROR: what its console said is kept, and the ids of Nova's requests", async () => {
    const { bed, muster } = groups;
    const key = groups.key("said");
    await create(key, { max });
    await scale(key, 1);
    const request = { key, pageSize: 10, states: [] };
    const { items } = await muster.supervisor.servers.list(request, caller());
    const { id: server, cloudId, createRequestId } = items[0]!.row;
    assert.match(createRequestId ?? "", /^req-/);
    const reset = { "os-resetState": { state: "error" } };
    await bed.callers.admin.call("compute", "POST", `/servers/${cloudId}/action`, reset);
    await until(key, async () => {
      // Who is content looks only now and then.
      await muster.supervisor.groups.converge(key, caller());
      return (await servers(key)).every(({ id }) => id !== cloudId);
    });
    await until(key, async () => (await standing(key)).inService === 1);
    const query = { account: key.account, server, types: ["server.console"] } as const;
    const limits = { order: "oldestFirst", eventsMax: 10 } as const;
    const { events } = await muster.supervisor.events.search({ ...query, ...limits }, caller());
    assert.deepEqual(
      events.map(({ facts }) => facts["consoleTail"]),
      ["FAKE CONSOLE OUTPUT\nANOTHER\nLAST LINE"],
    );
    await scale(key, 0);
  });
});
