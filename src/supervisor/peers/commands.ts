import type { AccountId, ColoId, GroupKey, PlacementKey } from "../../core/model/ids.js";
import type { PauseOrder } from "../../core/model/pause.js";
import type { RebuildOrder } from "../../core/model/rebuild.js";
import type { Receipt } from "../../core/model/scale-event.js";
import type { LedMarks } from "../../core/policy/join-marks.js";
import type { FeedEntry } from "../../core/ports/store.js";
import type {
  AdoptRequest,
  AuditBatch,
  AuditColo,
  ColoUseCases,
  ColoView,
  GroupSpec,
  OrphanView,
  RebuiltLedger,
  ServerUseCases,
  ServerView,
  SubmitScaleEvent,
} from "../api.js";
import type { Delivery } from "../placements/placement-state.js";
import type { ReportHealth, StandBy } from "../server-requests.js";

export interface LaunchCheck {
  readonly account: AccountId;
  readonly spec: GroupSpec;
  readonly allowUnverified: boolean;
}

/** How far a placement's end is, by the word of those who serve its colo. */
export interface Standing {
  /** Nothing of it is left in the cloud, nor may be, and nothing is wanted. */
  readonly isEmpty: boolean;
  /** It has no document any more. */
  readonly isGone: boolean;
}

interface Command<Request, Answer> {
  readonly request: Request;
  readonly answer: Answer;
}

/** Nothing but that it is done. */
type Done = null;

/**
 * What a node does for nodes of other colos, by name. Plain JSON both ways; each may be repeated
 * without doing more than once what it does. What is asked of a group is done in the colos that
 * the peer serves.
 */
export interface PeerCommands {
  /** The part of the check in the placement at `index`; what could not be checked. */
  readonly "launch.check": Command<LaunchCheck & { readonly index: number }, readonly string[]>;
  /** Events of the asked node's own feed behind a cursor of it: what did not arrive elsewhere. */
  readonly "feed.read": Command<
    { readonly after: string; readonly entriesMax: number },
    readonly FeedEntry[]
  >;
  readonly "scaling.submit": Command<SubmitScaleEvent & { readonly requestId: string }, Receipt>;
  /** Has the placements take the group's newest configuration. */
  readonly "groups.heed": Command<GroupKey, Done>;
  readonly "groups.pause": Command<Reasoned & OfProcesses, Done>;
  readonly "groups.resume": Command<GroupKey & OfProcesses, Done>;
  readonly "groups.converge": Command<GroupKey, Done>;
  readonly "groups.rebuild": Command<
    { readonly key: GroupKey; readonly order: RebuildOrder },
    Done
  >;
  readonly "groups.acknowledgeHold": Command<Reasoned, Done>;
  readonly "groups.confirmLedger": Command<Reasoned, Done>;
  readonly "placements.standing": Command<PlacementKey, Standing>;
  /** A target that was decided in another colo (B11.2); a newer one stands. */
  readonly "placements.target": Command<
    { readonly key: PlacementKey; readonly delivery: Delivery },
    Done
  >;
  /** Alerts, and what was decided on them, from a colo that led and does not any more (B11.2). */
  readonly "placements.marks": Command<
    { readonly key: PlacementKey; readonly led: LedMarks },
    Done
  >;
  /** What was said of the group's pause while nobody of the colo could be reached (B11.3). */
  readonly "placements.order": Command<
    { readonly key: PlacementKey; readonly order: PauseOrder },
    Done
  >;
  /** A person's word on the group's rebuild, said while nobody of the colo could be reached. */
  readonly "placements.rebuild": Command<
    { readonly key: PlacementKey; readonly order: RebuildOrder },
    Done
  >;
  /** Has a colo of the group tell those that could not be reached, once they can. */
  readonly "groups.keepOrder": Command<KeepOrder, Done>;
  readonly "servers.delete": Command<Parameters<ServerUseCases["delete"]>[0], ServerView>;
  readonly "servers.release": Command<Parameters<ServerUseCases["release"]>[0], ServerView>;
  readonly "servers.protect": Command<Parameters<ServerUseCases["protect"]>[0], ServerView>;
  readonly "servers.standBy": Command<StandBy, ServerView>;
  readonly "servers.setHealth": Command<ReportHealth, ServerView>;
  /** In the colos that the peer serves. */
  readonly "servers.orphans": Command<{ readonly account: AccountId }, readonly OrphanView[]>;
  readonly "servers.adopt": Command<AdoptRequest, ServerView>;
  readonly "servers.deleteOrphan": Command<
    Parameters<ServerUseCases["deleteOrphan"]>[0],
    OrphanView
  >;
  readonly "servers.rebuild": Command<GroupKey, RebuiltLedger>;
  /** Whether the colo makes servers, as far as the asked node knows. */
  readonly "colos.pulse": Command<{ readonly colo: ColoId }, { readonly mayStart: boolean }>;
  readonly "colos.get": Command<{ readonly colo: ColoId }, ColoView>;
  readonly "colos.setBrake": Command<Parameters<ColoUseCases["setBrake"]>[0], ColoView>;
  readonly "colos.clearBrake": Command<Parameters<ColoUseCases["clearBrake"]>[0], ColoView>;
  readonly "colos.repin": Command<
    Parameters<ColoUseCases["repin"]>[0],
    { readonly project: string; readonly before: string | null }
  >;
  /** All batches of it at once. */
  readonly "colos.audit": Command<AuditColo, readonly AuditBatch[]>;
  readonly "colos.quarantine": Command<
    Parameters<ColoUseCases["quarantine"]>[0],
    { readonly placements: number }
  >;
}

export interface KeepOrder {
  readonly key: GroupKey;
  /** On its pause, or on its rebuild. */
  readonly word: Pick<PauseOrder, "atMs" | "principal" | "pause" | "processes"> | RebuildOrder;
  readonly untold: readonly ColoId[];
  /** What was kept for them before is of yesterday. */
  readonly told: readonly ColoId[];
}

type OfProcesses = Pick<PauseOrder, "processes">;

interface Reasoned {
  readonly key: GroupKey;
  readonly reason: string;
}

export type CommandName = keyof PeerCommands;
