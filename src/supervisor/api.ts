import type { OperationClass } from "../core/model/colo.js";
import type { MusterEvent } from "../core/model/event.js";
import type { Explanation } from "../core/model/explanation.js";
import type { Group } from "../core/model/group.js";
import type { GroupCheck } from "../core/model/group-check.js";
import type { GroupPlan } from "../core/model/group-plan.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  EventId,
  GroupId,
  GroupKey,
  PlacementKey,
  ServerId,
} from "../core/model/ids.js";
import type { OrphanRow } from "../core/model/orphan.js";
import type { Processes } from "../core/model/pausable.js";
import type { Receipt, ScaleAsk } from "../core/model/scale-event.js";
import type { ServerRow, ServerState } from "../core/model/server.js";
import type { JournalPage, JournalQuery } from "../core/ports/journal.js";
import type { PeerDoor } from "../core/ports/peers.js";
import type { AccessUseCases } from "./access.js";
import type { Caller } from "./caller.js";
import type { AuditBatch, AuditColo, ColoView } from "./colo-views.js";
import type { GroupView, RebuildGroup } from "./group-views.js";
import type { NotifierUseCases } from "./notifiers.js";
import type { Page } from "./page.js";
import type { PolicyUseCases } from "./policies.js";
import type { ScheduleUseCases } from "./schedules/use-cases.js";
import type { ReportHealth, StandBy } from "./server-requests.js";
import type { WebhookUseCases } from "./webhooks.js";

export type { AuditBatch, AuditColo, ColoAdmission, ColoView } from "./colo-views.js";
export type {
  GivenRebuildOptions,
  GroupView,
  PlacementView,
  RebuildGroup,
  RebuildView,
  RebuildWord,
} from "./group-views.js";

/**
 * What the service can do, free of any wire. The doors (server, embedders) call only this.
 * Every method throws Faults; every change is durable when its promise resolves.
 */
export interface Supervisor {
  readonly groups: GroupUseCases;
  readonly policies: PolicyUseCases;
  readonly webhooks: WebhookUseCases;
  readonly schedules: ScheduleUseCases;
  readonly notifiers: NotifierUseCases;
  readonly scaling: ScalingUseCases;
  readonly servers: ServerUseCases;
  readonly events: EventUseCases;
  readonly colos: ColoUseCases;
  readonly access: AccessUseCases;
  /** For nodes of the installation's other colos alone. */
  readonly peer: PeerDoor;
  /** Since the store last told a colo's kill switch; that of the colo for which it is longest. */
  switchAgeMs(): number;
  /** Loads what was under way and goes on with it. */
  start(): Promise<void>;
  /** Starts no new step, lets running ones finish for at most `graceMs`, gives its leases back. */
  stop(graceMs: number): Promise<void>;
}

export type { PolicySpec, PolicyUseCases } from "./policies.js";
export type { Caller, Page };

export interface GroupUseCases {
  create(request: CreateGroup, caller: Caller): Promise<CreatedGroup>;
  get(key: GroupKey, caller: Caller): Promise<GroupView>;
  list(request: ListGroups, caller: Caller): Promise<Page<GroupView>>;
  /** `change` is pure and may run more than once; it may throw Faults of its own. */
  update(request: UpdateGroup, caller: Caller): Promise<CreatedGroup>;
  /** Resolves to whether the group still drains. */
  delete(request: DeleteGroup, caller: Caller): Promise<{ readonly draining: boolean }>;
  /** `processes`: only these, each by itself; undefined: all, and with `resume` all that is (B8.1). */
  pause(key: GroupKey, reason: string, caller: Caller, processes?: Processes): Promise<GroupView>;
  resume(key: GroupKey, caller: Caller, processes?: Processes): Promise<GroupView>;
  /** What a person says of the group's rebuild (B8.5). Each word may be repeated. */
  rebuild(request: RebuildGroup, caller: Caller): Promise<GroupView>;
  /** Lets replacement go on for a while although too much is suspected (B9.2, B9.7). */
  acknowledgeHold(key: GroupKey, reason: string, caller: Caller): Promise<GroupView>;
  converge(key: GroupKey, caller: Caller): Promise<void>;
  /** Ends a quarantine: a person says that the ledger is right (B9.5). Idempotent. */
  confirmLedger(
    request: { readonly key: GroupKey; readonly reason: string },
    caller: Caller,
  ): Promise<GroupView>;
  /** What would be done now, and why; with a target, as if it had been set. Does nothing. */
  plan(
    request: { readonly key: GroupKey; readonly target?: number },
    caller: Caller,
  ): Promise<GroupPlan>;
  /** Whether it is going to work, as stored or as `spec` has it; changes nothing. */
  check(
    request: { readonly key: GroupKey; readonly spec?: GroupSpec },
    caller: Caller,
  ): Promise<GroupCheck>;
}

