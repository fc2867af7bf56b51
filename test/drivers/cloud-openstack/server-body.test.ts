import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LaunchConfiguration } from "../../../src/core/model/group.js";
import { marksOf } from "../../../src/drivers/cloud-openstack/ownership.js";
import { createCallOf } from "../../../src/drivers/cloud-openstack/server-body.js";

const ids = { image: "image-id", flavor: "flavor-id" };
const network = "2f2887b2-2da8-4137-9cd5-790441325039";
const plain: LaunchConfiguration = {
  ...{ image: "debian", flavor: "small", userData: "", metadata: { role: "web" } },
  parameters: { networks: [{ uuid: network }] },
};
const ownership = {
  ...{ installation: "here", account: "acme", group: "web", colo: "iad" },
  ...{ server: "srv-1", launchRevision: 3 },
};
const marks = marksOf(ownership);

function callOf(launch: Partial<LaunchConfiguration>, zone?: string) {
  const where = zone === undefined ? {} : { zone };
  const request = { account: "acme", name: "web-1", launch: { ...plain, ...launch }, ownership };
  const { body, microversion } = createCallOf({ ...request, ...where }, ids);
  const server = body["server"] as Readonly<Record<string, unknown>>;
  return { body, server, microversion };
}

test("M4.4 a plain launch: what it holds, ownership beside it, and nothing else", () => {
  assert.deepEqual(callOf({}), {
    body: {
      server: {
        ...{ name: "web-1", imageRef: "image-id", flavorRef: "flavor-id" },
        networks: [{ uuid: network }],
        metadata: { role: "web", ...marks.metadata },
        tags: marks.tags,
      },
    },
    server: callOf({}).server,
    microversion: "2.79",
  });
});

test("M4.4 every parameter reaches Nova unchanged, by its own name", () => {
  const parameters = {
    networks: [{ uuid: network, fixed_ip: "10.0.0.5", tag: "nic" }],
    key_name: "ops",
    security_groups: [{ name: "web" }],
    config_drive: true,
    description: "a web server",
    "OS-DCF:diskConfig": "MANUAL",
  };
  const hints = { group: network };
  const more = { scheduler_hints: hints, tags: ["blue"], address_network: "front" };
  const { server, body } = callOf({ parameters: { ...parameters, ...more } }, "az1");
  for (const [key, value] of Object.entries(parameters)) assert.deepEqual(server[key], value, key);
  assert.deepEqual(body["os:scheduler_hints"], hints);
  assert.deepEqual(server["tags"], ["blue", ...marks.tags]);
  assert.equal(server["availability_zone"], "az1");
  const metadata = server["metadata"] as Readonly<Record<string, string>>;
  assert.equal(metadata["muster_address_network"], "front");
  for (const key of ["scheduler_hints", "address_network"]) assert.ok(!(key in server), key);
});

test("M4.4 personality goes out unchanged, at the last microversion that takes it, with tags", () => {
  const personality = [{ path: "/etc/motd", contents: "aGVsbG8=" }];
  const call = callOf({ parameters: { networks: "none", personality } });
  assert.equal(call.microversion, "2.56");
  assert.deepEqual(call.server["personality"], personality);
  assert.deepEqual(call.server["tags"], marks.tags);
});

test("M4.4 user data and metadata survive whatever they hold", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, fc.dictionary(fc.string(), text), (userData, metadata) => {
      const { server } = callOf({ userData, metadata });
      const sent = server["user_data"];
      const back = typeof sent === "string" ? Buffer.from(sent, "base64").toString("utf8") : "";
      assert.equal(back, Buffer.from(userData, "utf8").toString("utf8"));
      const given = Object.entries(metadata);
      const got = server["metadata"] as Readonly<Record<string, string>>;
      for (const [key, value] of given) assert.equal(got[key], value);
      assert.equal(Object.keys(got).length, given.length + Object.keys(marks.metadata).length);
    }),
  );
});

test("M4.4 what the server boots from: an image, a volume of that image, a volume of its own", () => {
  const disks = (...devices: readonly object[]) => {
    const { server } = callOf({
      parameters: { networks: "none", block_device_mapping_v2: devices },
    });
    return { image: server["imageRef"], devices: server["block_device_mapping_v2"] };
  };
  const scratch = { source_type: "blank", destination_type: "local", volume_size: 1 };
  const ends = { delete_on_termination: true };
  const local = { source_type: "image", destination_type: "local", boot_index: 0, ...ends };
  assert.deepEqual(disks(scratch), {
    image: "image-id",
    devices: [{ ...local, uuid: "image-id" }, scratch],
  });
  const volume = { source_type: "image", destination_type: "volume", boot_index: 0, ...ends };
  assert.deepEqual(disks(scratch, volume), {
    image: undefined,
    devices: [scratch, { ...volume, uuid: "image-id" }],
  });
  const own = { ...volume, source_type: "volume", uuid: network };
  assert.deepEqual(disks(own), { image: undefined, devices: [own] });
  assert.deepEqual(disks({ ...local, uuid: network }).image, "image-id");
});
