import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, clock, createBench, createLines, faultOf } from "./bench.js";
import { createAuthority } from "./certificates.js";

const done = async () => "done";

test("B10.2 no certificate but a peer's gets in, whoever signed it", async (t) => {
  const bench = await createBench(t);
  const { lines, log } = createLines();
  const turnedAway = () => lines.filter(({ level }) => level === "warn").length;
  const node = await bench.open(done, { log });
  const { authority, folder } = bench;
  const strangers = [
    await authority.issue("tenant", "DNS:client.example"),
    await authority.issue("muster-peer.prod", ""),
    await authority.issue("wild", "DNS:*.prod"),
    await authority.issue("other", "DNS:muster-peer.test"),
    await authority.issue("near", "DNS:muster-peer.prod.example,DNS:x.muster-peer.prod"),
  ];
  for (const identity of strangers) {
    const seen = turnedAway();
    await faultOf(ask(bench.client([node.address], { identity })), "COLO_UNREACHABLE");
    assert.equal(turnedAway(), seen + 1, identity.certFile);
  }
  const foreign = await createAuthority(folder, "foreign");
  const forged = await foreign.issue("node", "DNS:muster-peer.prod");
  const identity = { ...forged, caFile: authority.certFile };
  await faultOf(ask(bench.client([node.address], { identity })), "COLO_UNREACHABLE");
  assert.equal(node.taken.length, 0);
  assert.equal(turnedAway(), strangers.length + 1);
  assert.equal(await ask(bench.client([node.address])), "done");
});

test("B10.2 a command is told to no node that is not a peer", async (t) => {
  const bench = await createBench(t);
  const foreign = await createAuthority(bench.folder, "foreign");
  const forged = await foreign.issue("node", "DNS:muster-peer.prod");
  const impostors = [
    await bench.authority.issue("tenant", "DNS:client.example"),
    await bench.authority.issue("muster-peer.prod", ""),
    { ...forged, caFile: bench.authority.certFile },
  ];
  for (const identity of impostors) {
    const node = await bench.open(done, { identity });
    await faultOf(ask(bench.client([node.address])), "COLO_UNREACHABLE");
    assert.equal(node.taken.length, 0);
  }
});

test("B10.2 a new certificate is in use without a restart, on both sides", async (t) => {
  const bench = await createBench(t);
  const stale = await bench.authority.issue("stale", "DNS:muster-peer.test");
  const fresh = await bench.authority.issue("fresh", "DNS:muster-peer.prod");
  const after = (delayMs: number, task: () => void) => clock.after(delayMs / 1_000, task);
  const { lines, log } = createLines();
  const node = await bench.open(done, { identity: stale, log, clock: { ...clock, after } });
  await faultOf(ask(bench.client([node.address])), "COLO_UNREACHABLE");
  await copyFile(fresh.keyFile, stale.keyFile);
  await copyFile(fresh.certFile, stale.certFile);
  const isTaken = () => lines.some(({ message }) => message.startsWith("new certificates"));
  while (!isTaken()) await sleep(20);
  assert.equal(await ask(bench.client([node.address], { identity: stale })), "done");
});
