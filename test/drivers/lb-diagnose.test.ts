import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { DiagnoseCall, DriverDefinition } from "../../src/core/ports/driver.js";
import haproxy from "../../src/drivers/lb-haproxy/index.js";
import type { HaproxyOptions } from "../../src/drivers/lb-haproxy/options.js";
import proxy from "../../src/drivers/lb-proxy/index.js";
import { startHaproxy } from "./haproxy-process.js";
import { createHost, makeFolder } from "./lb-helpers.js";
import { openProxy } from "./lb-proxy-helpers.js";

async function diagnose<Options>(
  { diagnose: ask }: DriverDefinition<"loadBalancer", Options>,
  options: Options,
  call: Partial<DiagnoseCall> = {},
) {
  const folder = await makeFolder();
  const signal = AbortSignal.timeout(10_000);
  const asked = { accounts: [], isRunning: false, signal, ...call };
  const told = await ask!(options, createHost(folder.path), asked);
  await folder.remove();
  return told;
}

async function started(t: TestContext, level: "admin" | "user" = "admin") {
  const one = await startHaproxy(level);
  t.after(() => one.stop());
  return one;
}

const askHaproxy = (options: HaproxyOptions) => diagnose(haproxy, options);

test("B5.4 HAProxy tells its version, its level, and which of the backends it has", async (t) => {
  const { socket } = await started(t);
  const [version, ...backends] = await askHaproxy({
    socket,
    backends: { web: "web", api: "no-such-backend" },
  });
  assert.equal(version?.state, "ok");
  assert.match(version.say, /^version \d+\.\d+\S* answers in \d+ ms$/);
  assert.deepEqual(
    backends.map(({ subject, state }) => [subject, state]),
    [
      ["backend web", "ok"],
      ["backend no-such-backend", "problem"],
    ],
  );
});

test("B5.4 a HAProxy that may not be changed, or is not there, is told with the way out", async (t) => {
  const { socket, stop } = await started(t, "user");
  const [, level] = await askHaproxy({ socket });
  assert.equal(level?.state, "problem");
  assert.match(`${level.say} ${level.fix}`, /level user.*level admin/);
  await stop();
  const [gone] = await askHaproxy({ socket });
  assert.equal(gone?.state, "problem");
  assert.match(gone.fix ?? "", /start HAProxy/);
});

test("B5.1 a proxy's addresses are free, or in use by the Muster that runs, and no other", async (t) => {
  const { address } = await openProxy(t);
  const listen = `127.0.0.1:${address.port}`;
  const options = { loadBalancers: { web: { listen }, free: { listen: "127.0.0.1:0" } } };
  const states = async (isRunning: boolean) =>
    (await diagnose(proxy, options, { isRunning })).map(({ state }) => state);
  assert.deepEqual(await states(false), ["problem", "ok"]);
  assert.deepEqual(await states(true), ["ok", "ok"]);
  const foreign = { loadBalancers: { web: { listen: "198.51.100.7:80" } } };
  const [elsewhere] = await diagnose(proxy, foreign, { isRunning: true });
  assert.equal(elsewhere?.state, "problem");
});
