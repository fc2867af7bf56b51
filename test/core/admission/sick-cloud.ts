import { admit, createAdmissionState, inFlightAllowed } from "../../../src/core/admission/admit.js";
import { answered } from "../../../src/core/admission/answer.js";
import type {
  AdmissionLimits,
  AdmissionState,
  CallOutcome,
} from "../../../src/core/admission/model.js";
import { createRandom } from "../../simulation/virtual-clock.js";

/**
 * A cloud with a queue inside, seen through one admission controller or none. It works on `workers`
 * calls at once, each for `serviceMs`; one that its caller gave up is worked on all the same.
 */
export interface CloudModel {
  /** Workers at a moment: an outage takes them away. */
  readonly workers: (nowMs: number) => number;
  readonly serviceMs: number;
  /** What the cloud answers at once without any work, if it does. */
  readonly fault?: (nowMs: number, random: () => number) => CallOutcome | undefined;
  readonly deadlineMs: number;
}

export interface Run {
  readonly state: AdmissionState;
  readonly served: number;
  readonly offered: number;
  /** When the cloud's queue was last longer than its workers. */
  readonly queuedUntilMs: number;
  readonly peakBusy: number;
  /** Most calls that the cloud worked on or had queued, by second. */
  readonly busyBySecond: readonly number[];
  /** Calls begun by second. */
  readonly begunBySecond: readonly number[];
  readonly phases: ReadonlySet<string>;
}

interface Work {
  readonly startedMs: number;
  leftMs: number;
  isGivenUp: boolean;
}

const tickMs = 10;

/** Runs a client that always has `wanted` calls to make, for so long. */
export function runCloud(
  cloud: CloudModel,
  client: { readonly limits: AdmissionLimits; readonly brakes: boolean; readonly seed: number },
  demand: (nowMs: number) => number,
  forMs: number,
): Run {
  const random = createRandom(client.seed);
  const { limits } = client;
  let state = createAdmissionState(limits, 0);
  let work: Work[] = [];
  let inFlight = 0;
  const seen = { served: 0, offered: 0, queuedUntilMs: 0, peakBusy: 0 };
  const begunBySecond: number[] = [];
  const busyBySecond: number[] = [];
  const phases = new Set<string>();

  function end(nowMs: number, startedMs: number, outcome: CallOutcome): void {
    inFlight--;
    if (!client.brakes) return;
    const call = { operation: "create", outcome, startedMs };
    state = answered(state, limits, call, { nowMs, share: 1, random: random() });
  }

  for (let nowMs = 0; nowMs < forMs; nowMs += tickMs) {
    phases.add(state.phase);
    const workers = cloud.workers(nowMs);
    const done: Work[] = [];
    for (const one of work.slice(0, workers)) {
      one.leftMs -= tickMs;
      if (one.leftMs <= 0) done.push(one);
    }
    work = work.filter((one) => !done.includes(one));
    for (const one of done) {
      if (one.isGivenUp) continue;
      seen.served++;
      end(nowMs, one.startedMs, "good");
    }
    for (const one of work) {
      if (one.isGivenUp || nowMs - one.startedMs < cloud.deadlineMs) continue;
      one.isGivenUp = true;
      end(nowMs, one.startedMs, "timedOut");
    }
    const wanted = demand(nowMs);
    for (let left = wanted - inFlight; left > 0; left--) {
      if (client.brakes) {
        const admitted = admit(state, { nowMs, share: 1, random: random() });
        if (admitted.kind === "wait") break;
        const allowed = inFlightAllowed(admitted.state, 1);
        if (admitted.state.inFlight > allowed) throw new Error("more in flight than allowed");
        state = admitted.state;
      }
      inFlight++;
      seen.offered++;
      const second = Math.floor(nowMs / 1_000);
      begunBySecond[second] = (begunBySecond[second] ?? 0) + 1;
      const fault = cloud.fault?.(nowMs, random);
      if (fault) end(nowMs, nowMs, fault);
      else work.push({ startedMs: nowMs, leftMs: cloud.serviceMs, isGivenUp: false });
    }
    seen.peakBusy = Math.max(seen.peakBusy, work.length);
    const now = Math.floor(nowMs / 1_000);
    busyBySecond[now] = Math.max(busyBySecond[now] ?? 0, work.length);
    if (work.length > cloud.workers(nowMs)) seen.queuedUntilMs = nowMs;
  }
  return { ...seen, state, begunBySecond, busyBySecond, phases };
}
