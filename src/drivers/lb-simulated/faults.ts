import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { LoadBalancerId } from "../../core/model/ids.js";
import type { Ids } from "../../core/ports/clock.js";

/** What may go wrong with a simulated load balancer. */
export type BalancerFault =
  /** Another change is pending: refused, try later. */
  | { readonly kind: "immutable"; readonly retryAfterMs?: number }
  | { readonly kind: "throttled"; readonly retryAfterMs?: number }
  /** Refused before anything was done, by an answer or by none. */
  | { readonly kind: "unavailable" }
  /** The load balancer itself is said not to exist. */
  | { readonly kind: "notFound" }
  | { readonly kind: "denied" }
  /** Done, but nobody hears of it. */
  | { readonly kind: "lostAnswer" }
  /** The first half of the changes is taken, then the call fails. */
  | { readonly kind: "partial" }
  /** The call takes `delayMs` longer. */
  | { readonly kind: "slow"; readonly delayMs: number };

export type BalancerMethod = "listMembers" | "changeMembers";

/** Where and how often a fault strikes. */
export interface FaultRule {
  readonly fault: BalancerFault;
  /** Default: `changeMembers` alone. */
  readonly methods?: readonly BalancerMethod[];
  /** Default: all. */
  readonly loadBalancer?: LoadBalancerId;
  /** Share of the calls that are struck, in [0, 1]; default 1. */
  readonly share?: number;
  /** Strikes so often at most; default: until stopped. */
  readonly times?: number;
}

/** A fault at work. Every test that injects one asserts that it fired. */
export interface InjectedFault {
  fired(): number;
  stop(): void;
}

export interface FaultBoard {
  inject(rule: FaultRule): InjectedFault;
  /** Stops all faults: the world heals. */
  heal(): void;
  /** The faults that strike this call, in the order of their injection. Counts them. */
  strike(method: BalancerMethod, loadBalancer: LoadBalancerId): readonly BalancerFault[];
  /** How often each kind has struck, stopped or not. */
  fired(): ReadonlyMap<BalancerFault["kind"], number>;
}

export function createFaultBoard(ids: Ids): FaultBoard {
  const active = new Map<FaultRule, { fired: number }>();
  const totals = new Map<BalancerFault["kind"], number>();

  const strikes = (rule: FaultRule, method: BalancerMethod, loadBalancer: LoadBalancerId) => {
    const methods = rule.methods ?? ["changeMembers"];
    if (!methods.includes(method)) return false;
    if (rule.loadBalancer !== undefined && rule.loadBalancer !== loadBalancer) return false;
    // Chance is drawn only where it decides, so that certain faults move no other draw.
    return rule.share === undefined || ids.random() < rule.share;
  };

  return {
    inject(rule) {
      const own = { ...rule }; // The same rule may be injected twice.
      const count = { fired: 0 };
      active.set(own, count);
      return { fired: () => count.fired, stop: () => void active.delete(own) };
    },
    heal: () => active.clear(),
    strike(method, loadBalancer) {
      const struck: BalancerFault[] = [];
      for (const [rule, count] of active) {
        if (!strikes(rule, method, loadBalancer)) continue;
        count.fired++;
        totals.set(rule.fault.kind, (totals.get(rule.fault.kind) ?? 0) + 1);
        struck.push(rule.fault);
        if (rule.times !== undefined && count.fired >= rule.times) active.delete(rule);
      }
      return struck;
    },
    fired: () => new Map(totals),
  };
}

/** The fault that refuses a call before anything is done; undefined for those that strike later. */
export function refusalOf(fault: BalancerFault): OutsideFault | undefined {
  switch (fault.kind) {
    case "immutable":
      return new OutsideFault("conflict", "load balancer is immutable, try later", retry(fault));
    case "throttled":
      return new OutsideFault("throttled", "too many requests", retry(fault));
    case "unavailable":
      return new OutsideFault("temporary", "load balancer service is unavailable");
    case "notFound":
      return new OutsideFault("notFound", "no such load balancer");
    case "denied":
      return new OutsideFault("denied", "not allowed to change this load balancer");
    case "lostAnswer":
    case "partial":
    case "slow":
      return undefined;
    default:
      return fault satisfies never;
  }
}

function retry({ retryAfterMs }: { readonly retryAfterMs?: number }) {
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}
