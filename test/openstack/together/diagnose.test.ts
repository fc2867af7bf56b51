import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { Diagnosis } from "../../../src/core/model/diagnosis.js";
import type { DiagnoseCall } from "../../../src/core/ports/driver.js";
import nova, { type NovaOptions } from "../../../src/drivers/cloud-openstack/index.js";
import octavia from "../../../src/drivers/lb-octavia/index.js";
import { type Bed, openBed } from "../bed.js";
import { accounts, createTenant } from "../nova-harness.js";

describe("what the openstack driver tells of a real cloud", { timeout: 300_000 }, () => {
  let bed: Bed;
  before(async () => {
    bed = await openBed();
  });

  async function diagnose(
    options: Partial<NovaOptions> = {},
    call: Partial<DiagnoseCall> & { readonly fastMs?: number } = {},
  ) {
    const { authUrl, region } = bed.facts;
    const tenant = createTenant(bed);
    const { secrets } = tenant;
    const { clock } = tenant.host;
    const { fastMs = 0 } = call;
    const host = { ...tenant.host, clock: { ...clock, nowMs: () => clock.nowMs() + fastMs } };
    secrets.set("wrong", { revision: "1", secret: { ...secrets.get("other")!.secret, password } });
    const signal = AbortSignal.timeout(60_000);
    const asked = { signal, accounts, isRunning: false, ...call };
    const told = await nova.diagnose!({ authUrl, region, ...options }, host, asked);
    const text = JSON.stringify(told);
    for (const { secret } of secrets.values())
      for (const one of [secret["password"], secret["applicationCredentialSecret"]])
        assert.ok(typeof one !== "string" || !text.includes(one), "a secret was told");
    return told;
  }
  const password = "not the right one";
  const states = (told: readonly Diagnosis[]) => told.map(({ subject, state }) => [subject, state]);

  test("B9.7 Keystone, clock, project, roles and each service are well, for both kinds of credentials", async () => {
    const told = await diagnose();
    assert.deepEqual(
      told.filter(({ state }) => state !== "ok"),
      [],
    );
    // This Keystone sends no Date header: its clock is known by the tokens that it issues.
    const [, unknown] = await diagnose({}, { accounts: [] });
    assert.deepEqual([unknown?.subject, unknown?.state], ["the cloud's clock", "skipped"]);
    assert.deepEqual(states(told).slice(0, 2), [
      [`Keystone at ${bed.facts.authUrl}`, "ok"],
      ["the cloud's clock", "ok"],
    ]);
    for (const account of accounts) {
      const { projectId } = bed.facts.accounts[account];
      const entered = told.find(({ subject }) => subject === `credentials of ${account}`);
      assert.match(entered?.say ?? "", new RegExp(`\\(${projectId}\\), roles: .*member`));
      for (const service of ["compute 2.56", "compute 2.79", "image", "network"])
        assert.ok(told.some(({ subject }) => subject === `${service} for ${account}`));
    }
  });

  test("B5.1 Octavia is asked by the same accounts, and needs no other service", async () => {
    const { authUrl, region } = bed.facts;
    const { host } = createTenant(bed);
    const asked = { signal: AbortSignal.timeout(60_000), accounts, isRunning: false };
    const told = await octavia.diagnose!({ authUrl, region }, host, asked);
    assert.deepEqual(states(told).slice(2).toSorted(), [
      ["credentials of acme", "ok"],
      ["credentials of other", "ok"],
      ["load-balancer for acme", "ok"],
      ["load-balancer for other", "ok"],
    ]);
  });

  test("B9.7 credentials that Keystone refuses, and accounts without any, are told alone", async () => {
    const told = await diagnose({}, { accounts: ["wrong", "acme"] });
    const problems = told.filter(({ state }) => state === "problem");
    assert.deepEqual(states(problems), [["credentials of wrong", "problem"]]);
    assert.match(`${problems[0]!.fix}`, /musterctl credentials set wrong/);
  });

  test("B7.2 a clock that is off from the cloud's is told, by how much and in which direction", async () => {
    const told = await diagnose({}, { accounts: ["acme"], fastMs: 90_000 });
    const clock = told.find(({ subject }) => subject === "the cloud's clock");
    assert.equal(clock?.state, "problem");
    assert.match(`${clock.say} ${clock.fix}`, /^is (89|90|91) s behind ours .*NTP/);
  });

  test("B1.2 another region, another address and nobody at all are told by what to correct", async () => {
    const told = await diagnose({ region: "Nowhere" }, { accounts: ["acme"] });
    const problems = told.filter(({ state }) => state === "problem");
    assert.equal(problems.length, 4, "each service that is needed");
    for (const { say, fix } of problems) {
      assert.match(say, /public in RegionOne/);
      assert.match(fix ?? "", /region/);
    }
    const { compute } = bed.facts.urls;
    const [stray] = await diagnose({ authUrl: compute.replace("/v2.1", "/v3") });
    assert.deepEqual([stray?.state, /authUrl/.test(stray?.fix ?? "")], ["problem", true]);
    const [nobody, ...rest] = await diagnose({ authUrl: "http://127.0.0.1:1/v3" });
    assert.deepEqual([nobody?.state, rest], ["problem", []]);
    assert.match(nobody!.say, /ECONNREFUSED/);
  });
});
