import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv } from "ajv";
import {
  addressIn,
  type CatalogueEntry,
  endpointOf,
} from "../../../src/drivers/openstack/catalogue.js";
import { rangeOf, refuseOutside } from "../../../src/drivers/openstack/microversions.js";
import { openstackOptionsSchema } from "../../../src/drivers/openstack/options.js";
import { openstackCredentialsSchema, tokenRequest } from "../../../src/drivers/openstack/secret.js";

const at = (region: string, on: string, url: string) => ({ region_id: region, interface: on, url });
const catalogue: readonly CatalogueEntry[] = [
  {
    type: "compute",
    endpoints: [
      at("one", "public", "http://nova.example:8774/v2.1/"),
      at("two", "public", "http://two.example/compute/v2.1/4711"),
      at("one", "internal", "http://10.0.0.1:8774/v2.1"),
    ],
  },
  { type: "image", endpoints: [at("one", "public", "http://glance.example/image/v2/")] },
  {
    type: "network",
    endpoints: [{ region: "one", interface: "public", url: "http://neutron.example:9696" }],
  },
  { type: "load-balancer", endpoints: [at("one", "public", "not an address")] },
];
const one = { region: "one" };

test("M4.1 a service's address is found by type, region and interface", () => {
  const href = (...asked: Parameters<typeof endpointOf>) => endpointOf(...asked).href;
  assert.equal(href(catalogue, "compute", one), "http://nova.example:8774/v2.1");
  assert.equal(
    href(catalogue, "compute", { region: "two" }),
    "http://two.example/compute/v2.1/4711",
  );
  const inner = { region: "one", interface: "internal" } as const;
  assert.equal(href(catalogue, "compute", inner), "http://10.0.0.1:8774/v2.1");
  assert.equal(href(catalogue, "image", one), "http://glance.example/image");
  assert.equal(href(catalogue, "network", one), "http://neutron.example:9696/");
});

test("B4.8 what the catalogue lacks is said, with what it has instead", () => {
  const three = { region: "three" };
  assert.throws(() => endpointOf(catalogue, "image", three), {
    kind: "badRequest",
    message: "the catalogue has no public image in three; it has public in one",
  });
  assert.throws(() => endpointOf([], "compute", one), { message: /it has none$/ });
  assert.throws(() => endpointOf(catalogue, "load-balancer", one), { kind: "badRequest" });
});

test("M4.1 a path goes below the endpoint, and a query's values are encoded", () => {
  const network = endpointOf(catalogue, "network", one);
  const url = addressIn(network, "/v2.0/security-groups", { name: "a&b c" });
  assert.equal(url.href, "http://neutron.example:9696/v2.0/security-groups?name=a%26b+c");
  const compute = endpointOf(catalogue, "compute", { region: "two" });
  assert.equal(addressIn(compute, "/servers").pathname, "/compute/v2.1/4711/servers");
});

test("M4.1 a microversion is checked against the cloud's range, by number", () => {
  const range = rangeOf({ version: { id: "v2.1", min_version: "2.1", version: "2.93" } });
  const where = new URL("http://nova.example/v2.1/");
  for (const wanted of ["2.1", "2.9", "2.79", "2.93"]) refuseOutside(range, wanted, where);
  const say = "http://nova.example/v2.1/ takes microversions 2.1 to 2.93; needed is 2.100";
  assert.throws(() => refuseOutside(range, "2.100", where), { kind: "badRequest", message: say });
  assert.throws(() => refuseOutside({ min: "2.60", max: "2.93" }, "2.56", where), {
    kind: "badRequest",
  });
  for (const body of [undefined, {}, { version: { version: "", min_version: "" } }, "x"])
    assert.throws(() => rangeOf(body), { kind: "unknown" });
});

test("M9.4 a secret is an application credential, or a password with a project", () => {
  const validate = new Ajv({ strict: true }).compile(openstackCredentialsSchema);
  const password = { username: "u", password: "p" };
  const application = { applicationCredentialId: "i", applicationCredentialSecret: "s" };
  const good = [
    application,
    { ...password, project: "web" },
    { ...password, project: "web", userDomain: "d", projectDomain: "e" },
    { ...password, projectId: "4711", userDomain: "d" },
  ];
  for (const secret of good) assert.ok(validate(secret), JSON.stringify(secret));
  const bad = [
    {},
    password,
    { ...application, ...password },
    { ...application, region: "one" },
    { ...password, project: "web", projectId: "4711" },
    { ...password, project: "" },
    { applicationCredentialId: "i", applicationCredentialSecret: 7 },
  ];
  for (const secret of bad) assert.ok(!validate(secret), JSON.stringify(secret));
});

test("M9.4 each form of secret becomes Keystone's own request", () => {
  const application = { applicationCredentialId: "i", applicationCredentialSecret: "s" };
  assert.deepEqual(tokenRequest(application), {
    auth: {
      identity: {
        methods: ["application_credential"],
        application_credential: { id: "i", secret: "s" },
      },
    },
  });
  const user = { name: "u", domain: { name: "Default" }, password: "p" };
  const identity = { methods: ["password"], password: { user } };
  assert.deepEqual(tokenRequest({ username: "u", password: "p", project: "web" }), {
    auth: { identity, scope: { project: { name: "web", domain: { name: "Default" } } } },
  });
  assert.deepEqual(tokenRequest({ username: "u", password: "p", projectId: "4711" }), {
    auth: { identity, scope: { project: { id: "4711" } } },
  });
});

test("M4.1 options name Keystone's address with its version", () => {
  const validate = new Ajv({ strict: true }).compile(openstackOptionsSchema);
  const region = "one";
  assert.ok(validate({ authUrl: "https://cloud.example:5000/v3", region }));
  assert.ok(
    validate({ authUrl: "http://cloud.example/identity/v3/", region, interface: "internal" }),
  );
  for (const authUrl of ["https://cloud.example:5000", "ftp://cloud.example/v3", "/v3"])
    assert.ok(!validate({ authUrl, region }), authUrl);
  assert.ok(!validate({ authUrl: "https://cloud.example/v3" }));
  assert.ok(!validate({ authUrl: "https://cloud.example/v3", region, interface: "inner" }));
});
