import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { explainError } from "../../clients/node/index.js";
import { runMusterctl } from "../clients/musterctl.js";
import { until } from "../drivers/cloud-process-harness.js";
import { createHooksBench, UP, WEB } from "./hooks-bench.js";

/** Takes what comes, and says whether its signature is right. */
async function createReceiver(t: TestContext, secretOf: () => string) {
  const came: { readonly id: string; readonly isRight: boolean; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const headers = request.headers as Readonly<Record<string, string>>;
    const id = headers["webhook-id"] ?? "";
    const secret = Buffer.from(secretOf().slice("whsec_".length), "base64");
    const signed = createHmac("sha256", secret).update(
      `${id}.${headers["webhook-timestamp"]}.${body}`,
    );
    const isRight = headers["webhook-signature"] === `v1,${signed.digest("base64")}`;
    came.push({ id, isRight, body });
    response.writeHead(204).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { came, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hush` };
}

test("B7.5 musterctl makes a notifier, which is told what happens, signed by a secret told once", async (t) => {
  const bench = await createHooksBench(t, { notifications: { allow: ["127.0.0.1"] } });
  const ctl = async (...args: string[]) => {
    const ran = await runMusterctl(bench.target, ["notifiers", ...args]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran;
  };
  let secret = "";
  const { came, url } = await createReceiver(t, () => secret);
  const types = ["scale.decided", "group.deleting"];
  const made = await ctl("create", "web", "--url", url, "--id", "chat", "--type", ...types);
  assert.match(made.stdout, /^notifier web\/chat created\n {2}whsec_[A-Za-z0-9+/]{43}=\n$/);
  secret = /whsec_\S+/.exec(made.stdout)![0];
  const { receipt } = await bench.client.policies.executePolicy({ name: UP });
  await until(async () => came.length > 0);
  assert.deepEqual([came[0]?.id, came[0]?.isRight], [receipt?.eventId, true]);
  assert.equal(JSON.parse(came[0]!.body).data.facts.policy, "up");

  assert.match((await ctl("list", "web")).stdout, /\nchat +\S+Z +ann +http:\S+ +scale\.decided /);
  const shown = await bench.client.notifiers.getNotifier({ name: `${WEB}/notifiers/chat` });
  const told = JSON.stringify([shown.notifier?.types, bench.logged, await bench.muster.metrics()]);
  assert.match(told, /muster_notifications_total\{colo=\\"iad\\",outcome=\\"sent\\"\} 1/);
  const bare = secret.slice("whsec_".length);
  for (const where of [told, await bench.bytes()]) assert.ok(!where.includes(bare));
  assert.ok(!bench.logged.join("\n").includes("/hush"), "a URL may hold a secret");
  await ctl("delete", "web", "chat");
  const gone = await bench.client.notifiers
    .getNotifier({ name: `${WEB}/notifiers/chat` })
    .catch(explainError);
  assert.ok("reason" in gone && gone.reason === "NOTIFIER_NOT_FOUND");
});

test("B7.5 without the operator's word nothing is sent inside", async (t) => {
  const bench = await createHooksBench(t);
  const notifier = { displayName: "x", url: "http://169.254.169.254/", types: ["scale.decided"] };
  const refused = await bench.client.notifiers
    .createNotifier({ parent: WEB, notifier })
    .catch(explainError);
  assert.ok("reason" in refused);
  assert.equal(refused.reason, "FIELD_INVALID");
  assert.match(refused.message, /^notifier\.url: 169\.254\.169\.254 is no public address/);
});
