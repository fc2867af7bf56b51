import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createEmbeddedClient } from "../../clients/node/index.js";
import { createMuster, type Muster } from "../../src/app.js";
import { checkConfig } from "../../src/config.js";
import { isFault } from "../../src/core/errors/fault.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { createLines } from "../drivers/peers/bench.js";
import { createAuthority } from "../drivers/peers/certificates.js";
import { eventually } from "../e2e/daemon.js";
import { freePort } from "../free-port.js";

const [parent, name] = ["accounts/acme", "accounts/acme/groups/web"];

const freeAddress = async () => `127.0.0.1:${await freePort()}`;

/** Two Musters, a colo each, on one store, that know each other as peers. */
async function openColos(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "muster-colos-"));
  const store = await createSqliteStore({
    path: join(folder, "state.db"),
    clock: createSystemClock(),
  });
  const authority = await createAuthority(folder, "authority");
  const identity = await authority.issue("node", "DNS:muster-peer.prod");
  const at = { iad: await freeAddress(), ams: await freeAddress() };
  const logs = { iad: createLines(), ams: createLines() };
  const open = (colo: "iad" | "ams", other: "iad" | "ams"): Promise<Muster> =>
    createMuster({
      installation: "prod",
      dataDir: join(folder, colo),
      store: { ...store, close: async () => {} },
      log: logs[colo].log,
      colos: { [colo]: { cloud: { use: "builtin:simulated" }, pollMs: 100 } },
      peers: { ...identity, listen: at[colo], colos: { [other]: [at[other]] } },
    });
  const [iad, ams] = await Promise.all([open("iad", "ams"), open("ams", "iad")]);
  t.after(async () => {
    await Promise.all([iad, ams].map((muster) => muster.stop()));
    await store.close();
    await rm(folder, { recursive: true });
  });
  return { iad, ams, logs };
}

test("M7.2 B11.2 a scale event is decided in another colo than the one that is asked", async (t) => {
  const { iad, ams, logs } = await openColos(t);
  const client = createEmbeddedClient(iad.transport);
  const launchConfiguration = { image: "debian", flavor: "small" };
  const placements = [
    { colo: "ams", min: 0, max: 5 },
    { colo: "iad", min: 0, max: 5 },
  ];
  const group = { displayName: "Web", placements, launchConfiguration };
  // A peer that was asked before it listened is left in peace for half a second.
  await eventually(
    "the group is made",
    () => client.groups.createGroup({ parent, groupId: "web", group }).then(() => true, String),
    (answer) => answer === true,
  );
  const { receipt } = await client.scaling.setTarget({ name, target: 4, requestId: "the-same" });
  const again = await client.scaling.setTarget({ name, target: 4, requestId: "the-same" });
  assert.equal(again.receipt?.eventId, receipt?.eventId);
  for (const { lines } of [logs.iad, logs.ams])
    assert.ok(lines.some(({ fields }) => fields["requestId"] === "the-same"));
  assert.match(await iad.metrics(), /muster_peer_asks_total\{colo="ams",outcome="done"\} [1-9]/);
  await ams.stop();
  const lost = await client.scaling.setTarget({ name, target: 2 });
  assert.notEqual(lost.receipt?.eventId, receipt?.eventId, "the next colo of the list decides");
});

test("B1.2 peers that cannot be are refused by name, all at once", () => {
  const files = { certFile: "a.pem", keyFile: "a.key", caFile: "ca.pem" };
  const config = {
    tokens: [{ principal: "ops", token: "secret", roles: [{ account: "*", role: "admin" }] }],
    colos: { iad: { cloud: { use: "builtin:simulated" } } },
    peers: { ...files, listen: "7351", colos: { iad: ["a:1"], ams: ["b:1", "c"] } },
  };
  assert.throws(
    () => checkConfig(config),
    (error) => {
      assert.ok(isFault(error, "CONFIG_INVALID"));
      const fields = error.violations.map(({ field }) => field);
      const wrong = ["installation", "peers.colos.iad", "peers.listen", "peers.colos.ams.1"];
      assert.deepEqual(fields, wrong);
      return true;
    },
  );
  const good = { ...config.peers, listen: "[::1]:7351", colos: { ams: ["b:1"] } };
  checkConfig({ ...config, installation: "prod", peers: good });
});
