import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createEmbeddedClient } from "../../clients/node/index.js";
import { createMuster } from "../../src/app.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import {
  countTo,
  patientCall,
  readWholeFeed,
  sequencesByPlacement,
} from "../contract/store-samples.js";
import { firstNode, makeHome, whileFrozen } from "./bed.js";

const frozenMs = 3_000;
const waitMsMax = 120_000;

test("M7.3 a Muster keeps its state in Cassandra, and a freeze of it delays, no more", async () => {
  const home = await makeHome();
  const dataDir = await mkdtemp(join(tmpdir(), "muster-cassandra-"));
  const colo = firstNode.dataCenter;
  const clock = createSystemClock();
  const options = { ...home, requestTimeoutMs: 2_000, colo, clock };
  const store = await createCassandraStore(options);
  const colos = { [colo]: { cloud: { use: "builtin:simulated" }, pollMs: 250 } };
  const muster = await createMuster({ dataDir, store, colos });
  const client = createEmbeddedClient(muster.transport);
  try {
    const [parent, name] = ["accounts/acme", "accounts/acme/groups/web"];
    const launchConfiguration = { image: "debian", flavor: "small" };
    const placements = [{ colo, min: 0, max: 50 }];
    const group = { displayName: "Web", placements, launchConfiguration };
    await client.groups.createGroup({ parent, groupId: "web", group });
    await client.scaling.setTarget({ name, target: 12 });
    await whileFrozen(async () => {
      const asked = client.scaling.setTarget({ name, target: 5 }, { timeoutMs: frozenMs });
      await assert.rejects(asked, "it was answered: nothing was frozen");
    });
    await client.scaling.setTarget({ name, target: 8, requestId: "after" });
    for (const startMs = Date.now(); ; await sleep(200)) {
      const { group: found } = await client.groups.getGroup({ name });
      const [placement] = found?.status?.placements ?? [];
      if (placement?.inService === 8 && placement.leaving === 0) break;
      assert.ok(Date.now() - startMs < waitMsMax, `${placement?.inService} in service, not 8`);
    }
  } finally {
    await muster.stop();
  }

  // Another process finds the same.
  const other = await createCassandraStore(options);
  const partition = { scope: "placement", key: `acme/web/${colo}` } as const;
  const { rows, lastSequence } = await other.load(partition, ["server"], patientCall());
  const events = await readWholeFeed(other, "", 100);
  assert.equal(rows.length, 8);
  assert.deepEqual([...sequencesByPlacement(events).values()], [countTo(lastSequence)]);
  await other.close();
  await home.remove();
  await rm(dataDir, { recursive: true });
});
