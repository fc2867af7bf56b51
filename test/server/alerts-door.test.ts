import assert from "node:assert/strict";
import { test } from "node:test";
import { WebhookUse } from "../../src/gen/muster/v1/webhook_service_pb.js";
import { createHooksBench, WEB } from "./hooks-bench.js";

const { ALERTS, GROUP_ALERTS } = WebhookUse;

interface AlertInit {
  readonly status?: "firing" | "resolved";
  readonly fingerprint?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A notification as Alertmanager 0.25 sends it. */
function notification(...alerts: readonly AlertInit[]): string {
  const startsAt = "2026-11-26T15:00:00.123Z";
  const full = alerts.map((alert) => ({
    ...{ status: "firing", startsAt, endsAt: "0001-01-01T00:00:00Z", generatorURL: "http://p/g" },
    fingerprint: "6d9b5b2f4f6a3c11",
    annotations: {},
    ...alert,
    labels: { alertname: "Slow", severity: "critical", ...alert.labels },
  }));
  return JSON.stringify({
    ...{ receiver: "muster", status: "firing", groupLabels: {}, commonLabels: {} },
    ...{ commonAnnotations: {}, externalURL: "http://a", version: "4", truncatedAlerts: 0 },
    groupKey: '{}:{alertname="Slow"}',
    alerts: full,
  });
}

test("M1.2 an alert of Alertmanager's acts when it fires; its end is noted", async (t) => {
  const bench = await createHooksBench(t);
  const [path = "", aodh = ""] = await bench.createWebhook(ALERTS);
  assert.match(path, /^\/alerts\/alertmanager\//);
  assert.match(aodh, /^\/alerts\/aodh\//);
  const annotations = { muster_value: "1.25" };
  const fired = await bench.post(path, notification({ annotations }));
  assert.equal(fired.status, 200);
  const [alert] = fired.json.alerts;
  assert.deepEqual(
    [alert.key, alert.policy, alert.outcome, alert.newTarget],
    ["Slow/6d9b5b2f4f6a3c11", "up", "applied", 2],
  );
  // It repeats itself while it stands, by repeat_interval.
  const repeated = await bench.post(path, notification({ annotations }));
  assert.deepEqual([repeated.status, repeated.json.alerts[0].outcome], [200, "merged"]);
  const resolved = await bench.post(path, notification({ status: "resolved" }));
  assert.equal(resolved.json.alerts[0].outcome, "noChange");
  assert.equal(await bench.wanted(), 2);
  const events = await bench.decided(3);
  assert.deepEqual(events.map(({ facts }) => facts["state"]).toSorted(), [
    "critical",
    "critical",
    "ok",
  ]);
});

test("B3.2 severity says how bad it is; one alert's end does not end another's", async (t) => {
  const bench = await createHooksBench(t);
  const [path = ""] = await bench.createWebhook(ALERTS);
  const severities = ["warning", "info", "page", "critical"];
  const states = await Promise.all(
    severities.map(async (severity, index) => {
      const fingerprint = `0${index}`;
      await bench.post(path, notification({ labels: { severity }, fingerprint }));
      return fingerprint;
    }),
  );
  const { labels: _, ...none } = { labels: { severity: undefined }, fingerprint: "04" };
  await bench.post(path, notification(none).replace('"severity":"critical"', '"team":"web"'));
  const stateOf = (fingerprint: string, events: Awaited<ReturnType<typeof bench.decided>>) =>
    events.find(({ facts }) => facts["key"] === `Slow/${fingerprint}`)?.facts["state"];
  const events = await bench.decided(5);
  assert.deepEqual(
    [...states, "04"].map((one) => stateOf(one, events)),
    ["warning", "warning", "critical", "critical", "critical"],
  );
  const ended = await bench.post(path, notification({ status: "resolved", fingerprint: "02" }));
  assert.deepEqual([ended.status, ended.json.alerts[0].outcome], [200, "noChange"]);
  const stands = await bench.post(path, notification({ fingerprint: "03" }));
  assert.equal(stands.json.alerts[0].outcome, "merged", "it has not begun anew");
});

test("B7.3 a label chooses the policy where the webhook is the group's, and only there", async (t) => {
  const bench = await createHooksBench(t);
  await bench.createPolicy("most", { action: { case: "exact", value: 4 } });
  const [own = ""] = await bench.createWebhook(ALERTS);
  const [any = ""] = await bench.createWebhook(GROUP_ALERTS);
  const chosen = { fingerprint: "a1", labels: { muster_policy: "most" } };
  const other = { fingerprint: "b2" };
  const refused = await bench.post(own, notification(chosen, other));
  assert.equal(refused.status, 422, "sending it again does not help");
  assert.match(refused.json.alerts[0].error, /^labels\.muster_policy: .* policy up alone$/);
  assert.equal(refused.json.alerts[1]?.outcome, "applied", "the others are taken all the same");
  const taken = await bench.post(any, notification(chosen));
  assert.deepEqual([taken.status, taken.json.alerts[0].policy], [200, "most"]);
  assert.equal(await bench.wanted(), 4);
  const unknown = { fingerprint: "c3", labels: { muster_policy: "nope" } };
  const missing = await bench.post(any, notification(unknown));
  assert.deepEqual(
    [missing.status, missing.json.alerts[0].error],
    [422, "there is no policy nope"],
  );
});

test("B7.3 what is no notification is refused by field and rule, and nothing of it is taken", async (t) => {
  const bench = await createHooksBench(t);
  const [path = "", aodh = ""] = await bench.createWebhook(ALERTS);
  const many = Array.from({ length: 1_001 }, (_, index) => ({ fingerprint: index.toString(16) }));
  const bad: readonly (readonly [string, RegExp])[] = [
    ["", /^body: must be JSON/],
    ["[]", /^body: must be object/],
    ['{"version":"3","alerts":[]}', /^version: must be equal to constant/],
    ['{"version":"4"}', /^body: must have required property 'alerts'/],
    [notification({ fingerprint: "no hex" }), /^alerts\[0\]\.fingerprint: must match/],
    [notification({}, { status: "on" as never }), /^alerts\[1\]\.status: must be equal to one of/],
    [notification({ labels: { team: 7 as never } }), /^alerts\[0\]\.labels\.team: must be string/],
    [notification(...many), /^alerts: must NOT have more than 1000 items/],
  ];
  for (const [body, says] of bad) {
    const answer = await bench.post(path, body);
    assert.equal(answer.status, 400, body.slice(0, 80));
    assert.match(answer.text, says);
  }
  const state = await bench.post(aodh, '{"alarm_id":"a","current":"odd"}');
  assert.deepEqual([state.status, /^current: must be equal to one/.test(state.text)], [400, true]);
  assert.equal((await bench.post(path, "x".repeat(4 * 1024 * 1024 + 1))).status, 413);
  const decorated = notification({ status: "resolved", annotations: { muster_value: "+Inf" } });
  assert.equal((await bench.post(path, decorated)).status, 200);
  const none = await bench.post(path, notification());
  assert.deepEqual([none.status, none.json], [200, { alerts: [] }]);
  assert.equal(await bench.wanted(), 0);
});

test("B7.3 while the store is away Alertmanager is told to send again, and then all is taken", async (t) => {
  const bench = await createHooksBench(t);
  const [path = ""] = await bench.createWebhook(ALERTS);
  const body = notification({ fingerprint: "a1" }, { fingerprint: "b2" });
  bench.storeIsAway = true;
  const away = await bench.post(path, body);
  assert.deepEqual([away.status, away.headers.get("retry-after")], [503, "3"]);
  assert.ok(bench.refusedCommits() > 0, "the fault fired");
  bench.storeIsAway = false;
  const again = await bench.post(path, body);
  const outcomes = again.json.alerts.map(({ outcome }) => outcome);
  assert.deepEqual([again.status, outcomes], [200, ["applied", "merged"]]);
});

test("M1.2 Aodh's alarm actions report alarms by their id", async (t) => {
  const bench = await createHooksBench(t);
  const [, path = ""] = await bench.createWebhook(ALERTS);
  const action = (current: string) =>
    JSON.stringify({
      ...{ alarm_id: "0ca2845e-c142-4d4b-a346-e495553628ce", alarm_name: "cpu_high" },
      ...{ severity: "low", previous: "ok", current, reason: "Transition to alarm" },
      reason_data: { type: "threshold", disposition: "outside", count: 3, most_recent: 81.3 },
    });
  const fired = await bench.post(path, action("alarm"));
  assert.equal(fired.status, 200);
  const [alert] = fired.json.alerts;
  assert.deepEqual(
    [alert.key, alert.outcome, alert.newTarget],
    ["aodh/0ca2845e-c142-4d4b-a346-e495553628ce", "applied", 2],
  );
  await bench.post(path, action("insufficient data"));
  await bench.post(path, action("ok"));
  const events = await bench.decided(3);
  assert.deepEqual(events.map(({ facts }) => facts["state"]).toSorted(), [
    "critical",
    "ok",
    "unknown",
  ]);
});

test("B2.1 what Aodh measured decides how far a policy with steps goes", async (t) => {
  const bench = await createHooksBench(t);
  const one = { case: "change", value: 1 } as const;
  const five = { case: "change", value: 5 } as const;
  const steps = [
    { lower: 0, upper: 10, action: one },
    { lower: 10, action: five },
  ];
  await bench.createPolicy("steps", {
    action: { case: "steps", value: { threshold: 70, steps } },
    debounce: { seconds: 0n },
  });
  const [, path = ""] = await bench.createWebhook(ALERTS, `${WEB}/policies/steps`);
  const report = (id: string, reason_data: unknown) =>
    bench.post(path, JSON.stringify({ alarm_id: id, current: "alarm", reason_data }));
  for (const none of [null, "odd", { most_recent: null }, { most_recent: "81" }, undefined]) {
    const answer = await report("none", none);
    assert.deepEqual([answer.status, answer.json.alerts[0].newTarget], [200, 0]);
  }
  const most_recent = 81.4108514719;
  const answer = await report("one", { type: "threshold", count: 3, most_recent });
  assert.equal(answer.json.alerts[0].newTarget, 5, answer.text);
});

test("M2.2 1,000 repeated and flapping notifications are one action, and each receipt says so", async (t) => {
  const bench = await createHooksBench(t);
  await bench.createPolicy("calm", { cooldown: { seconds: 600n } });
  const [path = ""] = await bench.createWebhook(ALERTS, `${WEB}/policies/calm`);
  const startedMs = performance.now();
  const outcomes = new Map<string, number>();
  const ids = new Set<string>();
  const send = async (index: number) => {
    // Three checks, each of which fires again and again, and ends now and then.
    const status = index % 7 === 6 ? "resolved" : "firing";
    const answer = await bench.post(path, notification({ status, fingerprint: `f${index % 3}` }));
    assert.equal(answer.status, 200, answer.text);
    const [{ eventId, outcome, reasons }] = answer.json.alerts;
    assert.ok(reasons.length > 0, `a receipt without a reason: ${outcome}`);
    ids.add(eventId);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  };
  for (let sent = 0; sent < 1_000; sent += 20)
    await Promise.all(Array.from({ length: 20 }, (_, index) => send(sent + index)));
  const tookMs = performance.now() - startedMs;
  t.diagnostic(`1,000 notifications in ${Math.round(tookMs)} ms: ${JSON.stringify([...outcomes])}`);
  assert.equal(outcomes.get("applied"), 1);
  assert.equal(await bench.wanted(), 2);
  assert.equal(ids.size, 1_000);
  const events = await bench.decided(1_000);
  const known = new Set(events.map(({ name }) => name.replace(/.*\//, "")));
  assert.deepEqual(
    [...ids].filter((id) => !known.has(id)),
    [],
  );
});
