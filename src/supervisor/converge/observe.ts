import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import { serversWanted } from "../../core/model/carried.js";
import type { Cause } from "../../core/model/cause.js";
import { type OperationClass, operationClasses } from "../../core/model/colo.js";
import type { Group } from "../../core/model/group.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  LoadBalancerId,
  PlacementKey,
} from "../../core/model/ids.js";
import type {
  BalancerView,
  CloudView,
  Observation,
  PlanLimits,
} from "../../core/model/observation.js";
import type { CloudServer, Member } from "../../core/model/server.js";
import { countRows } from "../../core/plan/plan-placement.js";
import type { Clock } from "../../core/ports/clock.js";
import type { LoadBalancerRef } from "../../core/ports/load-balancer.js";
import type { Colo } from "../colo/colo.js";
import { lookDeadlineMs } from "../colo/outside.js";
import type { PlacementState } from "../placements/placement-state.js";
import { type AccountListing, balancerViewOf, type Look, type Watch } from "./watch.js";

/**
 * All of a colo that observing and planning need: looks, and what is known here. It holds no way to
 * change anything, so that who has only this cannot (decision 0010).
 */
export interface Eyes {
  readonly id: ColoId;
  readonly pollMs: number;
  readonly servers: Pick<Watch<AccountId, AccountListing>, "look">;
  readonly members: Pick<Watch<LoadBalancerRef, readonly Member[]>, "look">;
  readonly lookUp: Colo["outside"]["getServer"];
  readonly limits: () => PlanLimits;
  /** Why a class of calls may not start now (B9.1). */
  readonly refusal: (operation: OperationClass, key: PlacementKey) => Cause | undefined;
  /** Why the cloud refuses the account's credentials (B9.7). */
  readonly denied: Colo["credentials"]["refusal"];
  readonly projectOf: Colo["credentials"]["projectOf"];
  /** What other groups of the colo suspect (B9.2). */
  readonly elsewhere: Colo["suspicions"]["elsewhere"];
}

/** Intentions of one turn: more would only wait, and each waiting one is a promise to keep. */
const createsPerTurnMax = 500;

export function eyesOf(colo: Colo): Eyes {
  const { outside, setup, servers, members, gate, queue, admissions, credentials, suspicions } =
    colo;
  return {
    id: colo.id,
    pollMs: setup.pollMs,
    servers: { look: (account, maxAgeMs) => servers.look(account, maxAgeMs) },
    members: { look: (ref, maxAgeMs) => members.look(ref, maxAgeMs) },
    lookUp: (request, limit) => outside.getServer(request, limit),
    limits: () => ({
      listingLagMs: outside.cloud.listingLagMs,
      pollMs: setup.pollMs,
      checksHealth: outside.loadBalancer?.checksHealth ?? false,
      createsMax: Math.min(createsPerTurnMax, queue.free()),
      createsWait: admissions.cloud.busy(),
    }),
    refusal: (operation, key) => gate.refusal(operation, key),
    denied: (account) => credentials.refusal(account),
    projectOf: (account) => credentials.projectOf(account),
    elsewhere: (key) => suspicions.elsewhere(key),
  };
}

/** What was seen of the outside, for one placement. */
export type Views = Pick<Observation, "cloud" | "balancers">;

/** How old a listing may be while nothing is on its way here. */
const quietListingMs = 15_000;

/** Looks at the cloud and the load balancers; younger than `maxAgeMs` where that is given. */
export async function observe(
  eyes: Eyes,
  state: PlacementState,
  group: Group,
  maxAgeMs?: number,
): Promise<Views> {
  const quietMs = isBusy(state) ? eyes.pollMs : Math.max(eyes.pollMs, quietListingMs);
  const [cloud, balancers] = await Promise.all([
    observeCloud(eyes, state, maxAgeMs ?? quietMs),
    observeBalancers(eyes, state, group, maxAgeMs ?? eyes.pollMs),
  ]);
  return { cloud, balancers };
}

async function observeCloud(
  eyes: Eyes,
  { key }: PlacementState,
  maxAgeMs: number,
): Promise<CloudView> {
  const look = await eyes.servers.look(key.account, maxAgeMs);
  if (look.kind === "failed")
    return { kind: "unavailable", cause: whyUnseen(eyes, key.account, look.cause) };
  return cloudViewOf(eyes, key, look);
}

/** Why a listing failed: of refused credentials, what is known of them says more. */
export function whyUnseen(eyes: Eyes, account: AccountId, why: Cause): Cause {
  const isDenied = why.facts["kind"] === "denied";
  return (isDenied ? eyes.denied(account) : undefined) ?? why;
}

