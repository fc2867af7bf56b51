import assert from "node:assert/strict";
import { test } from "node:test";
import { checkBySchema } from "../../src/drivers/check-schema.js";
import { openstackCredentialsSchema } from "../../src/drivers/openstack/secret.js";

const check = checkBySchema(openstackCredentialsSchema, { kind: "credentials", root: "secret" });
const said = (secret: unknown) =>
  check(secret).map(({ field, description }) => `${field}: ${description}`);

test("M9.4 of several forms of a secret, what is wrong with the closest is told", () => {
  const byName = { username: "muster", password: "hush", project: "acme" };
  for (const right of [
    byName,
    { ...byName, userDomain: "Default", projectDomain: "Default" },
    { username: "muster", password: "hush", projectId: "p1" },
    { applicationCredentialId: "a", applicationCredentialSecret: "hush" },
  ])
    assert.deepEqual(said(right), []);
  assert.deepEqual(said({ username: "muster", pasword: "hush", project: "acme" }), [
    "secret.password: is required",
    "secret.pasword: unknown field",
  ]);
  assert.deepEqual(said({ applicationCredentialId: "a", secret: "hush" }), [
    "secret.applicationCredentialSecret: is required",
    "secret.secret: unknown field",
  ]);
  assert.deepEqual(said({}), [
    "secret.applicationCredentialId: is required",
    "secret.applicationCredentialSecret: is required",
  ]);
  assert.deepEqual(said({ ...byName, password: 1 }), ["secret.password: must be string"]);
});
