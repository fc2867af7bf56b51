import assert from "node:assert/strict";
import type { CloudServerId } from "../../src/core/model/ids.js";
import { type Bench, type Check, listAll, refused } from "./cloud-bench.js";
import type { CloudHarness } from "./cloud-harness.js";

/** Every call that a driver must deny when it is pinned to a project of another. */
async function deniedFor(bench: Bench, id: CloudServerId, project: string): Promise<void> {
  const { cloud, driver, call } = bench;
  const pinned = { account: cloud.accounts[0], project };
  const attempts = [
    () => driver.createServer({ ...bench.request("astray"), project }, call),
    () => driver.getServer({ ...pinned, id }, call),
    () => driver.deleteServer({ ...pinned, id }, call),
    () => driver.listServers({ ...bench.listing(), project }, call),
    () => driver.findByIntention({ ...pinned, server: "pinned" }, call),
  ];
  for (const attempt of attempts) {
    const fault = await refused(attempt, "denied");
    assert.equal(fault.ambiguous, false);
  }
}

/** What keeps credentials that answer for another project from being taken for a loss. */
export function projectCases(check: Check, { offers }: CloudHarness): void {
  check(
    "CLOUD-30 B9.7 who is pinned to another project is denied, never told 404",
    async (bench) => {
      const { cloud, driver, call } = bench;
      const [account] = cloud.accounts;
      const project = await driver.project(account, call);
      const pin = project === undefined ? {} : { project };
      assert.equal(await driver.project(account, call), project, "it stays what it is");
      const made = await driver.createServer({ ...bench.request("pinned"), ...pin }, call);
      await bench.active(made.id);
      await bench.listedWithinLag(made.id);
      assert.equal((await driver.getServer({ account, id: made.id, ...pin }, call))?.id, made.id);
      const listed = await listAll(driver, { ...bench.listing(), ...pin }, call);
      assert.deepEqual(
        listed.map(({ id }) => id),
        [made.id],
      );
      const found = await driver.findByIntention({ account, server: "pinned", ...pin }, call);
      assert.deepEqual(
        found.map(({ id }) => id),
        [made.id],
      );
      if (project !== undefined) await deniedFor(bench, made.id, `not-${project}`);
      assert.equal((await bench.active(made.id)).taskState, undefined, "nothing was done to it");
      assert.equal(await driver.deleteServer({ account, id: made.id, ...pin }, call), "accepted");
    },
  );

  const rotated = async (bench: Bench) => {
    const { cloud, driver, call } = bench;
    const [account] = cloud.accounts;
    const project = await driver.project(account, call);
    const made = await driver.createServer(bench.request("kept"), call);
    const fault = await cloud.otherProject?.();
    await deniedFor(bench, made.id, project!);
    assert.notEqual(await driver.project(account, call), project);
    assert.ok(((await fault?.fired()) ?? 0) > 0);
    await fault?.off();
    assert.equal(await driver.project(account, call), project);
    assert.equal((await bench.active(made.id)).taskState, undefined);
  };
  check(
    "CLOUD-31 B9.7 rotated credentials are told from a loss",
    rotated,
    offers.otherProject === true,
  );
}
