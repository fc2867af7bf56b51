import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { createAddressRule } from "../../src/drivers/sender-http/addresses.js";
import { createHttpSender } from "../../src/drivers/sender-http/index.js";

const secret = Buffer.alloc(32, "s");
const call = { signal: AbortSignal.timeout(60_000) };
const notification = { secret, id: "01event", atMs: 1_700_000_000_999, body: '{"type":"x.y"}' };

async function createReceiver(t: TestContext) {
  const came: { readonly request: IncomingMessage; readonly body: string }[] = [];
  const answer = { status: 204, headers: {} as Record<string, string> };
  const server = createServer(async (request, response) => {
    came.push({ request, body: await text(request) });
    response.writeHead(answer.status, answer.headers).end("x".repeat(1_000));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { came, answer, port, url: `http://127.0.0.1:${port}/in?a=b` };
}

test("B7.5 what is sent is signed as Standard Webhooks has it, with the event's id", async (t) => {
  const { came, url, answer } = await createReceiver(t);
  const sender = createHttpSender({ allow: ["127.0.0.1"] });
  assert.equal(await sender.send({ ...notification, url }, call), 204);
  const [{ request, body }] = came as [(typeof came)[number]];
  assert.deepEqual([request.method, request.url, body], ["POST", "/in?a=b", notification.body]);
  const signed = createHmac("sha256", secret).update(`01event.1700000000.${body}`);
  assert.equal(request.headers["webhook-id"], "01event");
  assert.equal(request.headers["webhook-timestamp"], "1700000000");
  assert.equal(request.headers["webhook-signature"], `v1,${signed.digest("base64")}`);
  answer.status = 302;
  answer.headers = { location: "http://127.0.0.1:1/" };
  assert.equal(await sender.send({ ...notification, url }, call), 302, "it follows nowhere");
  assert.equal(came.length, 2);
});

test("B7.5 addresses that are not public are refused, unless the operator allows them", () => {
  const rule = createAddressRule(["10.1.0.0/16", "fd00::7"]);
  const refused = [
    ...["127.0.0.1", "10.0.0.1", "10.2.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    ...["169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"],
    ...["::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fc00::1"],
    ...["64:ff9b::a00:1", "2002:a00:1::", "2001:0:1::", "fd00::8", "ff02::1", "nobody", ""],
  ];
  for (const address of refused) assert.ok(!rule.isAllowed(address), address);
  const open = ["8.8.8.8", "172.32.0.1", "10.1.2.3", "2606:4700::1111", "fd00::7", "192.0.3.1"];
  for (const address of open) assert.ok(rule.isAllowed(address), address);
  for (const bad of ["10.0.0.0/33", "x", "10.0.0.0/", "10.0.0.0/8/8", "fd00::/129", "1.2.3.4/a"])
    assert.throws(() => createAddressRule([bad]), new RegExp(`allow: ${bad} is no network`));
});

test("B7.5 a URL that leads inside is refused by its text, and by what its name means then", async (t) => {
  const { came, port, url } = await createReceiver(t);
  let means = "127.0.0.1";
  const sender = createHttpSender({
    allow: [],
    lookup: (_, _options, found) => found(null, [{ address: means, family: 4 }]),
  });
  const texts: readonly (readonly [string, RegExp])[] = [
    [url, /127\.0\.0\.1 is no public address/],
    [`http://2130706433:${port}/`, /127\.0\.0\.1 is no public address/],
    [`http://0x7f.1:${port}/`, /127\.0\.0\.1 is no public address/],
    [`http://[::ffff:127.0.0.1]:${port}/`, /::ffff:7f00:1 is no public address/],
    ["file:///etc/passwd", /must be http or https/],
    ["http://me:secret@hook.example/", /no user and no password/],
    ["hook.example", /must be a URL/],
    [`http://hook.example/${"x".repeat(2_100)}`, /at most 2,048/],
  ];
  for (const [text, says] of texts) {
    assert.match(sender.refusalOf(text) ?? "", says);
    await assert.rejects(sender.send({ ...notification, url: text }, call), says);
  }
  const named = `http://hook.example:${port}/`;
  assert.equal(sender.refusalOf(named), undefined);
  await assert.rejects(
    sender.send({ ...notification, url: named }, call),
    /127\.0\.0\.1 is no public address/,
  );
  assert.equal(came.length, 0, "nothing arrived");
  means = "127.0.0.1";
  const allowing = createHttpSender({
    allow: ["127.0.0.0/8"],
    lookup: (_, _options, found) => found(null, [{ address: means, family: 4 }]),
  });
  assert.equal(await allowing.send({ ...notification, url: named }, call), 204);
  assert.equal(came[0]?.request.headers.host, `hook.example:${port}`);
});
