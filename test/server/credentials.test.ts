import assert from "node:assert/strict";
import { test } from "node:test";
import { AccessService } from "../../src/gen/muster/v1/access_service_pb.js";
import { type Door, failureOf } from "./doors.js";
import { admin, createInProcessDoor, createWorld } from "./world.js";

const parent = "accounts/acme";
const name = `${parent}/credentials/iad`;
const { setCredentials, getCredentials, listCredentials, deleteCredentials } = AccessService.method;

test("M9.4 credentials are written, told of and deleted through every door", async (t) => {
  for (const at of [0, 1, 2, 3]) {
    const world = await createWorld(t);
    const door = [...world.doors, createInProcessDoor(world.supervisor)][at]!;
    await t.test(door.name, () => roundTrip(door));
    assert.doesNotMatch(JSON.stringify(world.logged), /hush/);
  }
});

async function roundTrip(door: Door): Promise<void> {
  const secret = { username: "muster", password: "hush-hush", nested: { list: [1, true, null] } };
  const set = await door.unary(setCredentials, { name, secret }, admin);
  assert.deepEqual([set.credentials!.name, set.credentials!.principal], [name, "ann"]);
  assert.ok(set.credentials!.setTime && set.credentials!.revision && set.credentials!.key);
  const got = await door.unary(getCredentials, { name }, admin);
  assert.deepEqual(got.credentials, set.credentials);
  const listed = await door.unary(listCredentials, { parent }, admin);
  assert.deepEqual(listed.credentials, [set.credentials]);
  const fields = ["key", "name", "principal", "revision", "setTime"];
  const told = Object.keys(got.credentials!).filter((field) => !field.startsWith("$"));
  assert.deepEqual(told.toSorted(), fields, "nothing else is ever told");
  await door.unary(deleteCredentials, { name }, admin);
  const missing = await failureOf(door.unary(getCredentials, { name }, admin));
  assert.deepEqual([missing.code, missing.reason], [5, "CREDENTIALS_NOT_FOUND"]);
  const again = await failureOf(door.unary(deleteCredentials, { name }, admin));
  assert.equal(again.message, `${name} does not exist`);
}

test("M9.4 a secret that is no object is refused, and no log tells it", async (t) => {
  const { baseUrl, logged } = await createWorld(t);
  for (const secret of ['"hush-hush"', '["hush"]', '{"password":"hush"', "1"]) {
    const response = await fetch(`${baseUrl}/muster.v1.AccessService/SetCredentials`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${admin.token}` },
      body: `{"name":"${name}","secret":${secret}}`,
    });
    assert.equal(response.status, 400, await response.text());
  }
  assert.doesNotMatch(JSON.stringify(logged), /hush/);
});
