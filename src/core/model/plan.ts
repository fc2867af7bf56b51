import type { Cause } from "./cause.js";
import type { EventType } from "./event.js";
import type { LaunchChoice } from "./group.js";
import type { CloudServerId, ServerId } from "./ids.js";
import type { Step } from "./observation.js";
import type { OrphanRow } from "./orphan.js";
import type { PlacementDoc } from "./placement.js";
import type { ServerRow } from "./server.js";

/** The next bounded move of a placement: what to write down first, then what to do. */
export interface Plan {
  readonly doc: PlacementDoc;
  /** Rows that changed; those in state `gone` leave the ledger for the history. */
  readonly rows: readonly ServerRow[];
  /** How many new intentions to commit. */
  readonly creates: number;
  /** What each of them is made as (B4.7). */
  readonly choices: readonly PlannedLaunch[];
  /** So many of them, the first ones, take places of servers that were lost or are rebuilt. */
  readonly replaces: number;
  readonly createCause: Cause | undefined;
  /** More are wanted than may be asked for now: a free slot is worth another look. */
  readonly isShort: boolean;
  /** Intentions whose create call waits in the queue and is no longer wanted. */
  readonly withdraw: readonly ServerId[];
  /** Look each of these up before anything is concluded from its absence, then plan again. */
  readonly lookUps: readonly CloudServerId[];
  readonly steps: readonly Step[];
  readonly events: readonly PlannedEvent[];
  /** For the tally of the colo (B9.2): servers that were once healthy, and how many are suspected. */
  readonly suspicion: { readonly known: number; readonly suspected: number };
  readonly orphans: readonly OrphanRow[];
  readonly orphansGone: readonly CloudServerId[];
  /** Ledger and listing agree: a doubt about them is over (B9.5). */
  readonly agrees: boolean;
  /** When to look again at the latest; undefined: nothing is on its way. */
  readonly wakeAtMs: number | undefined;
}

/** One server that is to be made. */
export interface PlannedLaunch {
  /** The launch revision that it is made from (B8.5). */
  readonly revision: number;
  readonly choice: LaunchChoice;
}

export interface PlannedEvent {
  readonly type: EventType;
  readonly server?: ServerId;
  readonly causes: readonly Cause[];
}
