import type { CloudDriver, CreateServer, ServerRef } from "../../src/core/ports/cloud.js";
import type { LoadBalancerDriver, MemberChange } from "../../src/core/ports/load-balancer.js";
import type { Commit } from "../../src/core/ports/store.js";
import type { EffectRecord } from "../../src/drivers/cloud-simulated/index.js";

/** What is listened to in a world: the truth, at the moment at which it becomes true. */
export interface Listener {
  /** It took effect in the store; nobody has heard of it yet. */
  committed?(commit: Commit): void;
  /** A call to the outside begins. */
  called?(call: OutsideCall): void;
  /** The same call is over, before its node knows. `fault`: what it threw. */
  answered?(call: OutsideCall, fault?: unknown): void;
  /** The cloud did it; nobody has heard of it yet. */
  done?(colo: string, effect: EffectRecord): void;
}

/** A call as it leaves a node. */
export type OutsideCall = Caller & (Creates | Deletes | ChangesMembers | Looks);

interface Caller {
  readonly node: string;
  readonly colo: string;
  readonly api: "cloud" | "loadBalancer";
}

interface Creates {
  readonly kind: "create";
  readonly account: string;
  readonly server: string;
}

interface Deletes {
  readonly kind: "delete";
  readonly account: string;
  readonly cloudId: string;
}

interface ChangesMembers {
  readonly kind: "members";
  readonly account: string;
  readonly loadBalancer: string;
  readonly changes: readonly MemberChange[];
}

interface Looks {
  readonly kind: "look";
  readonly operation: string;
}

export interface Taps {
  /** Returns how to stop listening. */
  listen(listener: Listener): () => void;
  readonly tell: Required<Listener>;
}

export function createTaps(): Taps {
  const listeners = new Set<Listener>();
  return {
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell: {
      committed(commit) {
        for (const one of listeners) one.committed?.(commit);
      },
      called(call) {
        for (const one of listeners) one.called?.(call);
      },
      answered(call, fault) {
        for (const one of listeners) one.answered?.(call, fault);
      },
      done(colo, effect) {
        for (const one of listeners) one.done?.(colo, effect);
      },
    },
  };
}

interface Tapped {
  readonly name: string;
  readonly colo: string;
  readonly taps: Taps;
}

/** The driver, telling of each call as it begins and ends. */
export function tappedCloud(driver: CloudDriver, tapped: Tapped): CloudDriver {
  return tap(driver, tapped, "cloud", (operation, args) => {
    if (operation === "createServer") {
      const { account, ownership } = args[0] as CreateServer;
      return { kind: "create", account, server: ownership.server };
    }
    if (operation === "deleteServer") {
      const { account, id } = args[0] as ServerRef;
      return { kind: "delete", account, cloudId: id };
    }
    return { kind: "look", operation };
  });
}

export function tappedBalancer(driver: LoadBalancerDriver, tapped: Tapped): LoadBalancerDriver {
  return tap(driver, tapped, "loadBalancer", (operation, args) => {
    if (operation !== "changeMembers") return { kind: "look", operation };
    const [{ account, id }, changes] = args as Parameters<LoadBalancerDriver["changeMembers"]>;
    return { kind: "members", account, loadBalancer: id, changes };
  });
}

function tap<Driver extends object>(
  driver: Driver,
  { name, colo, taps }: Tapped,
  api: Caller["api"],
  callOf: (
    operation: string,
    args: readonly unknown[],
  ) => Creates | Deletes | ChangesMembers | Looks,
): Driver {
  const methods = Object.entries(driver).map(([operation, value]) => {
    if (typeof value !== "function" || operation === "close") return [operation, value];
    return [
      operation,
      (...args: readonly unknown[]) => {
        const call: OutsideCall = { node: name, colo, api, ...callOf(operation, args) };
        taps.tell.called(call);
        const answer = (value as (...given: readonly unknown[]) => Promise<unknown>)(...args);
        answer.then(
          () => taps.tell.answered(call),
          (fault: unknown) => taps.tell.answered(call, fault),
        );
        return answer;
      },
    ];
  });
  return Object.fromEntries(methods) as Driver;
}
