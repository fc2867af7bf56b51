import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createEmbeddedClient } from "../../clients/node/index.js";
import { createMuster } from "../../src/app.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { readWholeFeed } from "../contract/store-samples.js";
import { server } from "./bed/node.js";
import { untilReady } from "./bed/ready.js";
import { ask, until } from "./journal-bench.js";

const [parent, name] = ["accounts/acme", "accounts/acme/groups/web"];

test("M7.3 Elasticsearch frozen or dead: scaling goes on, and history has it all later", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "muster-elasticsearch-"));
  const options = { nodes: [server.url], indexPrefix: `t${randomUUID().slice(0, 8)}` };
  const clock = createSystemClock();
  const store = await createSqliteStore({ path: join(dataDir, "state.db"), clock });
  const muster = await createMuster({
    ...{ dataDir, store, journal: { use: "builtin:elasticsearch", options } },
    colos: { iad: { cloud: { use: "builtin:simulated" }, pollMs: 250 } },
  });
  const client = createEmbeddedClient(muster.transport);
  const search = (pageToken = "") =>
    client.events.searchEvents({ parent, pageSize: 1_000, pageToken }, { timeoutMs: 2_000 });
  const scaleTo = async (target: number) => {
    await client.scaling.setTarget({ name, target });
    await until(async () => {
      const { group } = await client.groups.getGroup({ name });
      const [placement] = group?.status?.placements ?? [];
      return placement?.inService === target && placement.leaving === 0;
    }, `${target} servers in service`);
  };
  try {
    const launchConfiguration = { image: "debian", flavor: "small" };
    const placements = [{ colo: "iad", min: 0, max: 50 }];
    const group = { displayName: "Web", placements, launchConfiguration };
    await client.groups.createGroup({ parent, groupId: "web", group });
    await scaleTo(4);
    await until(async () => (await search()).events.length > 0, "the first events");

    await server.pause();
    try {
      await assert.rejects(search(), "it answers: nothing was frozen");
      await scaleTo(8);
    } finally {
      await server.resume();
    }
    await server.kill();
    await assert.rejects(search(), "it answers: nobody died");
    await scaleTo(2);
    await server.launch();
    await untilReady(server);
    await scaleTo(3);

    const wanted = (await readWholeFeed(store, "", 1_000)).map(({ event }) => event.id).sort();
    const isWhole = async () => {
      const { events } = await search();
      const found = events.map((event) => event.name.split("/").at(-1)).sort();
      return JSON.stringify(found) === JSON.stringify(wanted);
    };
    assert.ok(wanted.length > 40 && wanted.length < 1_000, `${wanted.length} events`);
    await until(isWhole, `all of ${wanted.length} events once`);

    const lost = Object.keys(await ask("GET", `/${options.indexPrefix}-events-*`));
    await ask("DELETE", `/${lost.join(",")}`);
    assert.deepEqual((await search()).events, [], "nothing was lost");
    await client.events.rebuildHistory({});
    await until(isWhole, `all of ${wanted.length} events again`);
  } finally {
    await muster.stop();
    await rm(dataDir, { recursive: true });
  }
});
