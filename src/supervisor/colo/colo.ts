import type { FieldViolation } from "../../core/errors/fault.js";
import type { AccountId, ColoId, NodeId, PlacementKey } from "../../core/model/ids.js";
import type { Doubt } from "../../core/model/observation.js";
import type { Member } from "../../core/model/server.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type { LoadBalancerRef } from "../../core/ports/load-balancer.js";
import type { Log } from "../../core/ports/log.js";
import type { Meter } from "../../core/ports/meter.js";
import type { Store } from "../../core/ports/store.js";
import { type AccountListing, createWatch, listAll, type Watch } from "../converge/watch.js";
import type { CredentialBook } from "../credentials/credential-book.js";
import type { Monitor } from "../monitor/monitor.js";
import type { PlacementState } from "../placements/placement-state.js";
import { type Admission, type Api, createAdmission } from "./admission.js";
import { type Brakes, createBrakes } from "./brakes.js";
import { type ColoQueue, type ColoQueueLimits, createColoQueue } from "./colo-queue.js";
import { type Credentials, createCredentials } from "./credentials.js";
import type { FileSwitch } from "./file-switch.js";
import { createFreeAdmission } from "./free-admission.js";
import { createGate, type Gate } from "./gate.js";
import { createLeases, type Leases, type LeaseTimes } from "./leases.js";
import { createOutside, type Drivers, lookDeadlineMs } from "./outside.js";
import { type PinnedOutside, pinOutside } from "./pinned.js";
import { createPins } from "./pins.js";
import { createSuspicions, type Suspicions } from "./suspicions.js";

/** A colo as configured: its drivers, already opened. */
export interface ColoSetup extends Drivers {
  readonly id: ColoId;
  readonly cloudName: string;
  readonly loadBalancerName?: string;
  /** How often the cloud is looked at while something is on its way. */
  readonly pollMs: number;
  readonly queue: ColoQueueLimits;
  /** Holds nothing back, whatever the cloud says: only to show what the brakes are for. */
  readonly admission?: "off";
  /** What is wrong with an account's secret; undefined: the drivers take no credentials. */
  readonly checkSecret?: (secret: unknown) => readonly FieldViolation[];
}

/** A colo at work on this node: one queue, one gate, one set of brakes. */
export interface Colo {
  readonly id: ColoId;
  readonly setup: Omit<ColoSetup, keyof Drivers>;
  readonly queue: ColoQueue;
  readonly gate: Gate;
  /** The only way to the cloud and the load balancers. */
  readonly outside: PinnedOutside;
  readonly credentials: Credentials;
  readonly suspicions: Suspicions;
  readonly admissions: Readonly<Record<Api, Admission>>;
  readonly brakes: Brakes;
  readonly leases: Leases;
  readonly servers: Watch<AccountId, AccountListing>;
  /** Of each account apart: what it may see of a load balancer is its own matter (M9.4). */
  readonly members: Watch<LoadBalancerRef, readonly Member[]>;
}

export interface ColoDeps {
  readonly setup: ColoSetup;
  readonly installation: string;
  readonly node: NodeId;
  readonly leaseTimes: LeaseTimes;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly meter: Meter;
  readonly isStopping: () => boolean;
  readonly fileSwitch: FileSwitch;
  readonly peek: (key: PlacementKey) => PlacementState | undefined;
  readonly monitor: Pick<Monitor, "watch" | "listed">;
  readonly book: Pick<CredentialBook, "sourceOf">;
  /** Leases were gained or brakes changed: what waited here is looked at again. */
  readonly stirred: (colo: ColoId) => void;
  /** An account's credentials were rotated: what it has here is to be looked at. */
  readonly rotated: (colo: ColoId, account: AccountId) => void;
  /** What this node knows of the colo is to be proven again before surplus is deleted (B9.5). */
  readonly doubted: (colo: ColoId, why: Doubt["why"]) => void;
}

/** Calls in flight that a healthy colo takes beside what the queue runs. */
const readsAtOnce = 16;

export function createColo(deps: ColoDeps): Colo {
  const { setup, clock, installation } = deps;
  const brakes = createBrakes({
    ...deps,
    file: deps.fileSwitch,
    colo: setup.id,
    changed: () => deps.stirred(setup.id),
    storeCameBack() {
      deps.doubted(setup.id, "storeLost");
      deps.stirred(setup.id);
    },
  });
  const leases = createLeases({
    ...deps,
    colo: setup.id,
    times: deps.leaseTimes,
    gained() {
      deps.doubted(setup.id, "takeOver");
      deps.stirred(setup.id);
    },
  });
  const credentials = createCredentials({
    ...deps,
    colo: setup.id,
    pins: createPins({ ...deps, colo: setup.id }),
    source: setup.checkSecret && deps.book.sourceOf(setup.id),
    recovered: () => deps.stirred(setup.id),
    rotated(account) {
      servers.forget(account as AccountId);
      deps.rotated(setup.id, account as AccountId);
    },
  });
  const gate = createGate({
    brakes,
    holdsLease: (key) => leases.holds(key),
    peek: deps.peek,
    isStopping: deps.isStopping,
    denied: credentials.refusal,
  });
  const limits = { inFlightMax: setup.queue.concurrency + readsAtOnce };
  const admissionOf = (api: Api) =>
    setup.admission === "off"
      ? createFreeAdmission(api, limits)
      : createAdmission({ ...deps, ...{ api, colo: setup.id, share: leases.share, limits } });
  const admissions = { cloud: admissionOf("cloud"), loadBalancer: admissionOf("loadBalancer") };
  const drivers = deps.monitor.watch({
    ...{ drivers: setup, colo: setup.id, brakes },
    // Where nothing is held back there is no allowance to hold it to.
    admissions: setup.admission === "off" ? undefined : admissions,
  });
  const unpinned = createOutside({ ...deps, colo: setup.id, drivers, gate, admissions });
  const outside = pinOutside(unpinned, credentials);
  async function listAccount(account: AccountId): Promise<AccountListing> {
    // One end for all its pages.
    const endMs = clock.monotonicMs() + lookDeadlineMs;
    const listing = await listAll({ account, installation }, (request) =>
      outside.listServers(request, { deadlineMs: Math.max(0, endMs - clock.monotonicMs()) }),
    );
    deps.monitor.listed(setup.id, account, listing);
    return listing;
  }
  const servers = createWatch(clock, listAccount);
  return {
    id: setup.id,
    setup,
    queue: createColoQueue(setup.queue, admissions),
    gate,
    outside,
    credentials,
    suspicions: createSuspicions(clock),
    admissions,
    brakes,
    leases,
    servers,
    members: createWatch<LoadBalancerRef, readonly Member[]>(
      clock,
      (ref) => outside.listMembers(ref),
      ({ account, id }) => `${account}/${id}`,
    ),
  };
}
