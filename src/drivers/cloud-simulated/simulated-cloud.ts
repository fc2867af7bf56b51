import type { LaunchConfiguration } from "../../core/model/group.js";
import type { CloudServerId } from "../../core/model/ids.js";
import type { CloudServer, Ownership } from "../../core/model/server.js";
import type { Clock } from "../../core/ports/clock.js";
import type { CloudDriver } from "../../core/ports/cloud.js";
import type { Front } from "./capacity/front.js";
import type { FaultScope, FaultSwitch, SimulatedFault } from "./faults.js";
import { openView } from "./simulated-driver.js";
import { viewAt } from "./timeline.js";
import type { CallRecord, EffectRecord } from "./witness.js";
import { createWorld, type WorldSettings } from "./world.js";

export interface SimulatedCloudOptions extends Partial<Omit<WorldSettings, "clock">> {
  readonly clock: Clock;
  /** In [0, 1); asked once, for the seed of everything. */
  readonly random: () => number;
}

/** One cloud for as long as the object lives: drivers come and go, as over a real one. */
export interface SimulatedCloud {
  /** A driver over this cloud: any number, at once or after one another. */
  openDriver(): CloudDriver;

  /** Switches a fault on. A server's fate is decided when it is made; other faults per call. */
  inject(fault: SimulatedFault, scope?: FaultScope): FaultSwitch;
  /** Switches all faults off; what they did stays done. */
  heal(): void;
  /** How often each kind of fault has struck, whether on or off now. */
  fired(): ReadonlyMap<SimulatedFault["kind"], number>;
  /** Its bounded capacity, where it was opened with one. */
  readonly front: Front | undefined;
  setQuota(serversMax: number): void;
  quotaRefusals(): number;

  /** The truth, in order of birth: what exists now, listed or not. */
  servers(): readonly CloudServer[];
  /** One of them. */
  server(id: CloudServerId): CloudServer | undefined;
  /** The launch that a server was made from. */
  launchOf(id: CloudServerId): LaunchConfiguration | undefined;
  /** The zone that it was asked for in. */
  zoneOf(id: CloudServerId): string | undefined;
  /** From now on it has this status, whatever was to become of it. False when there is none. */
  setStatus(id: CloudServerId, status: string, fault?: string): boolean;
  /** Gone without a delete. False when there is none. */
  vanish(id: CloudServerId): boolean;
  /** Somebody changed its tags, or took them away. False when there is none. */
  setTags(id: CloudServerId, ownership: Ownership | undefined): boolean;
  /** A server that nobody here asked for: without tags, or with tags that were copied. */
  addForeign(foreign: {
    readonly account: string;
    readonly name: string;
    readonly ownership?: Ownership;
  }): CloudServerId;

  /** Every create and delete call, in the order of their answers; the newest million. */
  readonly calls: readonly CallRecord[];
  /** Every create and delete that was done, in order; the newest million. */
  readonly effects: readonly EffectRecord[];
  /** Effective creates by the intention in their tags. More than one is the caller's fault. */
  createsByIntention(): ReadonlyMap<string, number>;
}

/** A cloud without I/O and without time of its own: same seed, same calls, same story. */
export function createSimulatedCloud(options: SimulatedCloudOptions): SimulatedCloud {
  const { random, ...given } = options;
  const settings: WorldSettings = { ...defaults, ...given };
  const world = createWorld(settings, random);
  const { board, witness } = world;
  return {
    openDriver: () => openView(world),
    inject: board.inject,
    heal: board.heal,
    fired: board.fired,
    front: world.front,
    setQuota: world.setQuota,
    quotaRefusals: world.quotaRefusals,
    servers: () => world.all().flatMap((one) => viewAt(one, settings.clock.nowMs()) ?? []),
    server(id) {
      const found = world.get(id);
      return found && viewAt(found, settings.clock.nowMs());
    },
    launchOf: (id) => world.get(id)?.launch,
    zoneOf: (id) => world.get(id)?.zone,
    setStatus: (id, status, fault) =>
      world.change(id, { status, ...(fault !== undefined && { fault }) }),
    vanish: (id) => world.change(id, { status: undefined }),
    setTags: world.tag,
    addForeign: ({ account, name, ownership }) =>
      world.plant({ account, name, ownership, launch: foreignLaunch }).id,
    calls: witness.calls,
    effects: witness.effects,
    createsByIntention: witness.createsByIntention,
  };
}

const foreignLaunch: LaunchConfiguration = {
  image: "foreign",
  flavor: "foreign",
  userData: "",
  metadata: {},
  parameters: {},
};

const defaults: Omit<WorldSettings, "clock"> = {
  buildMs: { fromMs: 2_000, toMs: 10_000 },
  deleteMs: { fromMs: 500, toMs: 2_000 },
  latencyMs: { fromMs: 0, toMs: 0 },
  listingLagMs: 5_000,
  createDeadlineMs: 60_000,
  pageServersMax: 50,
  quota: 100_000,
  cells: 2,
  hasProjects: true,
};
