import { type Cause, cause } from "../../core/model/cause.js";
import type { OperationClass } from "../../core/model/colo.js";
import type { AccountId, PlacementKey, ServerId } from "../../core/model/ids.js";
import { callStopped, pauseStops } from "../../core/model/pause.js";
import type { PlacementState } from "../placements/placement-state.js";
import type { Brakes } from "./brakes.js";

/**
 * The one gate in front of every change to the outside, asked immediately before the call (B9.1):
 * shutting down, lease, kill switch, pause, the account's credentials.
 */
export interface Gate {
  /**
   * Why the operation may not start now; undefined: it may.
   *
   * @param server the one that is made or deleted: a single process of the group may be paused.
   */
  refusal(
    operation: OperationClass | "tag",
    key: PlacementKey,
    server?: ServerId,
  ): Cause | undefined;
}

/** A node that has not read the kill switch for so long makes no creates (B9.1). */
const switchAgeMsMax = 1_000;

export function createGate(deps: {
  readonly brakes: Brakes;
  readonly holdsLease: (key: PlacementKey) => boolean;
  readonly peek: (key: PlacementKey) => PlacementState | undefined;
  readonly isStopping: () => boolean;
  /** Why the cloud would refuse the account's own credentials (B9.7). */
  readonly denied: (account: AccountId) => Cause | undefined;
}): Gate {
  return {
    refusal(operation, key, server) {
      const braked = (reason: string) => cause("B9.1", "BRAKED", { operation, reason });
      if (deps.isStopping()) return braked("this node is shutting down");
      if (!deps.holdsLease(key)) return braked("this node does not hold the placement's lease");
      const brake = deps.brakes.inForce().find((one) => one.operation === operation);
      if (brake?.source === "file") return braked(`${brake.reason} (${brake.principal})`);
      if (brake) return braked(brake.reason);
      if (operation === "create" && deps.brakes.ageMs() > switchAgeMsMax)
        return braked("the kill switch could not be read for more than a second");
      const state = deps.peek(key);
      if (!state) return braked("the placement has to be read again first");
      const paused = state.doc?.paused;
      if (paused && pauseStops(paused, operation))
        return cause("B8.3", "PAUSED", { reason: paused.reason });
      const row = server && state.servers.get(server);
      const stop =
        state.doc && row && operation !== "tag" && callStopped(state.doc, operation, row);
      if (stop) return stop;
      return operation === "loadBalancer" ? undefined : deps.denied(key.account);
    },
  };
}
