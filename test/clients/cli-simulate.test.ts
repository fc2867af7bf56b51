import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chartLines } from "../../clients/cli/chart.js";
import { runMusterctl } from "./musterctl.js";
import { freshGroupId, groupJson, openTarget, type Target } from "./target.js";

let target: Target;
let folder: string;
before(async () => {
  target = await openTarget();
  folder = await mkdtemp(join(tmpdir(), "musterctl-simulate-"));
});
after(async () => {
  await target.close();
  await rm(folder, { recursive: true });
});

const hourMs = 3_600_000;
const range = { fromMs: 0, untilMs: 24 * hourMs, columns: 49 };
const series = [
  {
    name: "in service",
    points: [
      { atMs: 0, value: 2 },
      { atMs: 12 * hourMs, value: 4 },
    ],
  },
  {
    name: "target",
    points: [
      { atMs: 0, value: 2 },
      { atMs: 11 * hourMs, value: 4 },
    ],
  },
];

test("B2.9 a picture without colours shows each course by itself, from 0, over its time", () => {
  const lines = chartLines(series, { ...range, isColored: false });
  assert.deepEqual(lines.slice(0, 6), [
    "in service",
    "     4 ┼                   ╭───────────────────",
    "     3 ┤                   │",
    "     2 ┼───────────────────╯",
    "     1 ┤",
    "     0 ┤",
  ]);
  assert.equal(lines[6], "target");
  assert.equal(lines.at(-1), "        1970-01-01 00:00        1970-01-02 00:00");
});

test("B2.9 with colours one picture holds them all, with its legend; nothing is 0 high", () => {
  const lines = chartLines(series, { ...range, isColored: true });
  assert.equal(lines.length, 1 + 5 + 1);
  assert.ok(lines[0]!.includes("in service") && lines[0]!.includes("target"));
  const none = [{ name: "target", points: [{ atMs: 0, value: 0 }] }];
  assert.equal(chartLines(none, { ...range, isColored: true }).length, 1 + 2 + 1);
});

test("B2.9 what lasted for less than a column of the picture is seen", () => {
  const points = [
    { atMs: 0, value: 1 },
    { atMs: hourMs, value: 3 },
    { atMs: hourMs + 1_000, value: 1 },
  ];
  const lines = chartLines([{ name: "target", points }], { ...range, isColored: false });
  assert.ok(lines[1]!.includes("╭╮"), lines.join("\n"));
});

test("B2.9 policies simulate shows the picture, each change with its reason, and the cost", async () => {
  const group = await made();
  const draft = await fileOf("draft.json", { id: "more", displayName: "More", change: 3 });
  const events = await fileOf("day.json", {
    events: [{ time: "2026-01-01T08:00:00Z", alert: { policy: "more", value: 0.9 } }],
  });
  const files = ["-f", draft, "--events", events, "--price", "small=0.12", "--boot", "3m"];
  const done = await runMusterctl(target, ["policy", "simulate", group, ...files]);
  assert.equal(done.code, 0, done.stderr);
  if (!target.fake) return;
  const told = done.stdout.split("\n");
  assert.ok(told.includes("in service") && told.includes("target as it was"), done.stdout);
  assert.ok(
    told.some((line) => line.includes("2 → 5  alert more: B2.2 APPLIED")),
    done.stdout,
  );
  assert.ok(told.includes("3 × refused (more): B2.5 COOLDOWN_POLICY"));
  assert.ok(told.includes("small: 96.0 server-hours, cost 11.5200"));
});

test("B2.9 with --json it is the answer itself", async () => {
  const group = await made();
  const done = await runMusterctl(target, [
    "policies",
    "simulate",
    group,
    "--from",
    "1h",
    "--json",
  ]);
  assert.equal(done.code, 0, done.stderr);
  assert.ok(Array.isArray(JSON.parse(done.stdout).capacity));
});

test("B1.2 what simulate cannot read is told before anything is sent", async () => {
  const wrong = await fileOf("wrong.json", { events: { time: "now" } });
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--events", wrong], /events are a JSON list/],
    [["--limits", "iad=2-4"], /colo=min\.\.max/],
    [["--events", "-", "-f", "-"], /standard input can be read once/],
  ];
  for (const [args, message] of cases) {
    const done = await runMusterctl(target, ["policies", "simulate", "web", ...args]);
    assert.equal(done.code, 2, args.join(" "));
    assert.match(done.stderr, message);
  }
});

async function made(): Promise<string> {
  const group = freshGroupId();
  const stdin = groupJson(target, group);
  const done = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
  assert.equal(done.code, 0, done.stderr);
  return group;
}

async function fileOf(name: string, json: object): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(json));
  return path;
}
