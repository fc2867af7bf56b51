import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { explainError } from "../../clients/node/index.js";
import { WebhookUse } from "../../src/gen/muster/v1/webhook_service_pb.js";
import { createHooksDoor } from "../../src/server/hooks/hooks-door.js";
import { createVirtualClock } from "../simulation/virtual-clock.js";
import { createHooksBench, UP, WEB } from "./hooks-bench.js";

const { EXECUTE, ALERTS } = WebhookUse;
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => "no error",
    (error: unknown) => explainError(error).reason,
  );

/** With another character there. */
function swapped(path: string, at: number): string {
  const place = at < 0 ? path.length + at : at;
  return `${path.slice(0, place)}${path[place] === "A" ? "B" : "A"}${path.slice(place + 1)}`;
}

test("B7.3 a webhook executes its policy, and answers with the receipt's sum once it is durable", async (t) => {
  const bench = await createHooksBench(t);
  const [path = ""] = await bench.createWebhook(EXECUTE, UP, "ci");
  assert.match(path, /^\/hooks\/[A-Za-z0-9_-]{43}$/);
  const answer = await bench.post(path, '{"whatever":"a sender says"}');
  assert.equal(answer.status, 202);
  const { eventId, ...rest } = answer.json;
  const reasons = ["The target changes from 0 to 2, as asked: +2."];
  assert.deepEqual(rest, { outcome: "applied", oldTarget: 0, newTarget: 2, reasons });
  const decided = (await bench.decided(1)).find(({ name }) => name.endsWith(`/${eventId}`));
  assert.equal(decided?.principal, "webhook:up/ci");
  assert.equal(decided?.facts["source"], "webhook");
  // A webhook's events within the policy's window merge into the first (B3.1).
  const again = await bench.post(path);
  assert.deepEqual([again.status, again.json.outcome], [202, "merged"]);
  assert.equal(await bench.wanted(), 2);
});

test("B3.1 events of one idempotency key are one event, each webhook's keys its own", async (t) => {
  const bench = await createHooksBench(t);
  await bench.createPolicy("now", { debounce: { seconds: 0n } });
  const parent = `${WEB}/policies/now`;
  const [one = ""] = await bench.createWebhook(EXECUTE, parent);
  const [other = ""] = await bench.createWebhook(EXECUTE, parent);
  const key = { "idempotency-key": "build-7" };
  const first = await bench.post(one, "", key);
  assert.deepEqual((await bench.post(one, "", key)).json, first.json);
  assert.equal(await bench.wanted(), 2);
  assert.equal((await bench.post(other, "", key)).json.outcome, "applied");
  assert.equal((await bench.post(one)).json.newTarget, 6);
  const long = await bench.post(one, "", { "idempotency-key": "x".repeat(129) });
  assert.equal(long.status, 400);
  assert.match(long.text, /^idempotency-key: must have 1 to 128 visible/);
});

