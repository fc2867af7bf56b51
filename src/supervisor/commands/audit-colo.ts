import { cause } from "../../core/model/cause.js";
import { type Brake, type OperationClass, operationClasses } from "../../core/model/colo.js";
import type { AuditCounts, Difference } from "../../core/model/difference.js";
import type { Group } from "../../core/model/group.js";
import type {
  AccountId,
  CloudServerId,
  GroupId,
  GroupKey,
  LoadBalancerId,
  PlacementKey,
} from "../../core/model/ids.js";
import type { BalancerView } from "../../core/model/observation.js";
import { pauseStops } from "../../core/model/pause.js";
import type { CloudServer } from "../../core/model/server.js";
import { auditPlacement, notSeen } from "../../core/plan/audit/audit-placement.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Store } from "../../core/ports/store.js";
import type { AuditBatch } from "../api.js";
import { cloudViewOf, type Eyes, lookUp, whyUnseen } from "../converge/observe.js";
import { type AccountListing, balancerViewOf, type Look } from "../converge/watch.js";
import { accountIndex, placementIndex, placementOfHint } from "../placements/hints.js";
import type { PlacementState } from "../placements/placement-state.js";

/**
 * All that an audit has: eyes, and states to read. Like a dry run it has nothing to change anything
 * with (decision 0010); every look goes through admission and pin as the turns' own do.
 */
export interface AuditDeps {
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs" | "after">;
  readonly installation: string;
  readonly eyes: Eyes;
  /** Undefined: every account that has or had servers here. */
  readonly account: AccountId | undefined;
  readonly listHints: Store["listHints"];
  readonly groupOf: (key: GroupKey) => Promise<Group | undefined>;
  readonly stateOf: (key: PlacementKey) => Promise<PlacementState>;
  readonly brakes: () => readonly Brake[];
  readonly signal: AbortSignal;
}

/** Differences in one batch, about. */
const batchMax = 100;
const hintsMax = 1_000;
/** What a ledger newer than the looks asks to be looked at as well is looked at so often. */
const roundsMax = 4;

type Counts = { -readonly [name in keyof AuditCounts]: number };

interface Audit extends AuditDeps {
  readonly counts: Counts;
  /** By load balancer and address: what accounts share counts once. */
  readonly members: Set<string>;
}

interface AccountAudit extends Audit {
  readonly listing: Look<AccountListing>;
  /** Each load balancer is looked at once for the account. */
  readonly balancers: Map<LoadBalancerId, BalancerView>;
}

/** Account after account, group after group: what is told is never much. */
export async function* auditColo(deps: AuditDeps): AsyncGenerator<AuditBatch> {
  const counts = countsOf();
  const audit: Audit = { ...deps, counts, members: new Set() };
  let batch: Difference[] = [];
  for (const [account, groups] of await groupsOf(deps)) {
    for await (const found of auditAccount(audit, account, groups)) {
      counts.differences += found.length;
      counts.notSeen += found.filter(({ kind }) => kind === "notSeen").length;
      batch.push(...found);
      if (batch.length < batchMax) continue;
      yield { differences: batch };
      batch = [];
    }
  }
  counts.members = audit.members.size;
  yield { differences: batch, counts };
}

function countsOf(): Counts {
  return {
    ...{ accounts: 0, groups: 0, ledgerServers: 0, cloudServers: 0, members: 0 },
    ...{ differences: 0, notSeen: 0 },
  };
}

/** Accounts that have or had servers here, each with its groups (B9.6). */
async function groupsOf(deps: AuditDeps): Promise<ReadonlyMap<AccountId, ReadonlySet<GroupId>>> {
  const { eyes, account: only } = deps;
  const accounts = new Map<AccountId, Set<GroupId>>();
  if (only !== undefined) accounts.set(only, new Set());
  else
    for await (const { key } of hintsOf(deps, accountIndex(eyes.id), ""))
      accounts.set(key as AccountId, new Set());
  const first = only === undefined ? "" : `${only}/`;
  for await (const hint of hintsOf(deps, placementIndex(eyes.id), first)) {
    const { account, group } = placementOfHint(eyes.id, hint);
    if (only !== undefined && account !== only) break;
    accounts.set(account, (accounts.get(account) ?? new Set()).add(group));
  }
  return accounts;
}

async function* hintsOf({ listHints, signal }: AuditDeps, index: string, first: string) {
  for (let afterKey = first; ; ) {
    const hints = await listHints({ index, afterKey, hintsMax }, { signal });
    yield* hints;
    if (hints.length < hintsMax) return;
    afterKey = hints.at(-1)!.key;
  }
}

