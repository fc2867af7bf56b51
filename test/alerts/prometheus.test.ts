import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createMusterClient } from "../../clients/node/index.js";
import { logOf, startDaemon } from "../../examples/demo/daemon.js";
import { createGroup, policyPath, readCapacity } from "../../examples/demo/group.js";
import { createHistory, type MusterEvent } from "../../examples/demo/history.js";
import { createLoad } from "../../examples/demo/load.js";
import { findProcesses } from "../../examples/demo/processes.js";
import { group, users } from "../../examples/demo/settings.js";
import { waitUntil } from "../../examples/demo/wait.js";
import { WebhookUse } from "../../src/gen/muster/v1/webhook_service_pb.js";
import { startMonitors } from "./bed/monitors.js";

const patienceMs = 90_000;

/** The demo's daemon, group and load, watched by real monitors instead of the demo's own. */
async function createBench(t: TestContext) {
  const ends: (() => unknown)[] = [];
  t.after(async () => {
    for (const end of ends.reverse()) await end(); // The last begun ends first.
  });
  const dir = await mkdtemp(join(tmpdir(), "muster-alerts-"));
  ends.push(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  const stopping = new AbortController();
  const { signal } = stopping;
  const daemon = await startDaemon(dir, signal);
  ends.push(daemon.stop);
  const client = createMusterClient({ address: daemon.address, token: daemon.token });
  ends.push(client.close);
  await createGroup(client, dir);
  ends.push(async () => {
    await client.groups.deleteGroup({ name: `accounts/demo/groups/${group.id}`, force: true });
    const isGone = async () => (await readCapacity(client)) === undefined;
    const hurry = new AbortController().signal;
    await waitUntil("the group's end", isGone, { withinMs: patienceMs, signal: hurry });
  });
  const events: MusterEvent[] = [];
  const history = createHistory(client).run(signal, (event) => void events.push(event));
  ends.push(async () => {
    stopping.abort();
    await history;
  });
  const webhook = { displayName: "Alertmanager", use: WebhookUse.GROUP_ALERTS };
  const made = await client.webhooks.createWebhook({ parent: policyPath("out"), webhook });
  const { token = "" } = made.token ?? {};
  const watched = { dir, address: daemon.address, account: group.account, token };
  const monitors = await startMonitors({ ...watched, apiToken: daemon.token }, signal);
  ends.push(monitors.stop);
  const load = createLoad(daemon.url);
  ends.push(load.stop);
  const until = (what: string, isSo: () => boolean | Promise<boolean>) =>
    waitUntil(what, isSo, { withinMs: patienceMs, signal });
  const serves = async (count: number) => {
    const { target, inService, pending, leaving } = (await readCapacity(client))!;
    return target === count && inService === count && pending + leaving === 0;
  };
  return { dir, token, monitors, load, events, until, serves };
}

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
  const { monitors, load, events, until, serves } = bench;
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
  assert.ok(!(await readFile(logOf(bench.dir), "utf8")).includes(bench.token));
  const found = await findProcesses(bench.dir);
  t.diagnostic(`${sent} notifications, ${reports} reports, ${found.length} processes at the end`);
});
