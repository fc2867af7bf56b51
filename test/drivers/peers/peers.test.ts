import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault, isFault } from "../../../src/core/errors/fault.js";
import type { Clock } from "../../../src/core/ports/clock.js";
import type { PeerCommand } from "../../../src/core/ports/peers.js";
import { freePort } from "../../free-port.js";
import { createMemoryMeter } from "../../supervisor/memory-meter.js";
import { ask, clock, createBench, createLines, faultOf, submit } from "./bench.js";
import { openLink } from "./link.js";

const echo = async (command: PeerCommand) => ({ echoed: command.request });

/** Nobody listens there. */
const deadAddress = async () => `127.0.0.1:${await freePort()}`;

test("M7.2 a node of the other colo carries a command out, in the caller's name", async (t) => {
  const bench = await createBench(t);
  const there = createLines();
  const here = createLines();
  const node = await bench.open(echo, { log: there.log });
  const client = bench.client([node.address], { log: here.log });
  assert.deepEqual(client.colos, ["ams"]);
  assert.deepEqual(await ask(client), { echoed: submit.request });
  assert.deepEqual(node.taken, [submit]);
  for (const { lines } of [here, there])
    assert.ok(lines.some(({ fields }) => fields["requestId"] === "request-1"));
  const { requestId: _none, ...nameless } = submit;
  await ask(client, nameless);
  assert.deepEqual(node.taken[1], nameless);
});

test("M7.2 what a command ends with travels whole, but for its cause", async (t) => {
  const bench = await createBench(t);
  const node = await bench.open(async () => {
    throw new Fault("OVERLOADED", {
      say: "too much at once",
      facts: { waiting: "7" },
      violations: [{ field: "target", description: "is too much" }],
      retryAfterMs: 1_234,
      cause: new Error("secret"),
    });
  });
  const fault = await faultOf(ask(bench.client([node.address])), "OVERLOADED");
  assert.equal(fault.message, "too much at once");
  assert.deepEqual(fault.facts, { waiting: "7" });
  assert.deepEqual(fault.violations, [{ field: "target", description: "is too much" }]);
  assert.equal(fault.retryAfterMs, 1_234);
  assert.equal(fault.cause, undefined);
});

test("M7.2 another node is asked when one is not there, and nobody is unreachable", async (t) => {
  const bench = await createBench(t);
  const meter = createMemoryMeter();
  const node = await bench.open(echo);
  const client = bench.client([await deadAddress(), node.address], { meter });
  for (let n = 0; n < 3; n++) await ask(client);
  assert.equal(node.taken.length, 3);
  const lonely = bench.client([await deadAddress(), await deadAddress()], { meter });
  const fault = await faultOf(ask(lonely), "COLO_UNREACHABLE");
  assert.deepEqual(fault.facts, { colo: "ams" });
  assert.equal(meter.value("muster_peer_asks_total", { colo: "ams", outcome: "done" }), 3);
  assert.equal(meter.value("muster_peer_asks_total", { outcome: "unreachable" }), 1);
});

test("M7.2 a node that takes connections and says nothing is unreachable, soon", async (t) => {
  const bench = await createBench(t);
  let connections = 0;
  const mute = createServer((socket) => {
    connections += 1;
    socket.on("error", () => undefined);
    t.after(() => socket.destroy());
  }).listen(0, "127.0.0.1");
  t.after(() => mute.close());
  await once(mute, "listening");
  const client = bench.client([`127.0.0.1:${(mute.address() as AddressInfo).port}`]);
  const startedMs = clock.monotonicMs();
  await faultOf(ask(client), "COLO_UNREACHABLE");
  assert.ok(clock.monotonicMs() - startedMs < 10_000);
  assert.equal(connections, 1);
});

/** A node behind a link, and another one that must never be asked after it. */
async function fragile(t: TestContext, answer: (cut: () => void) => Promise<unknown>) {
  const bench = await createBench(t);
  let cut = () => {};
  const first = await bench.open(async () => answer(cut));
  const second = await bench.open(echo);
  const link = await openLink(first.address);
  t.after(() => link.close());
  ({ cut } = link);
  return { bench, first, second, link, client: bench.client([link.address, second.address]) };
}

test("M7.2 a command whose node dies amid it is unknown, and never asked of another", async (t) => {
  const { client, first, second, link } = await fragile(t, async (cut) => {
    cut();
    return "done all the same";
  });
  await faultOf(ask(client), "PEER_UNKNOWN");
  assert.equal(link.cuts, 1);
  assert.equal(first.taken.length, 1);
  assert.equal(second.taken.length, 0);
});

test("M7.2 an answer that is lost, whole or in part, leaves the command unknown", async (t) => {
  const text = "x".repeat(100_000);
  const { client, first, second, link } = await fragile(t, async () => text);
  assert.equal(await ask(client), text);
  const lengths = [0, 20, 5_000, 60_000];
  for (const [index, bytes] of lengths.entries()) {
    link.cutAfter(bytes);
    await faultOf(ask(client), "PEER_UNKNOWN");
    assert.equal(link.cuts, index + 1);
    assert.equal(await ask(client), text, "the next ask makes a new connection");
  }
  assert.equal(first.taken.length, 1 + 2 * lengths.length);
  assert.equal(second.taken.length, 0);
});

