import assert from "node:assert/strict";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { LaunchConfiguration } from "../../../src/core/model/group.js";
import type { CloudServer } from "../../../src/core/model/server.js";
import type { Call, CloudDriver } from "../../../src/driver.js";
import nova from "../../../src/drivers/cloud-openstack/index.js";
import { type Bed, openBed } from "../bed.js";
import { createTenant, type Tenant } from "../nova-harness.js";

const account = "acme";
/** The bed's Keystone gives tokens for so long. */
const tokenLifeMs = 14_400_000;
const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKl0WkXLqZcN3kX3mfS8nE4lU0cIVqJdLrF0Hq2bV7xY test";

describe("the openstack cloud driver, on the real Nova", { timeout: 600_000 }, () => {
  let bed: Bed;
  let tenant: Tenant;
  let driver: CloudDriver;
  const call = (): Call => ({ signal: AbortSignal.timeout(60_000) });
  before(async () => {
    bed = await openBed();
  });
  beforeEach(async () => {
    tenant = createTenant(bed);
    driver = await tenant.openDriver();
  });
  afterEach(async () => {
    await driver.close();
    await tenant.clear();
  });

  const launchOf = (more: Partial<LaunchConfiguration> = {}): LaunchConfiguration => ({
    ...{ image: bed.facts.image, flavor: "tiny", userData: "", metadata: {} },
    parameters: { networks: "none" },
    ...more,
  });
  const requestOf = (server: string, launch: LaunchConfiguration) => {
    const { installation, colo } = tenant.host;
    const ownership = { installation, account, group: "g", colo, server, launchRevision: 1 };
    return { account, name: `nova-${server}`, launch, ownership };
  };
  const built = async ({ id }: CloudServer): Promise<CloudServer> => {
    for (let look = 0; look < 150; look++) {
      const server = await driver.getServer({ account, id }, call());
      assert.ok(server, `${id} is gone`);
      if (server.status !== "BUILD") return server;
      await sleep(1_000);
    }
    return assert.fail(`${id} stays in BUILD`);
  };
  const raw = async (id: string) => {
    const { body } = await bed.callers.acme.call("compute", "GET", `/servers/${id}`);
    return body["server"] as Readonly<Record<string, unknown>>;
  };

  test("M4.4 everything that a launch holds arrives at the real Nova as it was given", async () => {
    const { network, flavors } = bed.facts;
    const key = `nova-${tenant.agent.slice(-8)}`;
    const personality = [
      { path: "/etc/motd", contents: Buffer.from("hello, ä\n").toString("base64") },
      { path: "/etc/empty", contents: "" },
    ];
    const launch = launchOf({
      ...{ image: bed.facts.imageName, flavor: flavors.tiny },
      userData: "#!/bin/sh\necho 'ä' \"$HOME\"\n\ttab, no newline at the end",
      metadata: { role: "web", text: "ä € 'quoted'" },
      parameters: {
        networks: [{ uuid: network }],
        ...{ key_name: key, security_groups: [{ name: "default" }], personality },
        ...{ config_drive: true, tags: ["blue", "muster"], description: "one of many" },
        ...{ address_network: "nowhere", "OS-DCF:diskConfig": "MANUAL" },
      },
    });
    const keys = { keypair: { name: key, public_key: publicKey } };
    const made = await bed.callers.acme.call("compute", "POST", "/os-keypairs", keys);
    assert.equal(made.status, 201, made.text);
    try {
      assert.deepEqual(await driver.checkLaunch({ account, launch }, call()), []);
      const active = await built(await driver.createServer(requestOf("all", launch), call()));
      assert.equal(active.status, "ACTIVE", active.fault);
      assert.equal(active.address, undefined, "the launch names a network that it is not on");
      const guest = await bed.guest(active.id);
      assert.deepEqual(guest.files, personality);
      assert.equal(Buffer.from(guest.userData ?? "", "base64").toString("utf8"), launch.userData);
      assert.deepEqual(
        guest.ports.map((port) => port.network),
        [network],
      );
      assert.deepEqual([guest.keyName, guest.hasConfigDrive], [key, true]);
      const own = Object.entries(guest.metadata).filter(([name]) => !name.startsWith("muster_"));
      assert.deepEqual(Object.fromEntries(own), launch.metadata);
      const told = await raw(active.id);
      const tags = (told["tags"] as readonly string[]).filter((tag) => !tag.startsWith("muster:"));
      assert.deepEqual(tags.toSorted(), ["blue", "muster"]);
      assert.equal(told["description"], "one of many");
      assert.equal(told["OS-DCF:diskConfig"], "MANUAL");
      assert.deepEqual(told["security_groups"], [{ name: "default" }]);
    } finally {
      await bed.callers.acme.call("compute", "DELETE", `/os-keypairs/${key}`);
    }
  });

  test("M4.4 a server without a network, on two disks, is made as asked", async () => {
    const device = { source_type: "blank", destination_type: "local", guest_format: "swap" };
    const parameters = { networks: "none", block_device_mapping_v2: [] as object[] };
    const launch = launchOf({ parameters });
    const active = await built(await driver.createServer(requestOf("bare", launch), call()));
    assert.deepEqual([active.status, active.address], ["ACTIVE", undefined]);
    parameters.block_device_mapping_v2.push({ ...device, volume_size: 1 });
    // The flavor has no swap: Nova itself says so, and nothing is made.
    const asked = driver.createServer(requestOf("swap", launch), call());
    await assert.rejects(asked, { kind: "badRequest", message: /swap/i });
    const intention = { account, server: "swap" };
    assert.deepEqual(await driver.findByIntention(intention, call()), []);
  });

  test("B4.7 B4.9 a build without a host ends in ERROR, with Nova's own words as the reason", async () => {
    const launch = launchOf({ flavor: "huge" });
    const failed = await built(await driver.createServer(requestOf("huge", launch), call()));
    assert.equal(failed.status, "ERROR");
    assert.match(failed.fault ?? "", /No valid host was found/);
    assert.equal(failed.faultKind, "noCapacity");
    const { installation } = tenant.host;
    const [listed] = (await driver.listServers({ account, installation }, call())).servers;
    assert.deepEqual([listed?.id, listed?.fault], [failed.id, failed.fault]);
    assert.deepEqual(listed?.ownership, requestOf("huge", launch).ownership);
  });

  test("B1.5 what the cloud lacks is named, by field", async () => {
    const nothing = "4ced3e5a-d025-41ec-b9af-39b9c57950c0";
    const launch = launchOf({
      ...{ image: nothing, flavor: "none", fallbackFlavors: ["tiny", "never"] },
      availabilityZones: ["nova", "moon"],
      parameters: {
        networks: [{ uuid: bed.facts.network }, { uuid: nothing }, { port: nothing }],
        ...{ key_name: "none", security_groups: [{ name: "default" }, { name: "none" }] },
        personality: Array.from({ length: 6 }, () => ({ path: "/x", contents: "" })),
      },
    });
    const problems = await driver.checkLaunch({ account, launch }, call());
    assert.deepEqual(
      problems.map(({ field }) => field),
      [
        ...["image", "flavor", "fallback_flavors[1]", "availability_zones[1]"],
        ...["parameters.key_name", "parameters.networks[1].uuid", "parameters.networks[2].port"],
        ...["parameters.security_groups[1].name", "parameters.personality"],
      ],
    );
  });

  test("B9.7 credentials that Keystone does not know are denied, and nothing else is", async () => {
    const { secrets } = tenant;
    const { secret } = secrets.get(account)!;
    const wrong = { ...secret, applicationCredentialSecret: "not this" };
    const unknown = { ...secret, applicationCredentialId: "0".repeat(32) };
    for (const [revision, bad] of [wrong, unknown].entries()) {
      secrets.set(account, { revision: `bad-${revision}`, secret: bad });
      await assert.rejects(driver.project(account, call()), { kind: "denied", ambiguous: false });
    }
    secrets.delete(account);
    await assert.rejects(driver.project(account, call()), { kind: "denied", ambiguous: false });
    secrets.set(account, { revision: "good", secret });
    const { projectId } = bed.facts.accounts.acme;
    assert.equal(await driver.project(account, call()), projectId);
  });

  test("M9.4 calls at the same time share one token, and one renewal when it is refused", async () => {
    const { installation } = tenant.host;
    const looks = 8;
    const look = () => driver.listServers({ account, installation }, call());
    const agent = tenant.agent;
    const count = { match: { agent, method: "POST", path: "/auth/tokens$" } };
    await bed.faults.set("keystone", [count]);
    try {
      await Promise.all(Array.from({ length: looks }, look));
      assert.equal((await bed.faults.fired("keystone")).length, 1);
      const list = { agent, path: "/servers/detail$" };
      await bed.faults.set("nova", [{ match: list, times: looks, delaySeconds: 0.5, status: 401 }]);
      await Promise.all(Array.from({ length: looks }, look));
      assert.equal((await bed.faults.fired("nova")).length, looks);
      assert.equal((await bed.faults.fired("keystone")).length, 2);
      await bed.faults.set("nova", [{ match: list, times: 2, status: 401 }]);
      await assert.rejects(look(), { kind: "denied" });
      assert.equal((await bed.faults.fired("nova")).length, 2);
      assert.equal((await bed.faults.fired("keystone")).length, 3);
    } finally {
      await bed.faults.heal();
    }
  });

  test("M9.4 a token is renewed before its end, and serves on while Keystone is away", async () => {
    let aheadMs = 0;
    const { host, agent } = tenant;
    const monotonicMs = () => host.clock.monotonicMs() + aheadMs;
    const { authUrl, region } = bed.facts;
    const clock = { ...host.clock, monotonicMs };
    const early = await nova.open({ authUrl, region }, { ...host, clock });
    const look = () => early.listServers({ account, installation: host.installation }, call());
    const asks = { agent, method: "POST", path: "/auth/tokens$" };
    const tokens = async () => (await bed.faults.fired("keystone")).length;
    try {
      await bed.faults.set("keystone", [{ match: asks }]);
      await look();
      aheadMs = tokenLifeMs - 6 * 60_000;
      await look();
      assert.equal(await tokens(), 1);
      aheadMs = tokenLifeMs - 4 * 60_000;
      while ((await tokens()) < 2) await look();
      await bed.faults.set("keystone", [{ match: asks, status: 503 }]);
      aheadMs += tokenLifeMs - 60_000;
      while ((await tokens()) < 1) await look();
      aheadMs += 120_000;
      await assert.rejects(look(), { kind: "temporary", ambiguous: false });
    } finally {
      await bed.faults.heal();
      await early.close();
    }
  });
});