async function* auditAccount(
  audit: Audit,
  account: AccountId,
  known: ReadonlySet<GroupId>,
): AsyncGenerator<readonly Difference[]> {
  const { eyes, counts } = audit;
  counts.accounts++;
  const look = await eyes.servers.look(account, 0);
  if (look.kind === "failed") yield [notSeen(account, whyUnseen(eyes, account, look.cause))];
  const groups = new Set(known);
  if (look.kind === "seen")
    for (const place of look.value.byPlacement.keys()) {
      const [group, colo] = place.split("/") as [GroupId, string];
      if (colo === eyes.id) groups.add(group);
    }
  const own: AccountAudit = { ...audit, listing: look, balancers: new Map() };
  for (const group of [...groups].toSorted()) {
    audit.signal.throwIfAborted();
    yield await auditOne(own, { account, group, colo: eyes.id });
  }
  for (const [id, view] of own.balancers)
    for (const { host, port } of view.kind === "listed" ? view.members : [])
      audit.members.add(`${id} ${host}:${port}`);
}

type LookedUp = ReadonlyMap<CloudServerId, CloudServer | "gone" | "unknown">;

/** The ledger is read after all that it is held against: what is newer in it is told apart. */
async function auditOne(audit: AccountAudit, key: PlacementKey): Promise<readonly Difference[]> {
  const { clock, eyes, counts, balancers } = audit;
  let lookedUp: LookedUp = new Map();
  for (let round = 1; ; round++) {
    const [state, group] = await Promise.all([audit.stateOf(key), audit.groupOf(key)]);
    const unseen = balancersOf(state, group).filter((id) => !balancers.has(id));
    await Promise.all(
      unseen.map(async (id) => {
        const ref = { account: key.account, id };
        balancers.set(id, balancerViewOf(await eyes.members.look(ref, 0)));
      }),
    );
    const sight = sightOf(audit, { state, group, lookedUp });
    const { differences, lookUps } = auditPlacement(sight);
    const open = lookUps.filter((id) => !lookedUp.has(id));
    if (round < roundsMax && unseen.length + open.length > 0) {
      if (open.length === 0) continue;
      lookedUp = new Map([...lookedUp, ...(await lookUp({ eyes, clock }, key, open))]);
      continue;
    }
    counts.groups += state.doc ? 1 : 0;
    counts.ledgerServers += sight.rows.filter((row) => row.state !== "abandoned").length;
    counts.cloudServers += sight.cloud.kind === "listed" ? sight.cloud.servers.length : 0;
    return differences;
  }
}

function balancersOf(
  { key, servers }: PlacementState,
  group: Group | undefined,
): readonly LoadBalancerId[] {
  const spec = group?.placements.find(({ colo }) => colo === key.colo);
  const ids = new Set(spec?.attachments.map((one) => one.loadBalancer));
  for (const row of servers.values()) for (const one of row.memberships) ids.add(one.loadBalancer);
  return [...ids];
}

function sightOf(
  audit: AccountAudit,
  seen: {
    readonly state: PlacementState;
    readonly group: Group | undefined;
    readonly lookedUp: LookedUp;
  },
) {
  const { eyes, clock, installation, listing: look } = audit;
  const { state, group, lookedUp } = seen;
  const { key, doc, orphans } = state;
  const ids = balancersOf(state, group);
  return {
    ...{ key, doc, orphans, group, installation, nowMs: clock.nowMs() },
    rows: [...state.servers.values()],
    listingLagMs: eyes.limits().listingLagMs,
    balancers: new Map(
      ids.flatMap((id): [LoadBalancerId, BalancerView][] => {
        const view = audit.balancers.get(id);
        return view ? [[id, view]] : [];
      }),
    ),
    cloud:
      look.kind === "seen"
        ? { ...cloudViewOf(eyes, key, look), lookedUp }
        : { kind: "unavailable" as const, cause: whyUnseen(eyes, key.account, look.cause) },
    stopped: stoppedBy(audit.brakes(), doc),
  };
}

/** Brakes of the whole colo and the placement's pause; which node works on it is no matter here. */
function stoppedBy(brakes: readonly Brake[], doc: PlacementState["doc"]) {
  return new Map(
    operationClasses.flatMap((operation): [OperationClass, ReturnType<typeof cause>][] => {
      const brake = brakes.find((one) => one.operation === operation);
      const { reason = "" } = brake ?? {};
      if (brake) return [[operation, cause("B9.1", "BRAKED", { operation, reason })]];
      if (!doc?.paused || !pauseStops(doc.paused, operation)) return [];
      return [[operation, cause("B8.3", "PAUSED", { reason: doc.paused.reason })]];
    }),
  );
}
