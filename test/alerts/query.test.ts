import assert from "node:assert/strict";
import { test } from "node:test";
import { name as parent, policyPath } from "../../examples/demo/group.js";
import { group, policies } from "../../examples/demo/settings.js";
import { createBench } from "./bed/bench.js";

/** A server among whose users it shares 24 answers after 1.2 s / servers: at 0.3 s there are 4. */
const [busy, calm] = [24, 2];
const target = 0.3;

test("B2.1 B3.4 Muster asks a real Prometheus, and follows what it says, out and in", async (t) => {
  const { client, watch, load, events, until, serves } = await createBench(t);
  for (const { id } of Object.values(policies))
    await client.policies.deletePolicy({ name: policyPath(id) });
  const monitors = await watch("of-no-webhook");
  await until("the first servers", () => serves(group.min));
  load.setUsers(busy);
  const query = 'avg(web_latency_p95_seconds{muster_group="web"})';
  const tracking = { metric: "latency", target, query, tolerancePercent: 40 };
  const stabilisation = { seconds: 0n };
  await client.policies.createPolicy({
    parent,
    policyId: "latency",
    policy: {
      displayName: "Hold the latency at 0.3 s",
      action: { case: "targetTracking", value: { ...tracking, stabilisation } },
    },
  });
  const decided = () => events.filter(({ facts }) => facts["ask"] === "alert");
  const applied = () => decided().filter(({ facts }) => facts["outcome"] === "applied");
  await until("it scales out", () => applied().length > 0);
  const servers = Number(applied()[0]!.facts["newTarget"]);
  assert.ok(servers >= 3, `${servers} servers`);

  // Missing data never scales in (B3.4).
  const startAgain = await monitors.endPrometheus();
  load.setUsers(calm);
  const before = applied().length;
  await until("data are missing", () => decided().at(-1)!.facts["state"] === "unknown");
  assert.equal(applied().length, before);
  await startAgain();
  await until("it scales in", () => serves(group.min));
  assert.ok(decided().every(({ facts }) => facts["key"] === "prometheus"));
  const story = decided().map(({ facts }) => `${facts["state"]} → ${facts["newTarget"]}`);
  t.diagnostic(story.join(", "));
});
