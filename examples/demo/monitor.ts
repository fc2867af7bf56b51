import { setTimeout as sleep } from "node:timers/promises";
import type { MusterClient } from "../../clients/node/index.js";
import { AlertState } from "../../src/gen/muster/v1/policy_pb.js";
import { ServerState } from "../../src/gen/muster/v1/server_service_pb.js";
import { name, policyPath } from "./group.js";
import { p95Of } from "./latencies.js";
import { measure, policies, thresholds } from "./settings.js";

/** A team's own monitor, as small as one can be: it measures, judges, and tells Muster. */
export interface Monitor {
  /** Until the signal; rejects when Muster cannot be told. */
  run(signal: AbortSignal): Promise<void>;
  now(): MonitorNow;
}

export interface MonitorNow {
  /** Over all servers, as they measure it themselves. */
  readonly p95Ms: number | undefined;
  readonly verdict: Verdict;
}

export type Verdict = "slow" | "fast" | "fine" | "unknown";

const scrapeTimeoutMs = 2_000;

export function createMonitor(client: MusterClient): Monitor {
  let now: MonitorNow = { p95Ms: undefined, verdict: "unknown" };
  const told = new Map<string, { readonly state: AlertState; readonly atMs: number }>();

  const tell = async (policy: string, state: AlertState, { p95Ms }: MonitorNow) => {
    const last = told.get(policy);
    const atMs = performance.now();
    if (last?.state === state && atMs - last.atMs < measure.refreshMs) return;
    const value = p95Ms === undefined ? {} : { value: p95Ms };
    const report = { policy: policyPath(policy), key: "latency-p95-ms", state, ...value };
    await client.scaling.reportAlert(report);
    told.set(policy, { state, atMs });
  };

  return {
    now: () => now,
    async run(signal) {
      while (!signal.aborted) {
        const p95Ms = p95Of(await scrape(client));
        now = { p95Ms, verdict: verdictOf(p95Ms) };
        await tell(policies.out.id, stateOf(now.verdict, "slow", AlertState.CRITICAL), now);
        await tell(policies.in.id, stateOf(now.verdict, "fast", AlertState.WARNING), now);
        await sleep(measure.periodMs, undefined, { signal }).catch(() => {});
      }
    },
  };
}

function verdictOf(p95Ms: number | undefined): Verdict {
  if (p95Ms === undefined) return "unknown";
  if (p95Ms > thresholds.slowMs) return "slow";
  return p95Ms < thresholds.fastMs ? "fast" : "fine";
}

function stateOf(verdict: Verdict, raisedBy: Verdict, raised: AlertState): AlertState {
  if (verdict === "unknown") return AlertState.UNKNOWN;
  return verdict === raisedBy ? raised : AlertState.OK;
}

/** The latest latencies of every server in service, from where Muster says that they are. */
async function scrape(client: MusterClient): Promise<readonly number[]> {
  const states = [ServerState.IN_SERVICE];
  const { servers } = await client.servers.listServers({ parent: name, states, pageSize: 1_000 });
  const answers = servers.map(async ({ address }) => {
    try {
      const signal = AbortSignal.timeout(scrapeTimeoutMs);
      const answer = await fetch(`http://${address}/stats`, { signal });
      return ((await answer.json()) as { readonly latenciesMs: readonly number[] }).latenciesMs;
    } catch {
      return []; // It left between the list and the call.
    }
  });
  return (await Promise.all(answers)).flat();
}
