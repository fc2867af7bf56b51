import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { Fault } from "../../src/core/errors/fault.js";
import elasticsearch, {
  createElasticsearchJournal,
} from "../../src/drivers/journal-elasticsearch/index.js";
import { queryOf } from "../contract/journal-harness.js";
import { patientCall } from "../contract/store-samples.js";
import { authority, certificate, certificateKey } from "../server/certificates.js";
import { assertOptionsRefused, assertOptionsTaken, createHost, makeFolder } from "./lb-helpers.js";
import { createRunningClock } from "./running-clock.js";

const secret = "a-secret-that-nobody-may-read";
const call = patientCall();

/**
 * A door with TLS that knows who enters: the published server has none. It notes what it is told,
 * and lets nobody in whose words are not `letsIn`.
 */
async function openDoor(t: TestContext, letsIn: string) {
  const told: string[] = [];
  const server = createServer({ cert: certificate, key: certificateKey }, (request, response) => {
    const { authorization = "" } = request.headers;
    told.push(authorization);
    const isIn = authorization === letsIn;
    const headers = { "content-type": "application/json", "x-elastic-product": "Elasticsearch" };
    response.writeHead(isIn ? 404 : 401, headers);
    response.end(
      JSON.stringify(isIn ? { found: false } : { error: { type: "security_exception" } }),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { told, node: `https://localhost:${(server.address() as AddressInfo).port}` };
}

async function files(t: TestContext) {
  const folder = await makeFolder();
  t.after(folder.remove);
  const write = async (name: string, text: string) => {
    const path = `${folder.path}/${name}`;
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  return { ...folder, write };
}

test("M10.1 the journal enters by an API key or a password out of a file, over TLS", async (t) => {
  const { path, write } = await files(t);
  const [apiKeyFile, passwordFile] = [await write("key", `${secret}\n`), await write("pw", secret)];
  const caFile = await write("ca.pem", authority);
  const basic = Buffer.from(`muster:${secret}`).toString("base64");
  const ways = [
    { letsIn: `ApiKey ${secret}`, options: { apiKeyFile } },
    { letsIn: `Basic ${basic}`, options: { username: "muster", passwordFile } },
  ];
  for (const { letsIn, options } of ways) {
    const { told, node } = await openDoor(t, letsIn);
    const whole = { nodes: [node], caFile, ...options };
    assertOptionsTaken(elasticsearch, whole);
    const journal = await elasticsearch.open(whole, createHost(path));
    assert.equal(await journal.position(call), "");
    assert.deepEqual(told, [letsIn]);
    await journal.close();
  }
});

test("M9.4 no secret stands in what the journal says when it is not let in", async (t) => {
  const { path, write } = await files(t);
  const passwordFile = await write("pw", secret);
  const caFile = await write("ca.pem", authority);
  const { told, node } = await openDoor(t, "nobody");
  const options = { nodes: [node], caFile, username: "muster", passwordFile };
  const journal = await elasticsearch.open(options, createHost(path));
  const error = await journal.search(queryOf(), call).then(
    () => assert.fail("it was let in"),
    (reason: unknown) => reason,
  );
  await journal.close();
  assert.equal(told.length, 1);
  assert.ok(error instanceof Fault && error.reason === "STORE_UNAVAILABLE", String(error));
  const basic = Buffer.from(`muster:${secret}`).toString("base64");
  for (const said of [String(error), String(error.cause), JSON.stringify(error.cause)])
    assert.ok(!said.includes(secret) && !said.includes(basic), said);
  const diagnosed = await elasticsearch.diagnose?.(options, createHost(path), {
    ...call,
    ...{ accounts: [], isRunning: false },
  });
  assert.deepEqual(
    diagnosed?.map(({ state }) => state),
    ["problem"],
  );
  assert.ok(!JSON.stringify(diagnosed).includes(secret));
});

test("M10.1 options that say too little or too much are refused", async (t) => {
  const { path, write } = await files(t);
  const nodes = ["http://127.0.0.1:9200"];
  assertOptionsTaken(elasticsearch, { nodes, indexPrefix: "muster-1" });
  assertOptionsRefused(elasticsearch, {});
  assertOptionsRefused(elasticsearch, { nodes: [] });
  assertOptionsRefused(elasticsearch, { nodes: [`http://user:${secret}@127.0.0.1:9200`] });
  assertOptionsRefused(elasticsearch, { nodes, indexPrefix: "All*" });
  assertOptionsRefused(elasticsearch, { nodes, password: secret });
  const empty = await write("empty", "\n");
  const wrong = [
    { options: { username: "muster" }, say: /go together/ },
    { options: { apiKeyFile: empty }, say: /empty is empty/ },
    { options: { apiKeyFile: empty, username: "muster" }, say: /not both/ },
    { options: { caFile: `${path}/none` }, say: /ENOENT/ },
  ];
  for (const { options, say } of wrong)
    await assert.rejects(elasticsearch.open({ nodes, ...options }, createHost(path)), say);
});

test("M7.3 a cluster that is away keeps no journal from opening, and says so when asked", async () => {
  const clock = createRunningClock();
  const nodes = ["http://127.0.0.1:9"];
  const journal = createElasticsearchJournal({ nodes, indexPrefix: "muster", clock });
  await assert.rejects(journal.position(call), /the journal cannot be reached/);
  await journal.close();
});
