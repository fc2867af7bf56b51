import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../../src/core/errors/fault.js";
import { createWeb, createWorld, tokens } from "./world.js";

test("B10.4 Prometheus finds an account's servers in service, with a token that may list them", async (t) => {
  const { grpc, baseUrl, supervisor, logged } = await createWorld(t);
  await createWeb(grpc);
  const ask = (path: string, token?: string, method = "GET") => {
    const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
    return fetch(baseUrl + path, { method, headers });
  };
  const answer = await ask("/sd/acme", tokens.viewer);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/json");
  const targets = (await answer.json()) as readonly {
    readonly targets: readonly string[];
    readonly labels: Readonly<Record<string, string>>;
  }[];
  assert.equal(targets.length, 2);
  const [one] = targets;
  assert.deepEqual(one?.targets, ["[2001:db8::1]:8080"]);
  const { __meta_muster_server: server, ...labels } = one!.labels;
  assert.match(server ?? "", /^id\d+$/);
  assert.deepEqual(labels, {
    __meta_muster_account: "acme",
    __meta_muster_group: "web",
    __meta_muster_colo: "iad",
  });
  assert.deepEqual(await (await ask("/sd/other", tokens.root)).json(), []);
  const statuses = [
    await ask("/sd/acme"),
    await ask("/sd/acme", tokens.stranger),
    await ask("/sd/nobody", tokens.viewer),
    await ask("/sd/ACME", tokens.root),
    await ask("/sd/acme", tokens.viewer, "POST"),
  ];
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [401, 404, 404, 404, 405],
  );
  supervisor.before = async () => {
    throw new Fault("STORE_UNAVAILABLE", { say: "the store is away" });
  };
  assert.equal((await ask("/sd/acme", tokens.viewer)).status, 503);
  assert.ok(logged.some(({ fields }) => /store is away/.test(String(fields["error"]))));
});
