import type { ColoId, NodeId, PlacementKey } from "../core/model/ids.js";
import type { NextOccurrence } from "../core/policy/agenda.js";
import type { Clock, Ids } from "../core/ports/clock.js";
import type { Log } from "../core/ports/log.js";
import type { Meter } from "../core/ports/meter.js";
import type { Store } from "../core/ports/store.js";
import type { Colo } from "./colo/colo.js";
import type { DemandWatch } from "./demand-watch.js";
import type { EventMaker } from "./events/event-maker.js";
import type { GroupBook } from "./group-book.js";
import type { Hands } from "./hands.js";
import type { Monitor } from "./monitor/monitor.js";
import type { Elsewhere } from "./peers/ask-peer.js";
import type { ColoWatch } from "./peers/colo-watch.js";
import type { PlacementBook } from "./placements/placement-book.js";

/** What the supervisor's parts share. Made once, by `createSupervisor`. */
export interface Context {
  readonly installation: string;
  readonly node: NodeId;
  /**
   * Names this life of this node: intentions that another life committed are never called again.
   */
  readonly attemptId: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly meter: Meter;
  readonly store: Store;
  readonly groups: GroupBook;
  readonly placements: PlacementBook;
  /** Those that are served here. */
  readonly colos: ReadonlyMap<ColoId, Colo>;
  /** The installation's other colos; undefined: there are none. */
  readonly elsewhere: Elsewhere | undefined;
  readonly coloWatch: Pick<ColoWatch, "healthOf" | "isReached" | "copySeenAtMs">;
  readonly demand: DemandWatch;
  readonly events: EventMaker;
  /** When timings fall due. */
  readonly nextOccurrence: NextOccurrence;
  readonly monitor: Pick<Monitor, "answered">;
  /** Ends every wait when the node stops. */
  readonly signal: AbortSignal;
  /** Looks at a placement soon. Cheap; many wakes are one turn. */
  readonly wake: (key: PlacementKey) => void;
  /** The same, because somebody asked for something: before all that nobody waits for. */
  readonly wakeNow: (key: PlacementKey) => void;
  /** What the node does of its own accord goes through them. */
  readonly hands: Pick<Hands, "take">;
}
