import type { Findings } from "./judge.js";
import { p95Of } from "./latencies.js";
import { chapters, group, patience, thresholds, users } from "./settings.js";
import type { Stage } from "./stage.js";
import type { View } from "./view.js";
import { waitFor, waitUntil } from "./wait.js";

export interface Telling {
  readonly stage: Stage;
  readonly view: View;
  readonly signal: AbortSignal;
  /** Told at once, so that a story which breaks off still has its beginning. */
  readonly note: (findings: Findings) => void;
}

/** Calm, load, scaled out, calm again. Waits for what happens, not for the clock. */
export async function tellStory(telling: Telling): Promise<void> {
  await beCalm(telling);
  await overload(telling);
  await enjoy(telling);
  await calmDown(telling);
}

async function beCalm({ stage, view, signal, note }: Telling): Promise<void> {
  const { load, capacity } = stage;
  view.chapter(`${group.min} servers start`);
  const started = () => capacity().inService === group.min && capacity().pending === 0;
  await waitUntil("the first servers", started, { withinMs: patience.startMs, signal });
  note({ start: capacity().inService });

  view.chapter(`calm: ${users.calm} users`);
  load.setUsers(users.calm);
  await waitFor(chapters.calmMs, signal);
  note({ calmMs: p95Of(load.take()) });
}

async function overload({ stage, view, signal, note }: Telling): Promise<void> {
  const { load, monitor, capacity } = stage;
  view.chapter(`load: ${users.loaded} users; over ${thresholds.slowMs} ms is an alert`);
  load.setUsers(users.loaded);
  const grew = () => capacity().inService > group.min;
  await waitUntil("scaling out", grew, { withinMs: patience.scaleOutMs, signal });
  note({ loadedMs: p95Of(load.take()) });

  view.chapter("load: while the alert stands, the policy circles back every 30 s");
  const ended = () => monitor.now().verdict !== "slow" && capacity().pending === 0;
  await waitUntil("the alert's end", ended, { withinMs: patience.alertEndsMs, signal });
}

async function enjoy({ stage, view, signal, note }: Telling): Promise<void> {
  const { load, capacity } = stage;
  view.chapter(`scaled out: the same load on ${capacity().inService} servers`);
  await waitFor(chapters.settleMs, signal);
  load.take();
  await waitFor(chapters.scaledMs, signal);
  note({ scaledMs: p95Of(load.take()) });
}

async function calmDown({ stage, view, signal, note }: Telling): Promise<void> {
  const { load, capacity } = stage;
  view.chapter(`calm again: ${users.calm} users; the group gives servers back`);
  load.setUsers(users.calm);
  const isBack = () => {
    const { target, inService, pending, leaving } = capacity();
    return target === group.min && inService === group.min && pending + leaving === 0;
  };
  await waitUntil("scaling in", isBack, { withinMs: patience.scaleInMs, signal });
  note({ end: capacity().inService });
}
