import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accountName,
  credentialsName,
  groupName,
  policyName,
} from "../../../clients/node/index.js";
import { AlertState } from "../../../src/gen/muster/v1/policy_pb.js";
import { account, defer, eventually, startDaemon } from "../../e2e/daemon.js";
import { converged } from "../../e2e/groups.js";
import { makeBalancer, removeBalancer } from "../balancers.js";
import { openBed } from "../bed.js";
import { createPools } from "../pools.js";
import { listServers, removeServers } from "../servers.js";

const size = 20;
const colo = "iad";
const web = groupName(account, "web");

test("M1 M4.1 M9.4 twenty servers behind an Octavia pool, from an alert into service and back", async (t) => {
  const bed = await openBed();
  const { facts } = bed;
  const { acme } = bed.callers;
  const balancer = await makeBalancer(acme, { name: "main-job", subnet: facts.subnet });
  defer(t, () => removeBalancer(acme, balancer.loadBalancerId));
  defer(t, () => removeServers(acme, "web-"));
  const pools = createPools(acme, balancer.loadBalancerId);

  const { authUrl, region } = facts;
  const options = { authUrl, region };
  const daemon = await startDaemon(t, {
    [colo]: {
      cloud: { use: "builtin:openstack", options },
      loadBalancers: { use: "builtin:octavia", options },
    },
  });
  const { access, groups, policies, scaling } = daemon.client;
  const { applicationCredentialId, applicationCredentialSecret } = facts.accounts.acme;
  await access.setCredentials({
    name: credentialsName(account, colo),
    secret: { applicationCredentialId, applicationCredentialSecret },
  });
  await groups.createGroup({
    parent: accountName(account),
    groupId: "web",
    group: {
      displayName: "Web",
      placements: [
        {
          ...{ colo, min: 0, max: size },
          loadBalancers: [{ loadBalancer: balancer.poolId, port: 80, weight: 5 }],
        },
      ],
      launchConfiguration: {
        ...{ image: facts.imageName, flavor: facts.flavors.tiny, userData: "#!/bin/sh\n" },
        parameters: { networks: [{ uuid: facts.network }] },
      },
    },
  });
  const checked = await groups.checkGroup({ name: web });
  assert.deepEqual(
    checked.placements.flatMap(({ findings }) => findings),
    [],
  );
  await policies.createPolicy({
    parent: web,
    policyId: "up",
    policy: { displayName: "Up", action: { case: "change", value: size } },
  });

  const policy = policyName({ account, group: "web", policy: "up" });
  await scaling.reportAlert({ policy, key: "cpu", state: AlertState.CRITICAL });
  const startedMs = performance.now();
  await converged(daemon, size, { msMax: 240_000 });
  t.diagnostic(`${size} in service after ${Math.round(performance.now() - startedMs)} ms`);
  const servers = await listServers(acme, "web-");
  assert.equal(servers.length, size);
  assert.ok(servers.every(({ status }) => status === "ACTIVE"));
  const members = await pools.members(balancer.poolId as never);
  assert.equal(new Set(members.map(({ address }) => address)).size, size);
  assert.ok(members.every((one) => one.weight === 5 && one.protocol_port === 80));

  // While the alert stands, the policy circles back.
  await scaling.reportAlert({ policy, key: "cpu", state: AlertState.OK });
  await scaling.setTarget({ name: web, target: 0 });
  await converged(daemon, 0, { msMax: 240_000 });
  assert.deepEqual(await listServers(acme, "web-"), []);
  assert.deepEqual(await pools.members(balancer.poolId as never), []);
  const ids = new Set(servers.map(({ id }) => id));
  await eventually(
    "no port is left",
    async () => {
      const { body } = await acme.call("network", "GET", "/v2.0/ports");
      const ports = body["ports"] as readonly { readonly device_id: string }[];
      return ports.filter((one) => ids.has(one.device_id)).length;
    },
    (left) => left === 0,
  );
});
