import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accountName, coloName } from "../../clients/node/index.js";
import { OperationClass } from "../../src/gen/muster/v1/colo_service_pb.js";
import { startHaproxy } from "../drivers/haproxy-process.js";
import { freePort } from "../free-port.js";
import { account, type Daemon, defer, eventually, startDaemon } from "./daemon.js";
import { readFromStart } from "./followed.js";
import { converged, ledgerOf, web } from "./groups.js";
import { startTraffic, type Traffic } from "./traffic.js";

/** A web server that takes a moment for every answer, so that requests are always under way. */
const script = `
  const { createServer } = require("node:http");
  const answer = (_request, response) =>
    setTimeout(() => response.end(process.env.MUSTER_SERVER), 20 + 60 * Math.random());
  createServer(answer).listen(Number(process.env.MUSTER_PORT), "127.0.0.1");
`;
const perColo = 4;
const healthCheck = { kind: "tcp", intervalMs: 100, timeoutMs: 2_000, rise: 1, fall: 3 } as const;
const check = { intervalMs: 100, rise: 1, fall: 3 };

/**
 * A daemon with one colo behind its own proxy and one behind a real HAProxy, and a group in both.
 */
async function startWorld(t: TestContext) {
  const haproxy = await startHaproxy();
  defer(t, () => haproxy.stop()); // After the daemon, which takes its members out of it first.
  const proxyPort = await freePort();
  const listen = `127.0.0.1:${proxyPort}`;
  const cloud = (from: number) => {
    return { use: "builtin:process", options: { portRange: { from, to: from + 999 } } };
  };
  const daemon = await startDaemon(t, {
    near: {
      cloud: cloud(20_000),
      loadBalancers: {
        use: "builtin:proxy",
        options: { loadBalancers: { web: { listen, healthCheck } } },
      },
      pollMs: 100,
    },
    far: {
      cloud: cloud(22_000),
      loadBalancers: { use: "builtin:haproxy", options: { socket: haproxy.socket, check } },
      pollMs: 100,
    },
  });
  const loadBalancers = [{ loadBalancer: "web", drainTimeout: { seconds: 30n } }];
  await daemon.client.groups.createGroup({
    parent: accountName(account),
    groupId: "web",
    group: {
      displayName: "Web",
      placements: ["near", "far"].map((colo) => ({ colo, min: 1, max: perColo, loadBalancers })),
      launchConfiguration: { parameters: { command: ["node", "-e", script] } },
    },
  });
  await converged(daemon, 2);
  return { daemon, near: { port: proxyPort }, far: { socketPath: haproxy.frontSocket } };
}

test("M8.1 B5.3 behind the proxy and HAProxy, no request fails while servers come and go", async (t) => {
  const { daemon, near, far } = await startWorld(t);
  const lanes = [
    { colo: "near", traffic: startTraffic(near) },
    { colo: "far", traffic: startTraffic(far) },
  ];
  defer(t, () => Promise.all(lanes.map(({ traffic }) => traffic.stop())));

  for (const target of [2 * perColo, 2, 2 * perColo, 2]) {
    await daemon.client.scaling.setTarget({ name: web, target });
    await converged(daemon, target);
    for (const { colo, traffic } of lanes) await answeredByAll(daemon, colo, traffic);
  }
  let answered = 0;
  for (const { colo, traffic } of lanes) {
    await traffic.stop();
    assert.deepEqual(traffic.failures, [], colo);
    answered += traffic.total;
  }
  const types = (await readFromStart(daemon)).map(({ type }) => type);
  const times = (type: string) => types.filter((one) => one === type).length;
  const left = 2 * (2 * perColo - 2);
  assert.equal(times("server.draining"), left);
  assert.equal(times("member.removed"), left);
  t.diagnostic(`${answered} requests were answered, none failed`);
});

test("M8.1 M2.5 a dead daemon leaves HAProxy's traffic alone, and finds its proxy's members again", async (t) => {
  const { daemon, near, far } = await startWorld(t);
  const traffic = startTraffic(far);
  defer(t, () => traffic.stop());
  await answeredByAll(daemon, "far", traffic);
  await daemon.client.scaling.setTarget({ name: web, target: 2 * perColo });
  await daemon.kill();
  const before = traffic.total;
  await eventually(
    "requests are answered without the daemon",
    async () => traffic.total,
    (total) => total >= before + 50,
  );
  await daemon.start();
  await converged(daemon, 2 * perColo);
  await answeredByAll(daemon, "far", traffic);
  await traffic.stop();
  assert.deepEqual(traffic.failures, []);

  const again = startTraffic(near);
  defer(t, () => again.stop());
  await answeredByAll(daemon, "near", again);
  await again.stop();
  assert.deepEqual(again.failures, []);
});

test("B9.1 under the load-balancer brake servers wait unattached, and the daemon rests", async (t) => {
  const { daemon, near } = await startWorld(t);
  const name = coloName("near");
  const operations = [OperationClass.LOAD_BALANCER];
  await daemon.client.colos.setBrake({ name, operations, reason: "network work" });
  await daemon.client.scaling.setTarget({ name: web, target: 2 * perColo });
  const launching = async () => {
    const ledger = await ledgerOf(daemon);
    return ledger.filter((one) => one.colo === "near" && one.cloudStatus === "ACTIVE").length;
  };
  await eventually("all servers are active", launching, (count) => count === perColo);

  const beforeMs = await processorMs(daemon.pid);
  await sleep(brakeWatchMs);
  const usedMs = (await processorMs(daemon.pid)) - beforeMs;
  t.diagnostic(`${usedMs} ms of processor time in ${brakeWatchMs} ms under the brake`);
  assert.ok(usedMs < brakeWatchMs / 2, `the daemon is busy under a brake: ${usedMs} ms`);
  const attached = (await ledgerOf(daemon)).filter(
    (one) => one.colo === "near" && one.memberships.some(({ state }) => state === "member"),
  );
  assert.equal(attached.length, 1, "only who was a member before");

  await daemon.client.colos.clearBrake({ name, operations });
  await converged(daemon, 2 * perColo);
  const traffic = startTraffic(near);
  defer(t, () => traffic.stop());
  await answeredByAll(daemon, "near", traffic);
});

const brakeWatchMs = 4_000;
/** /proc counts in hundredths of a second. */
const tickMs = 10;

/** Time that the process has had on a processor so far. */
async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/**
 * From now on exactly the colo's servers in service answer: the new ones too, and nobody who left.
 */
async function answeredByAll(daemon: Daemon, colo: string, traffic: Traffic): Promise<void> {
  const ledger = (await ledgerOf(daemon)).filter((one) => one.colo === colo);
  const expected = ledger.map((one) => one.cloudId).toSorted();
  traffic.forget();
  await eventually(
    `${colo} is answered by ${expected.join()}`,
    async () => [...traffic.servers].toSorted(),
    (seen) => seen.join() === expected.join(),
  );
}
