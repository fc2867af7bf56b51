import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
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