test("M7.2 a connection that was lost while nobody asked is made anew", async (t) => {
  const { client, first, link } = await fragile(t, async () => "done");
  await ask(client);
  link.cut();
  await sleep(50);
  assert.equal(await ask(client), "done");
  assert.equal(first.taken.length, 2);
});

/** Five times as fast, for what takes seconds. */
const fast: Clock = {
  ...clock,
  monotonicMs: () => clock.monotonicMs() * 5,
  after: (delayMs, task) => clock.after(delayMs / 5, task),
};

test("M7.2 a node that vanishes without a word is noticed, and what it has is unknown", async (t) => {
  const bench = await createBench(t);
  const node = await bench.open(() => new Promise(() => {}));
  const link = await openLink(node.address);
  t.after(() => link.close());
  const asked = faultOf(ask(bench.client([link.address], { clock: fast })), "PEER_UNKNOWN");
  while (node.taken.length === 0) await sleep(10);
  link.freeze();
  await asked;
});

test("M7.2 B11.2 a command that the network has kept is not carried out once its sender gave it up", async (t) => {
  const bench = await createBench(t);
  const node = await bench.open(echo, { clock: fast });
  const link = await openLink(node.address);
  t.after(() => link.close());
  const client = bench.client([link.address], { clock: fast });
  await ask(client);
  await sleep(2_000); // Longer than a silence may be: pings keep it alive.
  await ask(client);
  link.freeze();
  await faultOf(ask(client, { ...submit, requestId: "late" }), "PEER_UNKNOWN");
  assert.ok(link.thaw() > 0, "nothing was kept");
  await sleep(500);
  assert.deepEqual(node.taken, [submit, submit]);
  assert.equal(await ask(client).then(() => node.taken.length), 3, "a new connection is made");
});

test("M7.2 a node that slept does not begin with what came meanwhile", async (t) => {
  const bench = await createBench(t);
  let sleptMs = 0;
  const monotonicMs = () => clock.monotonicMs() + sleptMs;
  const node = await bench.open(echo, { clock: { ...clock, monotonicMs } });
  const client = bench.client([node.address]);
  await ask(client);
  sleptMs = 60_000;
  await assert.rejects(ask(client), (error) => isFault(error, "COLO_UNREACHABLE"));
  assert.equal(node.taken.length, 1);
  await sleep(1_000); // Its timers run again.
  await ask(client);
  assert.equal(node.taken.length, 2);
});

test("M7.2 a node that refuses before it begins is passed over for the next", async (t) => {
  const bench = await createBench(t);
  const { certFile, keyFile, caFile } = bench.identity;
  const read = async (path: string) => (await import("node:fs/promises")).readFile(path);
  const stubborn = http2.createSecureServer({
    ...{ cert: await read(certFile), key: await read(keyFile), ca: await read(caFile) },
    requestCert: true,
  });
  let refused = 0;
  stubborn.on("stream", (stream) => {
    refused += 1;
    stream.on("error", () => undefined);
    if (refused === 1) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    else {
      stream.respond({ ":status": 503 });
      stream.end();
    }
  });
  stubborn.on("session", (session) => t.after(() => session.destroy()));
  stubborn.listen(0, "127.0.0.1");
  t.after(() => stubborn.close());
  await once(stubborn, "listening");
  const address = `127.0.0.1:${(stubborn.address() as AddressInfo).port}`;
  const node = await bench.open(echo);
  for (const round of [1, 2]) {
    await ask(bench.client([address, node.address]));
    assert.equal(refused, round);
    assert.equal(node.taken.length, round);
  }
  await faultOf(ask(bench.client([address])), "COLO_UNREACHABLE");
});

test("M7.2 a node that stops amid commands loses and doubles nothing", async (t) => {
  const bench = await createBench(t);
  const done: unknown[] = [];
  const carryOut = async ({ request }: PeerCommand) => {
    await sleep(5);
    done.push(request);
    return request;
  };
  const nodes = [await bench.open(carryOut), await bench.open(carryOut)];
  const client = bench.client(nodes.map(({ address }) => address));
  const all = Array.from({ length: 400 }, (_, n) => n);
  const waiting = [...all];
  const answers: unknown[] = [];
  const askOn = async () => {
    for (let n = waiting.shift(); n !== undefined; n = waiting.shift())
      answers.push(await ask(client, { ...submit, request: n }));
  };
  const asking = Promise.all(Array.from({ length: 10 }, askOn));
  while (done.length < 100) await sleep(1);
  await nodes[0]!.close(5_000);
  await asking;
  const byNumber = (one: unknown, other: unknown) => Number(one) - Number(other);
  assert.deepEqual(answers.toSorted(byNumber), all);
  assert.deepEqual(done.toSorted(byNumber), all);
  assert.ok(
    nodes.every(({ taken }) => taken.length >= 100),
    "both have had some",
  );
});

test("M7.2 what breaks a node is told to its log alone, and is unknown to who asked", async (t) => {
  const bench = await createBench(t);
  const { lines, log } = createLines();
  const node = await bench.open(() => Promise.reject(new TypeError("a secret of the code")), {
    log,
  });
  const fault = await faultOf(ask(bench.client([node.address])), "PEER_UNKNOWN");
  assert.doesNotMatch(`${fault.message} ${fault.cause}`, /secret/);
  const [told] = lines.filter(({ level }) => level === "error");
  assert.match(String(told?.fields["error"]), /a secret of the code/);
  assert.equal(told?.fields["requestId"], "request-1");
});
