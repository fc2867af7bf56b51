import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../e2e/daemon.js";
import { ams, ask, clock, createBench, faultOf, submit } from "./bench.js";
import { openLink } from "./link.js";

/** Works until it is told to end, and tells when that was. */
function patientDoor() {
  let ended = () => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  let began = () => {};
  const begun = new Promise<void>((resolve) => {
    began = resolve;
  });
  const answer = async (_command: unknown, signal: AbortSignal) => {
    began();
    await once(signal, "abort");
    ended();
    throw new Error("ended");
  };
  return { answer, begun, end };
}

test("M7.2 a caller who gives up ends the work in the other colo", async (t) => {
  const bench = await createBench(t);
  const door = patientDoor();
  const node = await bench.open(door.answer);
  const leaving = new AbortController();
  const asked = faultOf(ask(bench.client([node.address]), submit, leaving), "PEER_UNKNOWN");
  await door.begun;
  leaving.abort();
  const leftAtMs = clock.monotonicMs();
  await Promise.all([asked, door.end]);
  assert.ok(clock.monotonicMs() - leftAtMs < 10_000, "it ended with its caller, not by itself");
  const late = ask(bench.client([node.address]), submit, leaving);
  await faultOf(late, "COLO_UNREACHABLE");
  assert.equal(node.taken.length, 1);
});

test("M7.2 the deadline travels: it holds where the caller's going cannot be heard", async (t) => {
  const bench = await createBench(t);
  const door = patientDoor();
  const node = await bench.open(door.answer);
  const link = await openLink(node.address);
  t.after(() => link.close());
  const client = bench.client([link.address]);
  const { signal } = new AbortController();
  const startedMs = clock.monotonicMs();
  const asked = client.ask(ams, submit, { signal, endsAtMs: startedMs + 700 });
  const unknown = faultOf(asked, "PEER_UNKNOWN");
  await door.begun;
  link.freeze();
  await door.end;
  const tookMs = clock.monotonicMs() - startedMs;
  // By then nobody has noticed the silence, and without a deadline it would go on.
  assert.ok(tookMs >= 650 && tookMs < 5_000, `it ended after ${tookMs} ms`);
  link.cut();
  await unknown;
});

test("B4.11 a command that is too large is not sent, an answer that is too large is lost", async (t) => {
  const bench = await createBench(t);
  const node = await bench.open(async () => "x".repeat(17 * 1024 * 1024));
  const client = bench.client([node.address]);
  const request = "x".repeat(5 * 1024 * 1024);
  const fault = await faultOf(ask(client, { ...submit, request }), "LIMIT_EXCEEDED");
  assert.match(fault.message, /bytes, more than 4194304/);
  assert.equal(node.taken.length, 0);
  await faultOf(ask(client), "PEER_UNKNOWN");
  assert.equal(node.taken.length, 1);
});

test("M7.1 M7.2 where packets vanish, a colo is unreachable after seconds, not minutes", async (t) => {
  const bench = await createBench(t);
  const listen = `require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 },
    function () { console.log(this.address().port); })`;
  const child = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [port] = await once(child.stdout, "data");
  child.kill("SIGSTOP");
  // Nobody takes them: once the queue is full, the system answers no more attempts.
  const taken = Array.from({ length: 8 }, () => connect(Number(port), "127.0.0.1"));
  for (const socket of taken) socket.on("error", () => undefined);
  t.after(() => taken.forEach((socket) => void socket.destroy()));
  await Promise.all(taken.slice(0, 2).map((socket) => once(socket, "connect")));
  const startedMs = clock.monotonicMs();
  const client = bench.client([`127.0.0.1:${Number(port)}`]);
  await faultOf(ask(client, submit), "COLO_UNREACHABLE");
  const tookMs = clock.monotonicMs() - startedMs;
  assert.ok(taken.at(-1)?.connecting, "the last attempt before was answered");
  assert.ok(tookMs < 10_000, `it took ${tookMs} ms`);
});

test("M7.1 where packets vanish one ask has to wait, until they get through again", async (t) => {
  const bench = await createBench(t);
  const node = await bench.open(async () => "done");
  const link = await openLink(node.address);
  t.after(() => link.close());
  const client = bench.client([link.address]);
  link.freeze();
  const unreachableAfterMs = async () => {
    const startedMs = clock.monotonicMs();
    await faultOf(ask(client), "COLO_UNREACHABLE");
    return clock.monotonicMs() - startedMs;
  };
  assert.ok((await unreachableAfterMs()) >= 1_900, "it has to find out");
  for (let asks = 0; asks < 20; asks++) {
    const tookMs = await unreachableAfterMs();
    assert.ok(tookMs < 1_000, `it waited for ${tookMs} ms`);
    await sleep(100);
  }
  assert.equal(node.taken.length, 0);
  assert.ok(link.thaw() > 0, "nothing was held back");
  const answered = () => ask(client).then(String, String);
  assert.equal(await eventually("it is asked", answered, (said) => said === "done", 5_000), "done");
});
