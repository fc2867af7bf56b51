import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createColors } from "picocolors";
import { treeLines } from "../../clients/cli/explain-tree.js";
import { lengthWords } from "../../clients/cli/explain-words.js";
import {
  type ExplainedEvent,
  ExplainedEventSchema,
} from "../../src/gen/muster/v1/event_service_pb.js";
import { runMusterctl } from "./musterctl.js";
import { freshGroupId, groupJson, openTarget, type Target } from "./target.js";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target.close());

type Made = Readonly<{
  depth: number;
  type: string;
  atMs: number;
  server?: string;
  facts?: Record<string, string>;
  message?: string;
  why?: string;
}>;

function nodesOf(...made: readonly Made[]): readonly ExplainedEvent[] {
  return made.map(({ depth, type, atMs, server = "", facts = {}, message = type, why }, index) =>
    create(ExplainedEventSchema, {
      depth,
      event: {
        ...{ name: `accounts/acme/events/e${index}`, group: "accounts/acme/groups/web" },
        ...{ type, message, server, facts, colo: "iad", sequence: BigInt(index + 1) },
        time: timestampFromMs(1_000_000 + atMs),
        causes: why === undefined ? [] : [{ rule: "B4.1", code: "CODE", message: why }],
      },
    }),
  );
}

const colors = createColors(false);

test("B2.9 many alike are one line of the tree, with what followed from all of them", () => {
  const lost = (server: string, atMs: number): readonly Made[] => [
    { depth: 1, type: "server.lost", atMs, server },
    { depth: 2, type: "server.gone", atMs: atMs + 80, server },
    { depth: 2, type: "server.intended", atMs: atMs + 100, server: `${server}-new`, why: "Short." },
  ];
  const nodes = nodesOf(
    { depth: 0, type: "group.created", atMs: 0, message: "The group was created" },
    { depth: 1, type: "server.in_service", atMs: 1_200, server: "a" },
    { depth: 1, type: "server.in_service", atMs: 3_400, server: "b" },
    ...lost("a", 60_000),
    ...lost("b", 61_000),
  );
  assert.deepEqual(treeLines(nodes, "accounts/acme/events/e3", colors), [
    "           +0 ms  The group was created",
    "  +1.2 s – 3.4 s  ├─ 2 servers came into service",
    "+60.0 s – 61.0 s  └─ 2 servers vanished from the cloud  ← asked about",
    "+60.1 s – 61.1 s     ├─ 2 servers are gone, as the cloud confirms",
    "+60.1 s – 61.1 s     └─ 2 servers are wanted: Short (B4.1 CODE)",
  ]);
});

test("B2.9 a pause parts what came before it from what waited for it", () => {
  const paused = (holds: boolean, atMs: number): Made => ({
    ...{ depth: 1, type: "group.condition", atMs },
    facts: { condition: "paused", holds: String(holds) },
  });
  const nodes = nodesOf(
    { depth: 0, type: "group.created", atMs: 0, message: "The group was created" },
    { depth: 1, type: "server.in_service", atMs: 100, server: "a" },
    { depth: 1, type: "server.in_service", atMs: 200, server: "b" },
    paused(true, 300),
    paused(false, 7_200_000),
    { depth: 1, type: "server.in_service", atMs: 7_200_100, server: "c", message: "In service" },
  );
  assert.deepEqual(treeLines(nodes, "", colors), [
    "           +0 ms  The group was created",
    "+100 ms – 200 ms  ├─ 2 servers came into service",
    "         +300 ms  ├─ iad is paused",
    "            +2 h  ├─ iad is no longer paused",
    "            +2 h  └─ In service [c]",
  ]);
});

test("lengths are told in units that people think in", () => {
  const said = [0, 340, 1_000, 99_900, 125_000, 3_599_700, 12_000_000, 187_200_000].map(
    lengthWords,
  );
  assert.deepEqual(said, [
    "0 ms",
    "340 ms",
    "1.0 s",
    "99.9 s",
    "2 min 5 s",
    "60 min",
    "3 h 20 min",
    "2 d 4 h",
  ]);
});

test("B2.9 explain tells an event by id or name, and a group by what last did something", async () => {
  const id = freshGroupId();
  const ran = await runMusterctl(target, ["groups", "apply", "-f", "-"], {
    stdin: groupJson(target, id),
  });
  assert.equal(ran.code, 0, ran.stderr);
  const made = await runMusterctl(target, ["explain", id]);
  assert.equal(made.code, 0, made.stderr);
  const scaled = await runMusterctl(target, ["scale", id, "+1"]);
  const event = /event (\S+)/.exec(scaled.stdout)?.[1] ?? "";
  const reached = /→ (\d+)/.exec(scaled.stdout)?.[1] ?? "";
  const again = await runMusterctl(target, ["scale", id, reached]);
  assert.match(again.stdout, /^no-change: /, again.stdout);
  const byGroup = await runMusterctl(target, ["explain", id]);
  assert.equal(byGroup.code, 0, byGroup.stderr);
  assert.ok(!byGroup.stdout.includes("\u001b"), "no colours where nobody looks");
  const name = `accounts/${target.account}/events/${event}`;
  const json = await runMusterctl(target, ["explain", name, "--json"]);
  assert.equal(JSON.parse(json.stdout).events[0].event.name, name);
  const latest = await runMusterctl(target, ["explain", id, "-o", "json"]);
  assert.equal(JSON.parse(latest.stdout).events[0].event.name, name);
  const nothing = await runMusterctl(target, ["explain", "nothing-of-the-kind"]);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /neither an event nor a group/);
  const missing = await runMusterctl(target, ["explain", `accounts/${target.account}/events/nope`]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /EVENT_NOT_FOUND/);
});

test("plan tells what would be done and why, and with a target what that would lead to", async () => {
  const id = freshGroupId();
  const stdin = groupJson(target, id);
  await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
  const ran = await runMusterctl(target, ["plan", id, "--target", "4"]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /target 4\n {2}would create 2 servers: .*\(B4\.1 SHORTAGE\)\n/);
  assert.match(ran.stdout, /next look: /);
  const json = await runMusterctl(target, ["plan", id, "--json"]);
  assert.equal(JSON.parse(json.stdout).placements[0].actions[0].kind, "create");
  const wrong = await runMusterctl(target, ["plan", id, "--target", "-3"]);
  assert.equal(wrong.code, 2);
});
