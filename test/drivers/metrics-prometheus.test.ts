import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { createPrometheusMetrics } from "../../src/drivers/metrics-prometheus/index.js";

const call = { signal: AbortSignal.timeout(60_000) };

/** Answers as told, and remembers what was asked. */
async function createPrometheus(t: TestContext) {
  const answer = { status: 200, body: "" };
  const asked: { readonly url: string; readonly body: string; readonly token: string }[] = [];
  const server = createServer(async (request, response) => {
    const { url = "", headers } = request;
    asked.push({ url, body: await text(request), token: headers.authorization ?? "" });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prometheus`;
  return { answer, asked, url };
}

const vector = (...values: readonly string[]) =>
  JSON.stringify({
    status: "success",
    data: {
      resultType: "vector",
      result: values.map((value) => ({ metric: { job: "a" }, value: [1_700_000_000.1, value] })),
    },
  });

test("B2.1 an instant query gives one number, or none", async (t) => {
  const { answer, asked, url } = await createPrometheus(t);
  const dir = await mkdtemp(join(tmpdir(), "muster-metrics-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const tokenFile = join(dir, "token");
  await writeFile(tokenFile, "hush\n");
  const metrics = createPrometheusMetrics({ url, tokenFile });
  answer.body = vector("0.25");
  assert.equal(await metrics.measure('avg(x{a="b&c"})', call), 0.25);
  const [{ url: path, body, token }] = asked as [(typeof asked)[number]];
  assert.deepEqual([path, token], ["/prometheus/api/v1/query", "Bearer hush"]);
  assert.equal(new URLSearchParams(body).get("query"), 'avg(x{a="b&c"})');
  await writeFile(tokenFile, "other");
  answer.body = '{"status":"success","data":{"resultType":"scalar","result":[1,"3e2"]}}';
  assert.equal(await metrics.measure("3e2", call), 300);
  assert.equal(asked[1]?.token, "Bearer other", "the file is read anew");
  answer.body = vector();
  assert.equal(await metrics.measure("x", call), undefined);
});

test("B3.4 what is no number is an error in words for people", async (t) => {
  const { answer, url } = await createPrometheus(t);
  const metrics = createPrometheusMetrics({ url });
  const cases: readonly (readonly [number, string, RegExp])[] = [
    [200, vector("1", "2"), /^the query gives 2 values, not one$/],
    [200, vector("NaN"), /^the query gives NaN, which is no finite number$/],
    [200, vector("+Inf"), /^the query gives \+Inf, /],
    [400, '{"status":"error","errorType":"bad_data","error":"parse error at char 3"}', /^parse/],
    [200, '{"status":"success","data":{"resultType":"matrix","result":[]}}', /^no answer to an/],
    [502, "<html>", /^no answer to an instant query, status 502$/],
    [302, "", /.+/],
    [200, vector(...Array.from({ length: 8_000 }, () => "1")), /^the answer is too long/],
  ];
  for (const [status, body, says] of cases) {
    Object.assign(answer, { status, body });
    await assert.rejects(metrics.measure("x", call), (error: Error) => says.test(error.message));
  }
  const away = createPrometheusMetrics({ url: "http://127.0.0.1:9" });
  await assert.rejects(away.measure("x", call));
});
