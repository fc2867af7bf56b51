import assert from "node:assert/strict";
import { test } from "node:test";
import { type CloudModel, runCloud } from "./sick-cloud.js";

const limits = { inFlightMax: 48 };
const healthy: CloudModel = { workers: () => 100, serviceMs: 300, deadlineMs: 30_000 };
const braked = { limits, brakes: true, seed: 1 };
const bare = { limits, brakes: false, seed: 1 };

/** From the 30th second to the 90th. */
const isIll = (nowMs: number) => nowMs >= 30_000 && nowMs < 90_000;

test("B9.4 a healthy cloud is used as well as by a bare parallel client", () => {
  for (const workers of [2, 8, 100]) {
    const cloud = { ...healthy, workers: () => workers };
    const [ours, theirs] = [braked, bare].map((client) =>
      runCloud(cloud, client, () => 30, 60_000),
    );
    assert.ok(ours!.served >= 0.97 * theirs!.served, `${workers}: ${ours!.served}`);
    assert.deepEqual([...ours!.phases], ["closed"]);
  }
});

test("B9.4 some faults among many answers are a healthy cloud's everyday life", () => {
  for (const share of [0.01, 0.05]) {
    const cloud: CloudModel = {
      ...healthy,
      fault: (_nowMs, random) => (random() < share ? "failed" : undefined),
    };
    const run = runCloud(cloud, braked, () => 30, 60_000);
    const reference = runCloud(cloud, bare, () => 30, 60_000);
    assert.ok(reference.offered > reference.served, "no fault fired");
    assert.ok(run.served >= 0.9 * reference.served, `${share}: ${run.served}`);
  }
});

test("B9.4 a cloud that slows down gets fewer calls at once before it fails", () => {
  const cloud = { ...healthy, workers: (nowMs: number) => (isIll(nowMs) ? 1 : 20) };
  const run = runCloud(cloud, braked, () => 1_000, 180_000);
  assert.ok(run.state.normalMs["create"]! < 1_000, "an outage was taken for normal");
  // What was under way when it began had to be waited for; from then on few are, by its latency.
  const late = run.begunBySecond.slice(60, 88).map((one) => one ?? 0);
  assert.ok(Math.max(...late) <= 6, `${late}`);
  const queued = run.busyBySecond.slice(60, 88);
  assert.ok(Math.max(...queued) <= 12, `its queue is kept short: ${queued}`);
  const after = run.begunBySecond.slice(150, 179);
  assert.ok(Math.min(...after) >= 0.8 * 60, "it is not used again as before");
});

test("B9.4 a dead cloud is only probed, and recovers as if nobody had asked", () => {
  const cloud: CloudModel = {
    ...{ serviceMs: 300, deadlineMs: 10_000 },
    workers: (nowMs) => (isIll(nowMs) ? 0 : 20),
  };
  const without = runCloud(cloud, bare, () => 1_000, 120_000);
  assert.ok(without.queuedUntilMs > 110_000, "the model does not show the trouble");
  const run = runCloud(cloud, braked, () => 1_000, 180_000);
  // The calls that were under way, and the probes.
  assert.ok(run.peakBusy <= limits.inFlightMax + 8, `${run.peakBusy}`);
  const dead = run.begunBySecond.slice(42, 90).reduce((sum, one) => sum + (one ?? 0), 0);
  assert.ok(dead >= 2 && dead <= 8, `${dead} calls to a dead cloud`);
  assert.ok([...run.phases].includes("ramping"));
  const after = run.begunBySecond.slice(150, 179);
  assert.ok(Math.min(...after) >= 0.8 * 60, "it is not used again as before");
});

test("B9.4 a cloud that answers 5xx to everything gets a probe, ever more rarely", () => {
  const cloud: CloudModel = {
    ...healthy,
    fault: (nowMs) => (isIll(nowMs) ? "failed" : undefined),
  };
  const run = runCloud(cloud, braked, () => 30, 180_000);
  const ill = run.begunBySecond.slice(32, 90).reduce((sum, one) => sum + (one ?? 0), 0);
  assert.ok(ill >= 3 && ill <= 12, `${ill} calls`);
  assert.ok(run.begunBySecond.slice(150, 179).every((one) => one >= 80));
});

test("B9.4 a cloud that takes 20 calls a second gets about 20 a second, not a storm", () => {
  let tokens = 20;
  let lastMs = 0;
  let refused = 0;
  const cloud: CloudModel = {
    ...healthy,
    serviceMs: 100,
    fault(nowMs) {
      tokens = Math.min(20, tokens + (nowMs - lastMs) * 0.02);
      lastMs = nowMs;
      if (tokens >= 1) {
        tokens--;
        return undefined;
      }
      refused++;
      return "throttled";
    },
  };
  const run = runCloud(cloud, braked, () => 30, 120_000);
  assert.ok(refused > 0 && refused < 0.05 * run.offered, `${refused} of ${run.offered}`);
  assert.ok(run.served >= 0.91 * 20 * 120, `${run.served}`);
});
