import assert from "node:assert/strict";
import { measureCallers } from "./callers.js";
import type { Written } from "./counted-store.js";
import { type BenchMuster, benchCaller, benchGroup } from "./muster.js";

const weighMs = 200;

export type Submit = (caller: number) => Promise<void>;

/** Every call moves the caller's own group's target. */
export function createSubmitter(muster: BenchMuster, requestIds: boolean): Submit {
  let asked = 0;
  const targets = new Map<number, number>();
  return async (caller) => {
    const target = targets.get(caller) === 1 ? 2 : 1;
    targets.set(caller, target);
    const receipt = await muster.supervisor.scaling.submit(
      {
        key: benchGroup(caller),
        source: "manual",
        ask: { kind: "target", target },
        ...(requestIds ? { requestId: `request-${asked++}` } : {}),
      },
      benchCaller,
    );
    assert.equal(receipt.outcome, "applied");
  };
}

/** What ours writes for an event, in number and in bytes. */
export async function weigh(muster: BenchMuster, callers: number, submit: Submit) {
  const before = muster.store.written();
  muster.store.weigh(true);
  const { calls } = await measureCallers({ callers, forMs: weighMs, call: submit });
  muster.store.weigh(false);
  const after = muster.store.written();
  const names = Object.keys(after) as (keyof Written)[];
  const grown = names.map((name) => [name, after[name] - before[name]] as const);
  return { events: calls, written: Object.fromEntries(grown) as unknown as Written };
}

/** One commit for one event, as large as ours. */
export function bareLoad(written: Written, events: number) {
  return {
    rowsPerCommit: Math.max(1, Math.round(written.rows / events)),
    eventsPerCommit: Math.max(1, Math.round(written.events / events)),
    rowBytes: Math.round(written.rowBytes / written.rows),
    eventBytes: Math.round(written.eventBytes / written.events),
  };
}

export function perEvent(written: Written, events: number): Written {
  const names = Object.keys(written) as (keyof Written)[];
  const shares = names.map((name) => [name, written[name] / events] as const);
  return Object.fromEntries(shares) as unknown as Written;
}

export function writtenText({ commits, rows, events, rowBytes, eventBytes }: Written): string {
  const numbers = `${commits.toFixed(2)} commits, ${rows.toFixed(2)} rows, ${events.toFixed(2)} events`;
  return `${numbers}, ${Math.round(rowBytes + eventBytes)} bytes`;
}