/** What an account's listing says to one of its placements. */
export function cloudViewOf(
  eyes: Eyes,
  key: PlacementKey,
  look: Extract<Look<AccountListing>, { readonly kind: "seen" }>,
): Extract<CloudView, { readonly kind: "listed" }> {
  return {
    kind: "listed",
    askedAtMs: look.askedAtMs,
    servers: look.value.byPlacement.get(`${key.group}/${key.colo}`) ?? [],
    byAddress: look.value.byAddress,
    ...pinnedTo(eyes.projectOf(key.account)),
    accountServers: look.value.serversCount,
    lookedUp: new Map(),
  };
}

function pinnedTo(project: string | undefined): { readonly project?: string } {
  return project === undefined ? {} : { project };
}

async function observeBalancers(
  eyes: Eyes,
  state: PlacementState,
  group: Group,
  maxAgeMs: number,
): Promise<ReadonlyMap<LoadBalancerId, BalancerView>> {
  const spec = group.placements.find((one) => one.colo === eyes.id);
  const wanted = new Set(spec?.attachments.map((one) => one.loadBalancer));
  for (const row of state.servers.values())
    for (const one of row.memberships) wanted.add(one.loadBalancer);
  if (!isBusy(state) && state.servers.size === 0) return new Map();
  const views = await Promise.all(
    [...wanted].map(async (id): Promise<[LoadBalancerId, BalancerView]> => {
      const { account } = state.key;
      return [id, balancerViewOf(await eyes.members.look({ account, id }, maxAgeMs))];
    }),
  );
  return new Map(views);
}

export interface LookUpDeps {
  readonly eyes: Eyes;
  readonly clock: Clock;
}

/** What the listing lacks is asked for one by one, before anything is concluded (B4.3). */
export async function lookUp(
  { eyes, clock }: LookUpDeps,
  key: PlacementKey,
  cloudIds: readonly CloudServerId[],
): Promise<ReadonlyMap<CloudServerId, CloudServer | "gone" | "unknown">> {
  const found = new Map<CloudServerId, CloudServer | "gone" | "unknown">();
  const left = cloudIds.slice(0, lookUpsMax);
  // One end for them all: while they are asked for, the placement's other work waits.
  const endMs = clock.monotonicMs() + lookDeadlineMs;
  const worker = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      const deadlineMs = Math.min(lookUpDeadlineMs, endMs - clock.monotonicMs());
      if (deadlineMs <= 0) return;
      const ref = { account: key.account, id };
      try {
        const server = await eyes.lookUp(ref, { deadlineMs });
        found.set(id, server ?? "gone");
      } catch (error) {
        found.set(id, "unknown");
        if (outsideFaultOf(error).kind === "throttled") left.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: lookUpsAtOnce }, worker));
  // What there was no time for is unknown, like what was not answered: it keeps nothing waiting.
  for (const id of cloudIds) if (!found.has(id)) found.set(id, "unknown");
  return found;
}

/** Look-ups of one turn; the rest waits for the next. */
const lookUpsMax = 200;
const lookUpsAtOnce = 8;
/** One that hangs must not keep the others from being asked for. */
const lookUpDeadlineMs = 10_000;

export interface Standpoint {
  readonly nowMs: number;
  readonly sinceMs: number;
  readonly installation: string;
  readonly attemptId: string;
  readonly underWay: ReadonlyMap<string, "queued" | "running">;
  readonly refused?: NonNullable<Observation["refused"]>;
  readonly doubt?: NonNullable<Observation["doubt"]>;
}

/** Everything that a plan is made from: the newest state, with what was seen. */
export function observationOf(
  eyes: Eyes,
  state: PlacementState & { readonly doc: NonNullable<PlacementState["doc"]> },
  group: Group,
  views: Views,
  standpoint: Standpoint,
): Observation {
  const stopped = new Map(
    operationClasses.flatMap((operation) => {
      const refusal = eyes.refusal(operation, state.key);
      return refusal ? [[operation, refusal] as [OperationClass, Cause]] : [];
    }),
  );
  return {
    ...standpoint,
    group,
    spec: group.placements.find((one) => one.colo === eyes.id),
    doc: state.doc,
    rows: [...state.servers.values()],
    orphans: state.orphans,
    ...views,
    stopped,
    elsewhere: eyes.elsewhere(state.key),
  };
}

function isBusy(state: PlacementState): boolean {
  const counts = countRows([...state.servers.values()]);
  const wanted = state.doc && serversWanted(state.doc);
  return counts.pending > 0 || counts.leaving > 0 || counts.inService !== wanted;
}
