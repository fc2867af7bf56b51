import type { CloudDriver } from "../../src/core/ports/cloud.js";
import type { LoadBalancerDriver, MemberChange } from "../../src/core/ports/load-balancer.js";
import type { Commit } from "../../src/core/ports/store.js";
import type { EffectRecord } from "../../src/drivers/cloud-simulated/index.js";

/** What is listened to in a world: the truth, at the moment at which it becomes true. */
export interface Listener {
  /** It took effect in the store; nobody has heard of it yet. */
  committed?(commit: Commit): void;
  /** A call to the outside begins. */
  called?(call: OutsideCall): void;
  /** The cloud did it; nobody has heard of it yet. */
  done?(colo: string, effect: EffectRecord): void;
}

/** A call as it leaves a node. */
export type OutsideCall = { readonly node: string; readonly colo: string } & (
  | {
      readonly kind: "create";
      readonly account: string;
      readonly server: string;
    }
  | { readonly kind: "delete"; readonly account: string; readonly cloudId: string }
  | {
      readonly kind: "members";
      readonly loadBalancer: string;
      readonly changes: readonly MemberChange[];
    }
  | { readonly kind: "look"; readonly operation: string }
);

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

/** The driver, telling of each call as it begins. */
export function tappedCloud(driver: CloudDriver, { name, colo, taps }: Tapped): CloudDriver {
  const of = { node: name, colo };
  const looks = Object.entries(driver).map(([operation, value]) => {
    if (typeof value !== "function") return [operation, value];
    return [
      operation,
      (...args: readonly unknown[]) => {
        taps.tell.called({ ...of, kind: "look", operation });
        return (value as (...given: readonly unknown[]) => unknown)(...args);
      },
    ];
  });
  return {
    ...(Object.fromEntries(looks) as CloudDriver),
    createServer(request, call) {
      const { account, ownership } = request;
      taps.tell.called({ ...of, kind: "create", account, server: ownership.server });
      return driver.createServer(request, call);
    },
    deleteServer(request, call) {
      const { account, id } = request;
      taps.tell.called({ ...of, kind: "delete", account, cloudId: id });
      return driver.deleteServer(request, call);
    },
  };
}

export function tappedBalancer(
  driver: LoadBalancerDriver,
  { name, colo, taps }: Tapped,
): LoadBalancerDriver {
  return {
    ...driver,
    changeMembers(loadBalancer, changes, call) {
      taps.tell.called({ node: name, colo, kind: "members", loadBalancer, changes });
      return driver.changeMembers(loadBalancer, changes, call);
    },
  };
}
