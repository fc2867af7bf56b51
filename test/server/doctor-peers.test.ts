import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { test } from "node:test";
import { examinePeers } from "../../src/doctor/peers.js";
import type { IdentityFiles } from "../../src/drivers/peers-http2/identity.js";
import { type Bench, clock, createBench } from "../drivers/peers/bench.js";

const dead = "127.0.0.1:1";

async function examine(bench: Bench, addresses: readonly string[], files?: IdentityFiles) {
  const identity = files ?? bench.identity;
  await chmod(identity.keyFile, 0o600);
  const peers = { ...identity, listen: "127.0.0.1:0", colos: { ams: addresses } };
  const told = await examinePeers(peers, { installation: "prod", clock, isRunning: false });
  return (subject: string) => {
    const found = told.filter((one) => one.subject.includes(subject));
    return found.map(({ state, say }) => `${state}: ${say}`).join("\n");
  };
}

test("M7.2 the doctor asks each peer whether it answers, and until when it can", async (t) => {
  const bench = await createBench(t);
  const soon = await bench.authority.issue("soon", "DNS:muster-peer.prod", 9);
  const node = await bench.open(async () => "done", { identity: soon });
  const about = await examine(bench, [node.address, dead]);
  assert.match(about(`${node.address} of colo ams`), /^ok: answers, and lets this node in/);
  assert.match(about(`certificate at ${node.address}`), /^warning: expires in \d days/);
  assert.match(about(`${dead} of colo ams`), /^warning: cannot be asked: .*; others there do$/);
  assert.match(about(bench.identity.certFile), /ok: carries muster-peer\.prod/);
  assert.equal(node.taken.length, 0);
});

test("M7.2 a colo of which no peer answers is a problem, and so is a nameless certificate", async (t) => {
  const bench = await createBench(t);
  const alone = await examine(bench, [dead]);
  assert.match(alone(`${dead} of colo ams`), /^problem: cannot be asked: .*ECONNREFUSED/);
  const stranger = await bench.authority.issue("stranger", "DNS:client.example");
  const node = await bench.open(async () => "done", { identity: stranger });
  const turned = await examine(bench, [node.address]);
  assert.match(turned(`${node.address} of`), /^problem: .*certificate of no peer/);
  const nameless = await examine(bench, [node.address], stranger);
  assert.match(nameless(stranger.certFile), /problem: does not carry muster-peer\.prod/);
});
