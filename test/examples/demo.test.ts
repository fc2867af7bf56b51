import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { createSequenceCheck } from "../../examples/demo/history.js";
import { type Circumstances, findFlaws } from "../../examples/demo/judge.js";
import { p95Of } from "../../examples/demo/latencies.js";
import { findProcesses, killProcesses } from "../../examples/demo/processes.js";
import type { Summary } from "../../examples/demo/view.js";
import { runExample } from "./programs.js";

/** All that a demo makes is made in there, so that nothing of it can hide. */
async function homeOf(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "muster-demo-test-"));
  t.after(async () => {
    killProcesses(await findProcesses(home));
    await rm(home, { recursive: true, force: true });
  });
  return home;
}

type Line = { readonly type?: string } & Readonly<Record<string, unknown>>;
const linesOf = (stdout: string): readonly Line[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

test("the demo scales out under load and back in, and leaves nothing", async (t) => {
  const home = await homeOf(t);
  const run = await runExample("demo/main.js", { args: ["--json"], env: { TMPDIR: home } });
  const lines = linesOf(run.stdout);
  const problems = lines.filter(({ type }) => type === "problem");
  assert.deepEqual(
    { code: run.code, problems, stderr: run.stderr },
    {
      ...{ code: 0, problems: [], stderr: "" },
    },
  );

  const { p95Ms, ...summary } = lines.at(-1) as unknown as Summary;
  const { calm, loaded, scaled } = p95Ms;
  const events = lines.filter(({ type }) => type === "event");
  assert.deepEqual(
    { ...summary, peak: undefined },
    { ok: true, start: 2, peak: undefined, end: 2, left: 0, events: events.length },
  );
  assert.ok(summary.peak > 4, `it circled back: ${summary.peak} servers`);
  assert.ok(calm! < scaled! && scaled! < loaded!, JSON.stringify(p95Ms));
  assert.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_, index) => index + 1),
    "the event stream has no gap",
  );
  assert.deepEqual(await readdir(home), [], "its folder is gone");
  assert.deepEqual(await findProcesses(home), [], "its processes are gone");
});

test("a daemon that dies fails the demo, which ends what it left", async (t) => {
  const home = await homeOf(t);
  let victims = 0;
  const killed: Promise<void>[] = [];
  const { code, stdout } = await runExample("demo/main.js", {
    args: ["--json"],
    env: { TMPDIR: home },
    onLine(line) {
      const { type, inService } = JSON.parse(line) as Line;
      if (type !== "sample" || inService !== 2 || killed.length > 0) return;
      const kill = async () => {
        const daemons = (await findProcesses(home)).filter(({ command }) =>
          command.includes("src/main.js"),
        );
        victims = daemons.length;
        killProcesses(daemons);
      };
      killed.push(kill());
    },
  });
  await Promise.all(killed);
  assert.equal(victims, 1, "the daemon was killed");
  assert.equal(code, 1, stdout);
  const { ok, left } = linesOf(stdout).at(-1) as unknown as Summary;
  assert.deepEqual({ ok, left }, { ok: false, left: 2 }, "its servers outlive it");
  assert.deepEqual(await readdir(home), [], "its folder is gone");
  assert.deepEqual(await findProcesses(home), [], "its servers were ended");
});

test("Ctrl-C ends the demo cleanly in the middle", async (t) => {
  const home = await homeOf(t);
  let serversSeen = 0;
  const { code, stdout } = await runExample("demo/main.js", {
    args: ["--json"],
    env: { TMPDIR: home },
    onLine(line, kill) {
      const { event } = JSON.parse(line) as Line;
      if (event === "server.in_service" && ++serversSeen === 2) kill("SIGINT");
    },
  });
  assert.equal(serversSeen, 2, "it had servers to clean up");
  assert.equal(code, 130, stdout);
  const { ok, left } = linesOf(stdout).at(-1) as unknown as Summary;
  assert.deepEqual({ ok, left }, { ok: false, left: 0 });
  assert.deepEqual(await readdir(home), [], "its folder is gone");
  assert.deepEqual(await findProcesses(home), [], "its processes are gone");
});

test("the demo's verdict names every flaw", () => {
  const fine = {
    ...{ start: 2, peak: 8, end: 2, left: 0, events: 90 },
    p95Ms: { calm: 100, loaded: 1_200, scaled: 300 },
  };
  const flaws = (change: Partial<typeof fine>, seen: Partial<Circumstances> = {}) => {
    const usual = { finished: true, kept: false, gaps: [] };
    return findFlaws({ ...fine, ...change }, { ...usual, ...seen }).length;
  };
  assert.equal(flaws({}), 0);
  assert.equal(flaws({ peak: 2 }), 1);
  assert.equal(flaws({ end: 3 }), 1);
  assert.equal(flaws({ left: 1 }), 1);
  assert.equal(flaws({ left: 3 }, { kept: true }), 0, "what was asked for is no flaw");
  assert.equal(flaws({ p95Ms: { ...fine.p95Ms, scaled: 1_200 } }), 1);
  assert.equal(flaws({}, { gaps: ["web@local: 7 came instead of 6"] }), 1);
  assert.equal(flaws({ peak: 2, left: 1 }, { finished: false }), 1, "only how it cleaned up");
});

test("a hole in the event stream is noticed, and so is a repeat", () => {
  const check = createSequenceCheck();
  const take = (sequence: bigint) => check.take({ group: "g", colo: "c", sequence });
  [1n, 2n, 4n, 4n, 5n].forEach(take);
  assert.deepEqual(check.gaps(), ["g@c: 4 came instead of 3", "g@c: 4 came instead of 5"]);
});

test("p95 is the value that 95 of 100 stay within", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(p95Of(hundred.toReversed()), 95);
  assert.equal(p95Of([7]), 7);
  assert.equal(p95Of([]), undefined);
});