test("B7.3 whatever is wrong with a token, the answer is that of a path nobody serves", async (t) => {
  const bench = await createHooksBench(t);
  await bench.createPolicy("gone");
  const ends = async (end: (name: string) => Promise<unknown>, parent = UP) => {
    const [path = ""] = await bench.createWebhook(EXECUTE, parent, "short");
    assert.equal((await bench.post(path)).status, 202);
    await end(`${parent}/webhooks/short`);
    return path;
  };
  const { webhooks, policies, groups } = bench.client;
  const parent = `${WEB}/policies/gone`;
  const rotated = await ends((name) => webhooks.rotateWebhook({ name }));
  await webhooks.deleteWebhook({ name: `${UP}/webhooks/short` });
  const [alerts = ""] = await bench.createWebhook(ALERTS);
  const [alive = ""] = await bench.createWebhook(EXECUTE);
  const wrong = [
    rotated,
    await ends((name) => webhooks.deleteWebhook({ name })),
    await ends(() => policies.deletePolicy({ name: parent }), parent),
    alerts.replace("/alerts/alertmanager/", "/hooks/"),
    `/hooks/${"A".repeat(43)}`,
    // Whoever has most of a token has nothing.
    ...[alive.slice(0, -1), `${alive}A`, swapped(alive, -1), swapped(alive, 20)],
    "/hooks/",
    "/hooks/x",
    "/hooks/%00",
    `/hooks/${"A".repeat(8_000)}`,
    `${rotated}/more`,
  ];
  // A policy that is made anew under the name has none of the webhooks of the one before.
  await bench.createPolicy("gone");
  const nobody = await bench.post("/nobody/serves/this");
  assert.equal(nobody.status, 404);
  const shown = ({ status, headers, text }: typeof nobody) =>
    JSON.stringify([status, text, [...headers].filter(([name]) => name !== "date")]);
  for (const path of wrong) assert.equal(shown(await bench.post(path)), shown(nobody), path);
  assert.equal((await bench.post(alive)).status, 202);
  const listed = await webhooks.listWebhooks({ parent });
  assert.deepEqual(listed.webhooks, []);
  const [last = ""] = await bench.createWebhook(EXECUTE);
  await groups.deleteGroup({ name: WEB, force: true });
  const isGone = async () => (await bench.post(last)).status === 404;
  for (let tries = 0; !(await isGone()); tries++) {
    assert.ok(tries < 200, "its webhooks end with the group");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal((await fetch(bench.url + last)).status, 405);
});

test("B7.3 what was answered 202 is there; while the store is away it is 503, and nothing is done", async (t) => {
  const bench = await createHooksBench(t);
  await bench.createPolicy("now", { debounce: { seconds: 0n } });
  const [path = ""] = await bench.createWebhook(EXECUTE, `${WEB}/policies/now`);
  const before = (await bench.post(path)).json.eventId;
  bench.storeIsAway = true;
  const away = await bench.post(path);
  assert.deepEqual([away.status, away.headers.get("retry-after")], [503, "3"]);
  assert.ok(bench.refusedCommits() > 0, "the fault fired");
  bench.storeIsAway = false;
  assert.equal(await bench.wanted(), 2);
  const after = (await bench.post(path)).json;
  assert.deepEqual([after.oldTarget, after.newTarget], [2, 4]);
  const ids = (await bench.decided(2)).map(({ name }) => name.replace(/.*\//, ""));
  assert.deepEqual(ids.toSorted(), [before, after.eventId].toSorted());
});

test("B7.3 what was answered 202 stands in the file that a killed process leaves", async (t) => {
  const bench = await createHooksBench(t);
  await bench.createPolicy("now", { debounce: { seconds: 0n } });
  const [path = ""] = await bench.createWebhook(EXECUTE, `${WEB}/policies/now`);
  const answered: string[] = [];
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all([1, 2, 3, 4].map(() => bench.post(path)));
    for (const { status, json } of answers) {
      assert.equal(status, 202);
      answered.push(json.eventId);
    }
    const there = await bench.durableIds();
    assert.deepEqual(
      answered.filter((id) => !there.includes(id)),
      [],
    );
  }
});

test("B7.3 B3.1 a commit whose answer was lost is answered for all the same, and done once", async (t) => {
  const bench = await createHooksBench(t);
  await bench.createPolicy("now", { debounce: { seconds: 0n } });
  const [path = ""] = await bench.createWebhook(EXECUTE, `${WEB}/policies/now`);
  const key = { "idempotency-key": "build-8" };
  bench.answersAreLost = true;
  const first = await bench.post(path, "", key);
  assert.ok(bench.lostAnswers() > 0, "the fault fired");
  bench.answersAreLost = false;
  assert.equal(first.status, 202);
  assert.deepEqual((await bench.post(path, "", key)).json, first.json);
  assert.equal(await bench.wanted(), 2);
  // Without a key nothing but the commit itself tells that it is done.
  bench.answersAreLost = true;
  const before = bench.lostAnswers();
  const keyless = await bench.post(path);
  assert.ok(bench.lostAnswers() > before, "the fault fired");
  bench.answersAreLost = false;
  assert.deepEqual([keyless.status, keyless.json.newTarget], [202, 4]);
  assert.equal(await bench.wanted(), 4);
});

test("B7.3 a body has a size", async (t) => {
  const bench = await createHooksBench(t);
  const [path = ""] = await bench.createWebhook(EXECUTE);
  assert.equal((await bench.post(path, "x".repeat(64 * 1024))).status, 202);
  const long = await bench.post(path, "x".repeat(64 * 1024 + 1));
  assert.deepEqual([long.status, long.text], [413, "at most 65536 bytes\n"]);
  // Also where it is not announced.
  const pieces = new Blob(Array.from({ length: 65 }, () => "x".repeat(1_024))).stream();
  const streamed = { method: "POST", body: pieces, duplex: "half" } as const;
  const answer = await fetch(bench.url + path, streamed);
  assert.deepEqual([answer.status, await answer.text()], [413, "at most 65536 bytes\n"]);
});

test("B7.3 each token has an allowance, which grows again", async (t) => {
  const bench = await createHooksBench(t);
  const [path = ""] = await bench.createWebhook(EXECUTE);
  const [other = ""] = await bench.createWebhook(EXECUTE);
  const [alerts = ""] = await bench.createWebhook(ALERTS);
  const clock = createVirtualClock();
  const allowance = { burstMax: 2, perSecond: 0.1 };
  const log = { info() {}, warn() {}, error() {}, debug() {} };
  const door = createHooksDoor({ ...bench.muster, clock, log, allowance });
  const server = createServer((request, response) => void door(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (to: string) => {
    const { status, headers } = await fetch(url + to, { method: "POST" });
    return [status, headers.get("retry-after")];
  };
  assert.deepEqual(
    [await ask(path), await ask(path)],
    [
      [202, null],
      [202, null],
    ],
  );
  assert.deepEqual(await ask(path), [429, "10"]);
  assert.deepEqual(await ask(other), [202, null], "another's allowance is its own");
  // Alertmanager drops what is answered 429.
  assert.deepEqual(await ask(alerts), [400, null]);
  assert.deepEqual(await ask(alerts), [400, null]);
  assert.deepEqual(await ask(alerts), [503, "10"]);
  await clock.advance(10_000);
  assert.deepEqual(
    [await ask(path), await ask(path)],
    [
      [202, null],
      [429, "10"],
    ],
  );
});

test("B7.3 a token stands nowhere: not in files, logs, events, figures or the API", async (t) => {
  const bench = await createHooksBench(t);
  const { client } = bench;
  const webhook = { displayName: "ci", use: EXECUTE };
  const made = await client.webhooks.createWebhook({ parent: UP, webhookId: "ci", webhook });
  const name = `${UP}/webhooks/ci`;
  const turned = await client.webhooks.rotateWebhook({ name });
  const tokens = [made.token!.token, turned.token!.token];
  assert.notEqual(tokens[0], tokens[1]);
  for (const token of tokens)
    for (const path of [`/hooks/${token}`, `/hooks/${token}/x`, `/alerts/aodh/${token}`]) {
      await bench.post(path);
      await bench.post(path, "x".repeat(70_000));
      await bench.post(path, "", { "idempotency-key": "not visible" });
      await fetch(bench.url + path);
    }
  bench.storeIsAway = true;
  assert.equal((await bench.post(`/hooks/${tokens[1]}`)).status, 503);
  bench.storeIsAway = false;
  assert.ok(bench.refusedCommits() > 0, "the fault fired");
  await bench.decided(1);
  const told = [
    await client.webhooks.getWebhook({ name }),
    await client.webhooks.listWebhooks({ parent: UP }),
    (await client.events.searchEvents({ parent: "accounts/acme", pageSize: 1_000 })).events,
    await bench.muster.metrics(),
    bench.logged,
  ];
  const text = JSON.stringify(told, (_, value) =>
    typeof value === "bigint" ? String(value) : value,
  );
  assert.match(text, /webhook:up\/ci/);
  assert.match(text, /webhook rotated/);
  const bytes = await bench.bytes();
  for (const token of tokens) for (const where of [text, bytes]) assert.ok(!where.includes(token));
  // The hash stands in the store, where it is looked for, and is told to nobody.
  const hashes = tokens.map((token) => hash("sha256", token, "hex"));
  assert.ok(bytes.includes(hashes[1]!));
  for (const one of hashes) assert.ok(!text.includes(one));
});

test("B1.1 B10.4 webhooks have limits, names and permissions", async (t) => {
  const bench = await createHooksBench(t);
  const { webhooks } = bench.client;
  for (let count = 0; count < 25; count++) await bench.createWebhook(EXECUTE, UP, `w${count}`);
  assert.equal(await reasonOf(bench.createWebhook(EXECUTE)), "LIMIT_EXCEEDED");
  const create = (parent: string, webhookId: string) =>
    reasonOf(bench.createWebhook(EXECUTE, parent, webhookId));
  assert.equal(await create(UP, "w1"), "WEBHOOK_EXISTS");
  assert.equal(await create(`${WEB}/policies/no`, "a"), "POLICY_NOT_FOUND");
  assert.equal(await create("accounts/acme/groups/no/policies/up", "a"), "GROUP_NOT_FOUND");
  const one = await webhooks.listWebhooks({ parent: UP, pageSize: 20 });
  const { nextPageToken: pageToken } = one;
  const two = await webhooks.listWebhooks({ parent: UP, pageSize: 20, pageToken });
  const names = [...one.webhooks, ...two.webhooks].map((webhook) => webhook.name);
  assert.deepEqual([new Set(names).size, two.nextPageToken], [25, ""]);
  const name = `${UP}/webhooks/w1`;
  const { webhook } = await webhooks.getWebhook({ name });
  assert.deepEqual([webhook?.use, webhook?.principal, webhook?.name], [EXECUTE, "ann", name]);
  await webhooks.rotateWebhook({ name });
  const stale = webhooks.deleteWebhook({ name, etag: webhook!.etag });
  assert.equal(await reasonOf(stale), "ETAG_MISMATCH");
  await webhooks.deleteWebhook({ name });
  for (const missing of [name, name.replace("acme", "other")]) {
    const failed = await webhooks.getWebhook({ name: missing }).catch(explainError);
    assert.ok("reason" in failed);
    assert.equal(failed.reason, "WEBHOOK_NOT_FOUND");
    assert.match(failed.message, new RegExp(`^${missing} does not exist`));
  }
});
