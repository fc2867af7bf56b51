import { Agent, get } from "node:http";
import { createLatencyWindow, p95Of } from "./latencies.js";
import { connectionMs, measure } from "./settings.js";

/** Users of a web site: each sends its next request when the last one was answered. */
export interface Load {
  /** From now on so many. */
  setUsers(count: number): void;
  now(): LoadNow;
  /** The latencies of all requests that were answered since the last call. */
  take(): readonly number[];
  /** Resolves when no request is under way. */
  stop(): Promise<void>;
}

export interface LoadNow {
  readonly users: number;
  /** Of the last seconds; undefined when none was answered. */
  readonly p95Ms: number | undefined;
  readonly answeredPerS: number;
  /** Since the start. */
  readonly failed: number;
}

const requestTimeoutMs = 10_000;
/** A user who got no answer tries again after a while. */
const failedPauseMs = 200;
/** New users do not all arrive in one instant. */
const arrivalMs = 500;

export function createLoad(url: string): Load {
  const recent = createLatencyWindow(measure.windowMs);
  const leaving = new Set<Promise<void>>();
  const active: { leave: () => void; done: Promise<void> }[] = [];
  let taken: number[] = [];
  let failed = 0;

  const live = async (signal: AbortSignal) => {
    await pause(Math.random() * arrivalMs, signal);
    while (!signal.aborted) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const untilMs = performance.now() + connectionMs * (0.75 + Math.random() / 2);
      while (!signal.aborted && performance.now() < untilMs) {
        const latencyMs = await request(url, agent);
        if (latencyMs === undefined) {
          failed++;
          await pause(failedPauseMs, signal);
          break;
        }
        recent.add(latencyMs);
        taken.push(latencyMs);
      }
      agent.destroy();
    }
  };
  const setUsers = (count: number) => {
    while (active.length < count) {
      const stopping = new AbortController();
      active.push({ leave: () => stopping.abort(), done: live(stopping.signal) });
    }
    for (const { leave, done } of active.splice(count)) {
      leave();
      leaving.add(done);
      void done.finally(() => leaving.delete(done));
    }
  };
  return {
    setUsers,
    now() {
      const latenciesMs = recent.recent();
      const answeredPerS = Math.round((latenciesMs.length * 1_000) / measure.windowMs);
      return { users: active.length, p95Ms: p95Of(latenciesMs), answeredPerS, failed };
    },
    take() {
      const all = taken;
      taken = [];
      return all;
    },
    async stop() {
      setUsers(0);
      await Promise.all(leaving);
    },
  };
}

/** How long the answer took; undefined when there was none, or one that says no. */
function request(url: string, agent: Agent): Promise<number | undefined> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const sent = get(url, { agent, timeout: requestTimeoutMs }, (response) => {
      response.once("error", () => resolve(undefined));
      response.once("close", () => resolve(undefined)); // After `end` it changes nothing.
      response.once("end", () => {
        resolve(response.statusCode === 200 ? performance.now() - startedMs : undefined);
      });
      response.resume();
    });
    sent.once("timeout", () => sent.destroy());
    sent.once("error", () => resolve(undefined));
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
