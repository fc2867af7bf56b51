import type { Group } from "../../core/model/group.js";
import {
  type AccountId,
  type ColoId,
  type PlacementKey,
  placementText,
} from "../../core/model/ids.js";
import { type Policy, queryOf } from "../../core/model/policy.js";
import type { Metrics } from "../../core/ports/metrics.js";
import type { ScalingUseCases } from "../api.js";
import { createRoundRobin } from "../colo/round-robin.js";
import type { Context } from "../context.js";
import { withDeadline } from "../deadline.js";
import type { GroupEntry } from "../group-book.js";
import { createLater } from "../later.js";
import { measuredIndex } from "../placements/hints.js";
import { createNamedGroups, type Onlooker } from "../placements/named-groups.js";

/**
 * Asks for what policies with a query measure, and reports it like every monitor (B2.1). Whoever
 * works on the placement that decides asks: no queries, no work.
 */
export interface Measurer extends Onlooker {
  /** Leases may have been gained there. */
  stir(colo: ColoId): void;
  stop(): void;
}

const tickMs = 1_000;
/** How often each query is asked. */
const everyMs = 30_000;
/** Those that are new are spread over this, so that a node that starts does not ask all at once. */
const spreadMs = 5_000;
const answerMsMax = 10_000;
/** Queries at once: Prometheus has others to answer. Accounts take turns. */
const queriesMax = 8;

/** One policy's. */
interface Query {
  /** Tells it from all others. */
  readonly key: string;
  readonly account: AccountId;
  readonly placement: PlacementKey;
  policy: Policy;
  /** On the monotonic clock. */
  dueMs: number;
  standing: "idle" | "waiting" | "underWay";
  /** When it was last said that there are no data; undefined: there are. */
  missedMs?: number | undefined;
}

interface Armed {
  readonly placement: PlacementKey;
  readonly group: Group;
  readonly queries: ReadonlyMap<string, Query>;
}

/** The one alert key of what is measured by a query. */
const alertKey = "prometheus";

export function createMeasurer(
  context: Context,
  metrics: Metrics | undefined,
  { submit }: Pick<ScalingUseCases, "submit">,
): Measurer {
  const { clock, signal, log, ids } = context;
  const outcomes = context.meter.counter({
    ...{ name: "muster_queries_total", help: "Queries of policies, by how they ended." },
    labels: ["colo", "outcome"],
  });
  if (!metrics) return { look() {}, stir() {}, stop() {} };
  const later = createLater({ what: "measuring", clock, log, signal });
  const named = createNamedGroups(context, measuredIndex, { look });
  /** By placement. */
  const armed = new Map<string, Armed>();
  const waiting = createRoundRobin<Query>();
  let underWay = 0;
  let isTicking = false;

  function look(placement: PlacementKey, { group, policies }: GroupEntry): void {
    const text = placementText(placement);
    const before = armed.get(text)?.queries;
    const all = group && !group.deleting ? [...policies.values()] : [];
    const asking = all.filter((one) => queryOf(one) !== undefined);
    const queries = new Map(
      asking.map((one) => [one.uid, queryFor(before?.get(one.uid), placement, one)]),
    );
    for (const [uid, { key }] of before ?? []) if (!queries.has(uid)) waiting.remove(key);
    if (group && queries.size > 0) armed.set(text, { placement, group, queries });
    else armed.delete(text);
    if (isTicking || armed.size === 0) return;
    isTicking = true;
    later(0, tick);
  }

  function queryFor(before: Query | undefined, placement: PlacementKey, policy: Policy): Query {
    if (before) return Object.assign(before, { policy });
    const key = `${placementText(placement)}/${policy.uid}`;
    const dueMs = clock.monotonicMs() + ids.random() * spreadMs;
    return { key, account: placement.account, placement, policy, dueMs, standing: "idle" };
  }

  async function tick(): Promise<void> {
    for (const [text, { placement, group, queries }] of armed) {
      if (!context.colos.get(placement.colo)?.leases.holds(placement)) {
        // Whoever gains the lease reads the index.
        for (const { key } of queries.values()) waiting.remove(key);
        armed.delete(text);
      } else if (leads(placement, group)) for (const one of queries.values()) wait(one);
    }
    next();
    isTicking = armed.size > 0;
    if (isTicking) later(tickMs, tick);
  }

  /** One colo decides at a time, as far as colos reach each other (B11.2). */
  function leads({ colo }: PlacementKey, { placements }: Group): boolean {
    return placements.find((one) => context.coloWatch.isReached(one.colo))?.colo === colo;
  }

  function wait(one: Query): void {
    if (one.standing !== "idle" || one.dueMs > clock.monotonicMs()) return;
    one.standing = "waiting";
    waiting.push(one);
  }

  function next(): void {
    while (underWay < queriesMax) {
      const one = waiting.next();
      if (!one) return;
      underWay++;
      one.standing = "underWay";
      one.dueMs = clock.monotonicMs() + everyMs;
      void ask(one).finally(() => {
        underWay--;
        one.standing = "idle";
        next();
      });
    }
  }

  /** Never rejects. */
  async function ask(one: Query): Promise<void> {
    const { placement, policy } = one;
    const who = { ...placement, policy: policy.id };
    const found = await measure(policy);
    if (signal.aborted) return;
    outcomes.add({ colo: placement.colo, outcome: found.outcome });
    try {
      if (found.outcome === "measured") {
        one.missedMs = undefined;
        await report(one, { state: "ok", value: found.value });
      } else if (isToSay(one)) {
        if (one.missedMs === undefined) log.warn({ ...who, why: found.why }, "a query has no data");
        await report(one, { state: "unknown" });
        one.missedMs = clock.monotonicMs();
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ ...who, error: String(error) }, "what a query gave is lost");
    }
  }

  /** Missing data are UNKNOWN (B3.4): said at once, and again before that is forgotten. */
  function isToSay({ missedMs, policy }: Query): boolean {
    return missedMs === undefined || clock.monotonicMs() - missedMs >= policy.alert.timeToLiveMs;
  }

  async function measure(policy: Policy): Promise<Measured> {
    try {
      const value = await withDeadline(clock, { deadlineMs: answerMsMax, signal }, (within) =>
        metrics!.measure(queryOf(policy)!, { signal: within }),
      );
      if (value !== undefined) return { outcome: "measured", value };
      return { outcome: "empty", why: "the query gives nothing" };
    } catch (error) {
      return { outcome: "failed", why: error instanceof Error ? error.message : String(error) };
    }
  }

  async function report(
    { placement, policy }: Query,
    found: { readonly state: "ok" | "unknown"; readonly value?: number },
  ): Promise<void> {
    const key = { account: placement.account, group: placement.group };
    const ask = { kind: "alert", policy: policy.id, key: alertKey, ...found } as const;
    await submit({ key, source: "alert", ask }, { principal: "muster:query", signal });
  }

  return {
    look,
    stir: named.stir,
    stop() {
      later.stop();
      named.stop();
    },
  };
}

type Measured =
  | { readonly outcome: "measured"; readonly value: number }
  | { readonly outcome: "empty" | "failed"; readonly why: string };
