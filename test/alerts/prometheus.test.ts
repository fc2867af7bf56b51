import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { logOf } from "../../examples/demo/daemon.js";
import { policyPath } from "../../examples/demo/group.js";
import type { MusterEvent } from "../../examples/demo/history.js";
import { findProcesses } from "../../examples/demo/processes.js";
import { group, users } from "../../examples/demo/settings.js";
import { WebhookUse } from "../../src/gen/muster/v1/webhook_service_pb.js";
import { createBench } from "./bed/bench.js";

/** Decisions that moved the target, as `policy source old → new`; of `in` it depends on who was first. */
function moves(events: readonly MusterEvent[]): string[] {
  return events
    .filter(({ type, facts }) => type === "scale.decided" && facts["outcome"] === "applied")
    .map(({ facts }) => {
      const { policy, source, oldTarget, newTarget } = facts;
      const how = policy === "out" ? ` ${source}` : "";
      return `${policy}${how} ${oldTarget} → ${newTarget}`;
    });
}

test("M1.2 M2.4 Prometheus and Alertmanager scale the demo's service out, in circles, and in", async (t) => {
  const bench = await createBench(t);
  const { client, load, events, until, serves } = bench;
  const webhook = { displayName: "Alertmanager", use: WebhookUse.GROUP_ALERTS };
  const made = await client.webhooks.createWebhook({ parent: policyPath("out"), webhook });
  const { token } = made.token!;
  const monitors = await bench.watch(token);
  await until("the first servers", () => serves(group.min));
  load.setUsers(users.loaded);
  await until("the alert scales out", () => moves(events).length >= 1);
  await until("it circles back while the alert stands", () => moves(events).length >= 2);
  const states = (policy: string) =>
    events
      .filter(({ facts }) => facts["policy"] === policy && facts["ask"] === "alert")
      .map(({ facts }) => facts["state"]);
  await until("the alert resolves", () => states("out").at(-1) === "ok");
  await until("all servers serve", () => serves(8));
  assert.ok(states("out").filter((state) => state === "critical").length > 1, "it repeats itself");
  load.setUsers(users.calm);
  await until("it scales in", () => serves(group.min));
  assert.deepEqual(moves(events), ["out alert 2 → 4", "out circleBack 4 → 8", "in 8 → 2"]);
  const scaledOut = events.find(({ facts }) => facts["outcome"] === "applied");
  assert.match(scaledOut?.facts["key"] ?? "", /^WebSlow\/[0-9a-f]{16}$/);

  // Alertmanager's own word for it: nothing that it sent was refused or got lost.
  const [sent, failed] = [
    await monitors.sent("alertmanager_notifications_total"),
    await monitors.sent("alertmanager_notifications_failed_total"),
  ];
  const reports = events.filter(({ facts }) => facts["ask"] === "alert").length;
  assert.equal(failed, 0);
  assert.ok(sent > 0 && reports >= sent - 1, `${sent} notifications, ${reports} reports`);
  assert.ok(!(await readFile(logOf(bench.dir), "utf8")).includes(token));
  const found = await findProcesses(bench.dir);
  t.diagnostic(`${sent} notifications, ${reports} reports, ${found.length} processes at the end`);
});
