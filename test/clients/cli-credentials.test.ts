import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { SetCredentialsRequest } from "../../src/gen/muster/v1/access_service_pb.js";
import { type FakeMuster, startFakeMuster } from "./fake-muster.js";
import { runMusterctl } from "./musterctl.js";
import type { Target } from "./target.js";

const secret = { username: "muster", password: "hush-hush-1" };
let fake: FakeMuster;
let target: Target;
let folder = "";

before(async () => {
  fake = await startFakeMuster({ token: "s3cret", colo: "iad" });
  target = {
    ...{ token: "s3cret", colo: "iad", account: "default", fake },
    addressFor: () => fake.address,
    client: () => assert.fail("only the command line is tried here"),
    close: () => fake.close(),
  };
  folder = await mkdtemp(join(tmpdir(), "muster-cli-"));
});
after(async () => {
  await target.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(args: readonly string[], stdin = "") {
  const ran = await runMusterctl(target, ["credentials", ...args], { stdin });
  assert.doesNotMatch(ran.stdout + ran.stderr, /hush/, "no output tells the secret");
  return ran;
}

const sent = () =>
  fake.requests
    .filter(({ method }) => method === "SetCredentials")
    .map(({ message }) => message as SetCredentialsRequest);

test("M9.4 credentials come from a file or standard input, and go out as they are", async () => {
  const file = join(folder, "acme.json");
  await writeFile(file, JSON.stringify(secret));
  const byFile = await run(["set", "acme", "--colo", "iad", "--file", file]);
  assert.equal(byFile.code, 0, byFile.stderr);
  assert.match(byFile.stdout, /^credentials +accounts\/acme\/credentials\/iad$/m);
  const byPipe = await run(["set", "acme", "--colo", "iad"], JSON.stringify(secret));
  assert.equal(byPipe.code, 0, byPipe.stderr);
  const requests = sent();
  assert.equal(requests.length, 2);
  for (const request of requests) {
    assert.equal(request.name, "accounts/acme/credentials/iad");
    assert.deepEqual(request.secret, secret);
  }
});

test("M9.4 get, list and delete tell of credentials, never what they are", async () => {
  await run(["set", "globex", "--colo", "iad"], JSON.stringify(secret));
  const got = await run(["get", "globex", "--colo", "iad", "-o", "json"]);
  assert.deepEqual(Object.keys(JSON.parse(got.stdout)).toSorted(), [
    ...["key", "name", "principal", "revision", "setTime"],
  ]);
  const listed = await run(["list", "globex"]);
  assert.match(listed.stdout, /^COLO +SET +BY +REVISION +KEY$/m);
  assert.match(listed.stdout, /^iad +\S+.* +test +r\d+ +k1$/m);
  const deleted = await run(["delete", "globex", "--colo", "iad"]);
  assert.match(deleted.stdout, /^credentials of globex for iad deleted$/m);
  const missing = await run(["get", "globex", "--colo", "iad"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /CREDENTIALS_NOT_FOUND.*credentials list ACCOUNT/);
});

test("M9.4 what is no secret at all is told without a word of it", async () => {
  const before = sent().length;
  for (const [stdin, expected] of [
    ["hush-hush-no-json", /the secret is not JSON/],
    ['{"password":"hush', /the secret is not JSON/],
    ['["hush"]', /the secret is not a JSON object/],
    ["", /the secret is not JSON/],
  ] as const) {
    const { code, stderr } = await run(["set", "acme", "--colo", "iad"], stdin);
    assert.equal(code, 2);
    assert.match(stderr, expected);
  }
  const asArgument = await run(["set", "acme", "--colo", "iad", "--password", "x"]);
  assert.equal(asArgument.code, 2, "no option takes a secret");
  assert.equal(sent().length, before);
});
