import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrometheusMeter } from "../../src/drivers/meter-prometheus/index.js";
import { createWorld, tokens } from "./world.js";

test("B9.1 /metrics tells Prometheus the figures, to whoever may read colos", async (t) => {
  const meter = createPrometheusMeter();
  const calls = meter.counter({ name: "muster_x_total", help: "Xs.", labels: ["colo"] });
  calls.add({ colo: "iad" });
  const again = meter.counter({ name: "muster_x_total", help: "Xs.", labels: ["colo"] });
  again.add({ colo: "iad" }, 2); // As the next colo of the node does.
  const seconds = { name: "muster_x_seconds", help: "Took.", labels: [], buckets: [1] };
  meter.histogram(seconds).observe({}, 2);
  meter.histogram(seconds).observe({}, 2);
  let value = 7;
  meter.gauge({ name: "muster_y", help: "Ys.", labels: ["api"] }, () => [
    { labels: { api: "cloud" }, value },
  ]);
  const world = await createWorld(t, { figures: meter });
  const ask = (token?: string, method = "GET") =>
    fetch(`${world.baseUrl}/metrics`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
  const nobody = await ask();
  assert.equal(nobody.status, 401);
  assert.equal(nobody.headers.get("www-authenticate"), "Bearer");
  assert.equal((await ask("wrong-token-wrong-token")).status, 401);
  assert.equal((await ask(tokens.root, "POST")).status, 405);
  value = 8;
  const answer = await ask(tokens.root);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=/);
  const text = await answer.text();
  assert.match(text, /^muster_x_total\{colo="iad"\} 3$/m);
  assert.match(text, /^muster_x_seconds_bucket\{le="1"\} 0$/m);
  assert.match(text, /^muster_x_seconds_count 2$/m);
  assert.match(text, /^muster_y\{api="cloud"\} 8$/m);
  assert.match(text, /^process_cpu_seconds_total /m);
});

test("B10.1 figures tell of everybody: a binding to one account does not open them", async (t) => {
  const world = await createWorld(t, { figures: createPrometheusMeter() });
  const { status } = await fetch(`${world.baseUrl}/metrics`, {
    headers: { authorization: `Bearer ${tokens.admin}` },
  });
  assert.equal(status, 403);
});