/** What a user gives of a group; the rest is the service's own. */
export type GroupSpec = Omit<
  Group,
  | "account"
  | "id"
  | "uid"
  | "generation"
  | "createdAtMs"
  | "updatedAtMs"
  | "launchRevision"
  | "launches"
  | "firstTarget"
  | "deleting"
  | "maxLowered"
  | "changedBy"
>;

export interface CreateGroup {
  readonly account: AccountId;
  /** Made up when undefined. */
  readonly group?: GroupId;
  readonly spec: GroupSpec;
  /** The first total target; the sum of min when undefined. */
  readonly target?: number;
  readonly requestId?: string;
  readonly validateOnly: boolean;
  readonly allowUnverified: boolean;
}

export interface CreatedGroup {
  readonly view: GroupView;
  readonly warnings: readonly string[];
}

export interface UpdateGroup {
  readonly key: GroupKey;
  readonly change: (spec: GroupSpec) => GroupSpec;
  /** The generation that the caller saw. */
  readonly expectedGeneration?: number;
  readonly validateOnly: boolean;
  readonly allowUnverified: boolean;
}

export interface DeleteGroup {
  readonly key: GroupKey;
  readonly force: boolean;
  readonly expectedGeneration?: number;
}

export interface ListGroups {
  readonly account: AccountId;
  readonly pageSize: number;
  /** Id of the last group of the page before. */
  readonly after?: GroupId;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ScalingUseCases {
  submit(request: SubmitScaleEvent, caller: Caller): Promise<Receipt>;
}

export interface SubmitScaleEvent {
  readonly key: GroupKey;
  readonly source: "manual" | "alert" | "webhook";
  readonly ask: ScaleAsk;
  readonly force?: { readonly reason: string; readonly durationMs: number };
  readonly requestId?: string;
}

/** A ledger row with the colo that it is in. */
export interface ServerView {
  readonly colo: ColoId;
  /** Read from the copy of another colo's placement: as of when, by that colo's clock. */
  readonly copySeenAtMs?: number;
  readonly row: ServerRow;
}

export interface AdoptRequest {
  readonly key: GroupKey;
  readonly colo: ColoId;
  readonly cloudId: CloudServerId;
  /** Otherwise the target grows by one. */
  readonly keepTarget: boolean;
}

export interface OrphanView {
  readonly key: PlacementKey;
  readonly orphan: OrphanRow;
}

/** What a rebuild made rows of, and what it left alone. */
export interface RebuiltLedger {
  readonly adopted: readonly ServerView[];
  readonly left: readonly LeftServer[];
}

export interface LeftServer {
  readonly colo: ColoId;
  readonly cloudId: CloudServerId;
  /** The intention that its tags name, where they could be read. */
  readonly claims: string;
  readonly why: LeftWhy;
}

export type LeftWhy =
  /** A row of another group is bound to it. */
  | "boundElsewhere"
  /** Another server is bound to the intention that its tags name. */
  | "copiedTag"
  /** A person ordered it to be deleted as an orphan. */
  | "deleteOrdered"
  /** By now its tags name somebody else, or nobody. */
  | "foreignTags"
  /** The cloud has it no more. */
  | "gone"
  /** The cloud did not answer for it: ask again. */
  | "notAnswered"
  /** The placement has as many rows as one may have. */
  | "noRoom";

export interface ServerUseCases {
  list(
    request: {
      readonly key: GroupKey;
      readonly pageSize: number;
      readonly after?: ServerId;
      readonly states: readonly ServerState[];
    },
    caller: Caller,
  ): Promise<Page<ServerView>>;
  get(key: GroupKey, server: ServerId, caller: Caller): Promise<ServerView>;
  delete(
    request: { readonly key: GroupKey; readonly server: ServerId; readonly replace: boolean },
    caller: Caller,
  ): Promise<ServerView>;
  /** Lets go of a server: it runs on, and is not ours any more (B8.1). Idempotent (B8.2). */
  release(
    request: { readonly key: GroupKey; readonly server: ServerId; readonly replace: boolean },
    caller: Caller,
  ): Promise<ServerView>;
  /** Makes an orphan, or a server without tags, one of the group's (B8.1). */
  adopt(request: AdoptRequest, caller: Caller): Promise<ServerView>;
  /** Servers with our tags that belong to no row (B9.6). */
  orphans(account: AccountId, caller: Caller): Promise<readonly OrphanView[]>;
  deleteOrphan(
    request: {
      readonly account: AccountId;
      readonly colo: ColoId;
      readonly cloudId: CloudServerId;
    },
    caller: Caller,
  ): Promise<OrphanView>;
  /** Makes rows of all servers with the group's tags, after its ledger was lost. Idempotent. */
  rebuild(key: GroupKey, caller: Caller): Promise<RebuiltLedger>;
  protect(
    request: { readonly key: GroupKey; readonly server: ServerId; readonly protect: boolean },
    caller: Caller,
  ): Promise<ServerView>;
  /** Out of service and kept, or back again; `replace`: the target is not lowered for it (B8.1). */
  standBy(request: StandBy, caller: Caller): Promise<ServerView>;
  /** What a monitor outside found; suspected servers are replaced while they are few (B9.2). */
  setHealth(request: ReportHealth, caller: Caller): Promise<ServerView>;
}

export interface EventUseCases {
  /**
   * Batches of events after the cursor, each placement's in order without gap or repeat, then live
   * ones as they become durable. An empty batch is a heartbeat. Ends with `SUBSCRIBER_TOO_SLOW`
   * rather than ever waiting for its reader.
   */
  subscribe(request: Subscribe, caller: Caller): AsyncIterable<EventBatch>;
  search(query: JournalQuery, caller: Caller): Promise<JournalPage>;
  /** @throws Fault `EVENT_NOT_FOUND`, also of another account's (B10.4). */
  explain(request: ExplainEvent, caller: Caller): Promise<Explanation>;
  /** Has this node write history anew from the feed's beginning; what it has stays. */
  rebuild(): Promise<void>;
}

export interface ExplainEvent {
  readonly account: AccountId;
  readonly event: EventId;
  /** Only what followed from this very event, not what it follows from. */
  readonly fromHere: boolean;
}

export interface Subscribe {
  readonly account: AccountId;
  readonly group?: GroupId;
  readonly types: readonly string[];
  /** A feed cursor; "" is the beginning of what is kept, undefined the newest event. */
  readonly after?: string;
  readonly heartbeatMs: number;
}

/**
 * Subscribers with the same filter that stand at the same place get the very same array, so that a
 * door can encode it once (key a WeakMap by `events`).
 */
export interface EventBatch {
  readonly events: readonly MusterEvent[];
  readonly cursor: string;
}

export interface ColoUseCases {
  list(caller: Caller): Promise<readonly ColoView[]>;
  get(colo: ColoId, caller: Caller): Promise<ColoView>;
  setBrake(
    request: {
      readonly colo: ColoId;
      readonly operations: readonly OperationClass[];
      readonly reason: string;
      readonly durationMs?: number;
    },
    caller: Caller,
  ): Promise<ColoView>;
  /**
   * Nothing is scaled in or deleted in the colo until each group's ledger is confirmed (B9.5).
   * Resolves to how many placements are in quarantine.
   */
  quarantine(
    request: { readonly colo: ColoId; readonly reason: string },
    caller: Caller,
  ): Promise<{ readonly placements: number }>;
  /**
   * Copies the store into a new file, every placement of the copy in quarantine (B9.5).
   *
   * @throws Fault `UNSUPPORTED`: it is not a file.
   */
  backUp(caller: Caller): Promise<{ readonly file: string; readonly placements: number }>;
  clearBrake(
    request: { readonly colo: ColoId; readonly operations: readonly OperationClass[] },
    caller: Caller,
  ): Promise<ColoView>;
  /**
   * Holds ledger, cloud and load balancers against each other, seen as of now, and tells every
   * difference with what will be done about it; the last batch has the counts. Changes nothing.
   */
  audit(request: AuditColo, caller: Caller): AsyncIterable<AuditBatch>;
  /** Pins the account to what its credentials answer for; away from servers only by force (B9.7). */
  repin(
    request: { readonly colo: ColoId; readonly account: AccountId; readonly isForced: boolean },
    caller: Caller,
  ): Promise<{ readonly project: string; readonly before: string | undefined }>;
}

/** Limits of B1.1. */
export const objectLimits = {
  groupsPerAccountMax: 1_000,
  policiesPerGroupMax: 100,
  webhooksPerPolicyMax: 25,
  schedulesPerGroupMax: 100,
  notifiersPerGroupMax: 5,
  serversPerPlacementMax: 2_000,
} as const;
