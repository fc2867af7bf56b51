import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LaunchConfiguration } from "../../../src/core/model/group.js";
import { problemsOfLaunch } from "../../../src/drivers/cloud-openstack/launch-problems.js";
import { limitsIn, quotaOf } from "../../../src/drivers/cloud-openstack/limits.js";

const network = "2f2887b2-2da8-4137-9cd5-790441325039";
const volume = { source_type: "image", destination_type: "volume", boot_index: 0 };
const plain: LaunchConfiguration = {
  ...{ image: "debian", flavor: "small", userData: "#!/bin/sh\n", metadata: { role: "web" } },
  parameters: { networks: [{ uuid: network }] },
};

function problemsWith(parameters: Readonly<Record<string, unknown>>) {
  const launch = { ...plain, parameters: { networks: "none", ...parameters } };
  return problemsOfLaunch(launch).map(({ field, description }) => `${field} ${description}`);
}

test("M4.4 a launch that uses everything has no problems", () => {
  const parameters = {
    networks: [{ uuid: network, fixed_ip: "10.0.0.5", tag: "nic" }, { port: network }],
    ...{ address_network: "front", key_name: "ops", security_groups: [{ name: "web" }] },
    personality: [{ path: "/etc/motd", contents: "aGVsbG8=" }],
    config_drive: false,
    block_device_mapping_v2: [{ ...volume, volume_size: 8, delete_on_termination: true }],
    ...{ scheduler_hints: { group: network }, tags: ["blue"], description: "text" },
    "OS-DCF:diskConfig": "AUTO",
  };
  assert.deepEqual(problemsOfLaunch({ ...plain, parameters }), []);
  for (const networks of ["auto", "none"]) assert.deepEqual(problemsWith({ networks }), []);
});

test("B1.2 every problem of the parameters is named, by the path of its field", () => {
  const cases: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{ networks: undefined }, "parameters.networks is required"],
    [
      { networks: "all" },
      "parameters.networks must be equal to one of the allowed values: auto, none",
    ],
    [{ networks: [] }, "parameters.networks must NOT have fewer than 1 items"],
    [{ networks: [{ uuid: "front" }] }, "parameters.networks[0].uuid must be a UUID"],
    [{ networks: [{ name: "x" }] }, "parameters.networks[0].name unknown"],
    [{ networks: [{}] }, "parameters.networks[0] needs either uuid or port"],
    [
      { networks: [{ uuid: network, port: network }] },
      "parameters.networks[0] needs either uuid or port",
    ],
    [{ adminPass: "x" }, "parameters.adminPass unknown"],
    [{ key_name: 7 }, "parameters.key_name must be string"],
    [{ security_groups: ["web"] }, "parameters.security_groups[0] must be object"],
    [
      { personality: [{ path: "/x", contents: "no base64" }] },
      "parameters.personality[0].contents must be Base64",
    ],
    [{ tags: ["muster:owner:x"] }, "parameters.tags[0] muster: is taken"],
    [{ tags: ["a,b"] }, "parameters.tags[0] must have 1 to 60 characters, none of them , or /"],
    [
      { tags: Array.from({ length: 49 }, (_, index) => `t${index}`) },
      "parameters.tags must NOT have more than 48 items",
    ],
    [
      { block_device_mapping_v2: [volume] },
      "parameters.block_device_mapping_v2[0].delete_on_termination must be true: the volume would be left over",
    ],
    [
      {
        block_device_mapping_v2: [{ ...volume, delete_on_termination: true, volume_type: "ssd" }],
        personality: [],
      },
      "parameters.block_device_mapping_v2[0].volume_type no Nova takes it together with personality",
    ],
  ];
  for (const [parameters, problem] of cases) assert.deepEqual(problemsWith(parameters), [problem]);
  assert.equal(problemsWith({ a: 1, key_name: "", tags: "x" }).length, 3, "not only the first");
});

test("B1.2 metadata that Nova would not take, or that is ours, is named", () => {
  const problems = (metadata: LaunchConfiguration["metadata"]) =>
    problemsOfLaunch({ ...plain, metadata }).map(({ field }) => field);
  assert.deepEqual(problems({ muster_server: "x" }), ["metadata.muster_server"]);
  assert.deepEqual(problems({ "a/b": "x" }), ["metadata.a/b"]);
  assert.deepEqual(problems({ a: "x".repeat(256) }), ["metadata.a"]);
  assert.deepEqual(problems({ "a b_c:d.e-f": "x".repeat(255) }), []);
});

test("M4.4 user data has room for what Nova takes, counted in Base64", () => {
  const problems = (userData: string) =>
    problemsOfLaunch({ ...plain, userData }).map(({ field }) => field);
  assert.deepEqual(problems("x".repeat(49_149)), []);
  assert.deepEqual(problems("x".repeat(49_152)), ["user_data"]);
  assert.deepEqual(problems("ä".repeat(24_577)), ["user_data"]);
});

test("B1.2 whatever stands in the parameters, problems are named and nothing is thrown", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (parameters) => {
      for (const { field, description } of problemsOfLaunch({ ...plain, parameters })) {
        assert.ok(field.startsWith("parameters"));
        assert.notEqual(description, "");
      }
    }),
  );
});

test("B4.7 a quota is what Nova counts, and -1 bounds nothing", () => {
  const absolute = {
    ...{ maxTotalInstances: 10, totalInstancesUsed: 4, maxTotalCores: -1, totalCoresUsed: 9 },
    ...{ maxTotalRAMSize: 4_096, totalRAMUsed: 512, maxServerMeta: 128 },
  };
  const body = { limits: { absolute, rate: [] } };
  assert.deepEqual(quotaOf(body, { vcpus: 2, ram: 256 }), [
    { resource: "instances", limit: 10, used: 4, perServer: 1 },
    { resource: "ram", limit: 4_096, used: 512, perServer: 256 },
  ]);
  assert.equal(limitsIn(body)("maxServerMeta"), 128);
  assert.equal(limitsIn(body)("maxPersonality"), undefined);
  assert.throws(() => limitsIn({}), { kind: "unknown" });
});
