import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { ColoId, LoadBalancerId, NodeId } from "../../src/core/model/ids.js";
import type { Clock, Ids } from "../../src/core/ports/clock.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import type { Journal } from "../../src/core/ports/journal.js";
import type { Log } from "../../src/core/ports/log.js";
import type { Meter } from "../../src/core/ports/meter.js";
import type { Metrics } from "../../src/core/ports/metrics.js";
import type { Sender } from "../../src/core/ports/sender.js";
import type { Store } from "../../src/core/ports/store.js";
import type { SwitchFile } from "../../src/core/ports/switch-file.js";
import { checkBySchema } from "../../src/drivers/check-schema.js";
import simulated, {
  createSimulatedCloud,
  type SimulatedCloud,
  withCredentials,
} from "../../src/drivers/cloud-simulated/index.js";
import { createMemoryJournal } from "../../src/drivers/journal-memory/index.js";
import {
  createSimulatedLoadBalancers,
  type SimulatedLoadBalancers,
} from "../../src/drivers/lb-simulated/simulated-load-balancers.js";
import { createKeyRing, createSecretBox } from "../../src/drivers/secrets-aes/index.js";
import {
  createMemoryColoStores,
  createMemoryStore,
  createStoreFaults,
  healStoreFaults,
  type StoreFaults,
} from "../../src/drivers/store-memory/index.js";
import type { Supervisor } from "../../src/supervisor/api.js";
import { type ColoQueueLimits, defaultQueueLimits } from "../../src/supervisor/colo/colo-queue.js";
import { defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import { createCredentialBook } from "../../src/supervisor/credentials/credential-book.js";
import { defaultRetention } from "../../src/supervisor/events/journaler.js";
import { createSupervisor } from "../../src/supervisor/supervisor.js";
import { createWires, type Wires } from "../supervisor/ports.js";
import { createLinks, type Links } from "./links.js";
import { createPeerNet, type PeerNet } from "./peer-net.js";
import { createTaps, type Taps, tappedBalancer, tappedCloud } from "./taps.js";
import { createSkewedClock, type VirtualClock } from "./virtual-clock.js";

/** Everything around the nodes, and the nodes: what all worlds on a virtual clock are made of. */
export interface Cluster {
  readonly clock: VirtualClock;
  /** Where colos have stores of their own: the first one's. */
  readonly store: Store;
  /** As the nodes of each colo see it. */
  readonly stores: ReadonlyMap<string, Store>;
  readonly storeFaults: StoreFaults;
  readonly journal: Journal;
  readonly clouds: ReadonlyMap<string, SimulatedCloud>;
  readonly balancers: ReadonlyMap<string, SimulatedLoadBalancers>;
  readonly taps: Taps;
  /** Between the colos, for nodes that serve some of them, and for what stores copy. */
  readonly peerLinks: Links;
  readonly storeLinks: Links;
  readonly peerNet: PeerNet;
  readonly warnings: string[];
  /** The newest first: what nodes seal secrets with, and open them. */
  readonly secretsKeys: Uint8Array[];
  /** A node that has not been started yet. */
  create(name: string, setup?: NodeSetup): Node;
  /** Ends all faults of store, clouds and load balancers, and mends what is cut between colos. */
  heal(): void;
}

export interface Node {
  readonly name: string;
  readonly supervisor: Supervisor;
  readonly wires: Wires;
  /** Those to the store alone. */
  readonly storeWires: Wires;
}

export interface NodeSetup {
  /** Those that it serves; its peers serve the others. Default: all. */
  readonly colos?: readonly string[];
  readonly skew?: { readonly wallMs: number; readonly driftPpm: number };
  readonly ids?: Ids;
  readonly meter?: Meter;
  readonly switchFile?: SwitchFile;
  /** Takes what notifiers are told. */
  readonly sender?: Sender;
  /** Answers the queries of policies. */
  readonly metrics?: Metrics;
}

export interface ClusterOptions {
  readonly clock: VirtualClock;
  readonly ids: Ids;
  /** Asked once for each part's seed. */
  readonly random: () => number;
  readonly balancerIds: Ids;
  readonly store?: Partial<Parameters<typeof createMemoryStore>[0]>;
  readonly colos: readonly ColoOptions[];
  /** Each colo has replicas, a feed and a journal of its own; what one writes the others get late. */
  readonly apart?: { readonly lagMs: number };
  /** Of each colo's placements, a lease each. */
  readonly shards?: number;
  /** Puts a bug between nodes and clouds, to see it found. */
  readonly sabotage?: (driver: CloudDriver) => CloudDriver;
  readonly onLog?: (level: "info" | "warn" | "error", message: string, fields: unknown) => void;
}

export interface ColoOptions {
  readonly id: string;
  readonly cloud?: Partial<Parameters<typeof createSimulatedCloud>[0]>;
  readonly balancers?: Partial<Parameters<typeof createSimulatedLoadBalancers>[0]>;
  readonly queue?: Partial<ColoQueueLimits>;
  readonly pollMs?: number;
  readonly admission?: "off";
  /** Whether its cloud lets accounts in by their own credentials alone. */
  readonly needsCredentials?: boolean;
}

export const installation = "test";

const use = { kind: "credentials", root: "secret" } as const;
const checkSecret = checkBySchema(simulated.credentialsSchema!, use);

export function createCluster(options: ClusterOptions): Cluster {
  const { clock, ids, random, sabotage = (driver) => driver } = options;
  const taps = createTaps();
  const storeFaults = createStoreFaults();
  const onCommit = taps.tell.committed;
  const peerLinks = createLinks();
  const storeLinks = createLinks();
  const coloIds = options.colos.map(({ id }) => id);
  const storeOptions = { clock, random, faults: storeFaults, onCommit, ...options.store };
  const stores = options.apart
    ? createMemoryColoStores({
        ...{ ...storeOptions, ...options.apart, colos: coloIds },
        isCut: storeLinks.isCut,
      })
    : sharedBy(coloIds, createMemoryStore(storeOptions));
  const store = stores.get(coloIds[0]!)!;
  const journals = new Map(
    options.apart
      ? coloIds.map((id) => [id, createMemoryJournal()] as const)
      : sharedBy(coloIds, createMemoryJournal()),
  );
  const journal = journals.get(coloIds[0]!)!;
  const peerNet = createPeerNet({ clock, random, colos: coloIds, links: peerLinks });
  const warnings: string[] = [];
  const log = createTestLog(warnings, options.onLog);
  const secretsKeys: Uint8Array[] = [randomBytes(32)];
  const box = createSecretBox(createKeyRing(secretsKeys));
  const clouds = new Map(
    options.colos.map(({ id, cloud }) => {
      const onEffect: NonNullable<Parameters<typeof createSimulatedCloud>[0]["onEffect"]> = (
        effect,
      ) => taps.tell.done(id, effect);
      return [id, createSimulatedCloud({ ...cloud, clock, random, onEffect })];
    }),
  );
  const balancers = new Map(
    options.colos.map(({ id, balancers: own }) => [
      id,
      createSimulatedLoadBalancers({
        ...{ clock, ids: options.balancerIds, loadBalancers: ["lb-1" as LoadBalancerId] },
        ...own,
      }),
    ]),
  );

  return {
    ...{ clock, store, storeFaults, journal, clouds, balancers, taps, warnings },
    ...{ stores, peerLinks, storeLinks, peerNet, secretsKeys },
    create(name, setup = {}) {
      const wires = createWires();
      const storeWires = createWires();
      const { colos: own = coloIds } = setup;
      const watch: Clock = setup.skew ? createSkewedClock(clock, setup.skew) : clock;
      const wired = {
        store: wires.through(storeWires.through(stores.get(own[0]!)!)),
        clock: wires.through(watch),
      };
      const nodeIds = setup.ids ?? ids;
      const credentials = createCredentialBook({ ...wired, installation, box, log, ids: nodeIds });
      const cloudOf = ({ id, needsCredentials }: ColoOptions): CloudDriver => {
        const tapped = tappedCloud(clouds.get(id)!.openDriver(), { name, colo: id, taps });
        return needsCredentials ? withCredentials(tapped, credentials.sourceOf(id)) : tapped;
      };
      const { needKey } = credentials;
      const sender = setup.sender && wires.through(setup.sender);
      const isAlone = own.length === coloIds.length;
      const supervisor = createSupervisor({
        ...wired,
        ...(isAlone ? {} : { peers: wires.through(peerNet.peersOf(own)) }),
        installation,
        credentials,
        node: name as NodeId,
        journal: wires.through(journals.get(own[0]!)!),
        ids: nodeIds,
        log,
        colos: options.colos
          .filter(({ id }) => own.includes(id))
          .map((one) => ({
            id: one.id as ColoId,
            cloud: wires.through(sabotage(cloudOf(one))),
            cloudName: "simulated",
            loadBalancer: wires.through(
              tappedBalancer(balancers.get(one.id)!.openDriver(), { name, colo: one.id, taps }),
            ),
            loadBalancerName: "simulated",
            pollMs: one.pollMs ?? 1_000,
            queue: { ...defaultQueueLimits, ...one.queue },
            ...(one.admission === undefined ? {} : { admission: one.admission }),
            ...(one.needsCredentials ? { checkSecret } : {}),
          })),
        leaseTimes: { ...defaultLeaseTimes, shards: options.shards ?? defaultLeaseTimes.shards },
        retention: defaultRetention,
        ...(sender ? { notifying: { box, sender, needKey } } : {}),
        ...(setup.metrics ? { metrics: wires.through(setup.metrics) } : {}),
        ...(setup.meter ? { meter: setup.meter } : {}),
        ...(setup.switchFile ? { switchFile: setup.switchFile } : {}),
      });
      const isAlive = () => wires.standing !== "dead";
      peerNet.join({ own, door: wires.through(supervisor.peer), isAlive });
      return { name, supervisor, wires, storeWires };
    },
    heal() {
      healStoreFaults(storeFaults);
      for (const one of clouds.values()) one.heal();
      for (const one of balancers.values()) one.heal();
      peerLinks.mendAll();
      storeLinks.mendAll();
    },
  };
}

function sharedBy<Value>(colos: readonly string[], value: Value): ReadonlyMap<string, Value> {
  return new Map(colos.map((id) => [id, value]));
}

function createTestLog(warnings: string[], onLog: ClusterOptions["onLog"]): Log {
  const say = (level: "warn" | "error") => (fields: unknown, message: string) => {
    if (warnings.length < warningsMax) warnings.push(`${message} ${JSON.stringify(fields)}`);
    onLog?.(level, message, fields);
  };
  return {
    debug: () => {},
    info: (fields, message) => onLog?.("info", message, fields),
    warn: say("warn"),
    error: say("error"),
  };
}

const warningsMax = 10_000;

/** A signal of a caller that never gives up. */
export function patient(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return signal;
}
