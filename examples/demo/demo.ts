import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDaemon } from "./daemon.js";
import { createGroup, name, readCapacity } from "./group.js";
import { type Findings, findFlaws } from "./judge.js";
import { keptLines } from "./kept.js";
import { findProcesses, killProcesses } from "./processes.js";
import { group, patience } from "./settings.js";
import { createStage, type Stage } from "./stage.js";
import { tellStory } from "./story.js";
import type { Outcome, Summary, View } from "./view.js";
import { waitUntil, wordsOf } from "./wait.js";

export interface DemoOptions {
  readonly view: View;
  /** Leaves the daemon and the group running when all went well. */
  readonly keep: boolean;
  /** Ends the story early, and cleans up. */
  readonly signal: AbortSignal;
  /** Ends even the waiting for a clean end. */
  readonly hurry: AbortSignal;
}

/** Runs the whole demo. What goes wrong in it does not reject: then the summary is not ok. */
export async function runDemo(options: DemoOptions): Promise<Outcome> {
  const { view, keep } = options;
  const dir = await mkdtemp(join(tmpdir(), "muster-demo-"));
  const problems: string[] = [];
  let findings: Findings = {};
  const note = (more: Findings) => {
    findings = { ...findings, ...more };
  };
  const attempt = (work: Promise<unknown>) =>
    work.catch((error: unknown) => void problems.push(wordsOf(error)));

  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  let stage: Stage | undefined;
  view.chapter("the daemon starts, with an embedded store, a cloud of processes and a proxy");
  await attempt(
    startDaemon(dir, signal).then((daemon) => {
      stage = createStage(daemon);
    }),
  );
  const play = stage && createPlay({ ...options, stage, dir, note, signal, broken });
  if (play) await attempt(play.perform());
  const finished = problems.length === 0;
  const kept = keep && finished;
  if (play) await attempt(play.end(kept));

  const left = await findProcesses(dir);
  const summary = summarize({ stage, findings, left: left.length });
  const gaps = stage?.history.gaps() ?? [];
  problems.push(...findFlaws(summary, { finished, kept, gaps }));
  for (const problem of problems) view.problem(problem);
  const ok = problems.length === 0;
  if (kept && stage) return { summary: { ok, ...summary }, next: keptLines(stage.daemon, dir) };
  for (const one of left) view.problem(`was left, and is killed: ${one.pid} ${one.command}`);
  killProcesses(left);
  await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  return { summary: { ok, ...summary }, next: [] };
}

interface Play {
  /** @throws what broke the story */
  perform(): Promise<void>;
  /** @throws what kept it from ending cleanly; everything was tried all the same. */
  end(kept: boolean): Promise<void>;
}

function createPlay(
  parts: DemoOptions & {
    readonly stage: Stage;
    readonly dir: string;
    readonly note: (findings: Findings) => void;
    readonly broken: AbortController;
  },
): Play {
  const { stage, view, dir, note, signal, broken, hurry } = parts;
  const { client, daemon, history, load, monitor } = stage;
  const watching = new AbortController();
  const reporting = new AbortController();
  const tasks: Promise<void>[] = [];
  /** What fails beside the story ends the story. */
  const beside = (task: Promise<void>) => {
    tasks.push(task.catch((error: unknown) => broken.abort(error)));
  };
  return {
    async perform() {
      beside(history.run(watching.signal, view.event));
      beside(stage.watch(watching.signal, view));
      await createGroup(client, dir);
      beside(monitor.run(reporting.signal));
      await tellStory({ stage, view, signal, note });
    },
    async end(kept) {
      hurry.addEventListener("abort", () => void findProcesses(dir).then(killProcesses));
      reporting.abort();
      await load.stop();
      try {
        if (!kept) await deleteGroup(stage, view, hurry);
      } finally {
        watching.abort();
        await Promise.all(tasks);
        client.close();
        if (kept) daemon.detach();
        else await daemon.stop();
      }
    },
  };
}

/** Until the cloud has confirmed every server gone, and the event stream has told so. */
async function deleteGroup({ client, history }: Stage, view: View, hurry: AbortSignal) {
  if ((await readCapacity(client)) === undefined) return;
  view.chapter("the group is deleted, and the daemon stops");
  await client.groups.deleteGroup({ name, force: true });
  const limit = { withinMs: patience.goneMs, signal: hurry };
  const isGone = async () => (await readCapacity(client)) === undefined;
  await waitUntil("the group's end", isGone, limit);
  await waitUntil("the event of its end", () => history.saw("group.deleted"), limit);
  const { groups } = await client.groups.listGroups({ parent: `accounts/${group.account}` });
  if (groups.length > 0) throw new Error("the group is gone, but still listed");
}

function summarize(seen: {
  readonly stage: Stage | undefined;
  readonly findings: Findings;
  readonly left: number;
}): Omit<Summary, "ok"> {
  const { stage, findings, left } = seen;
  const { start, end, calmMs, loadedMs, scaledMs } = findings;
  return {
    start: start ?? null,
    peak: stage?.peak() ?? 0,
    end: end ?? null,
    left,
    events: stage?.history.count() ?? 0,
    p95Ms: { calm: calmMs ?? null, loaded: loadedMs ?? null, scaled: scaledMs ?? null },
  };
}
