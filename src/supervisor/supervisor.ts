import { setMaxListeners } from "node:events";
import type { Group } from "../core/model/group.js";
import type { ColoId, GroupKey, NodeId, PlacementKey } from "../core/model/ids.js";
import type { Clock, Ids } from "../core/ports/clock.js";
import type { Journal } from "../core/ports/journal.js";
import type { Log } from "../core/ports/log.js";
import { type Meter, silentMeter } from "../core/ports/meter.js";
import type { Metrics } from "../core/ports/metrics.js";
import type { Peers } from "../core/ports/peers.js";
import type { Store } from "../core/ports/store.js";
import type { SwitchFile } from "../core/ports/switch-file.js";
import type { Supervisor } from "./api.js";
import { type Colo, type ColoSetup, createColo } from "./colo/colo.js";
import { createFileSwitch } from "./colo/file-switch.js";
import type { LeaseTimes } from "./colo/leases.js";
import { createAccessUseCases } from "./commands/access.js";
import { createBackUp } from "./commands/back-up.js";
import { checkEyesOf, createCheckGroup } from "./commands/check-group.js";
import { createColoUseCases } from "./commands/colos.js";
import { createGroupUseCases } from "./commands/groups.js";
import { createNotifierUseCases } from "./commands/notifiers.js";
import { createPlanGroup } from "./commands/plan-group.js";
import { createPolicyUseCases } from "./commands/policies.js";
import { createScheduleUseCases } from "./commands/schedules.js";
import { createServerUseCases } from "./commands/servers.js";
import { createWebhookUseCases } from "./commands/webhooks.js";
import type { Context } from "./context.js";
import { createActors } from "./converge/act.js";
import { createBalancerLanes } from "./converge/balancer-lanes.js";
import { createCooling } from "./converge/cooling.js";
import { createDoubts } from "./converge/doubts.js";
import { createLookAfter } from "./converge/look-after.js";
import { eyesOf } from "./converge/observe.js";
import { awaitedIn, createConverger } from "./converge/turn.js";
import { createWakeups, type Wakeups } from "./converge/wakeups.js";
import type { CredentialBook } from "./credentials/credential-book.js";
import { createResealer } from "./credentials/reseal.js";
import { createDemandWatch } from "./demand-watch.js";
import { createEventMaker } from "./events/event-maker.js";
import { createExplain } from "./events/explain.js";
import { createEventHub } from "./events/hub.js";
import { createJoinedFeed } from "./events/joined-feed.js";
import { createJournaler, type Retention } from "./events/journaler.js";
import { askOwners } from "./events/owned-feeds.js";
import { createGroupBook } from "./group-book.js";
import { createHands } from "./hands.js";
import { joinSignals } from "./join-signals.js";
import { createMeasurer } from "./measure/measurer.js";
import { meterColos, meteredStore, meterOrphans, meterPlacements } from "./metrics.js";
import { createMonitor } from "./monitor/monitor.js";
import { createNotify } from "./notify/notify.js";
import type { Notifying } from "./notify/notifying.js";
import { createPatrol } from "./patrol.js";
import { createElsewhere } from "./peers/ask-peer.js";
import { createColoWatch } from "./peers/colo-watch.js";
import { createPeerDoor, type OwnUseCases } from "./peers/door.js";
import { routeUseCases } from "./peers/route.js";
import { askedHint } from "./placements/hints.js";
import { nearState } from "./placements/near-state.js";
import { createPlacementBook } from "./placements/placement-book.js";
import { createScaling } from "./scaling.js";
import { createOccurrences } from "./schedules/occurrences.js";
import { createSchedules } from "./schedules/schedules.js";
import { createSweeper } from "./sweeper.js";

/** Everything that the supervisor needs of the outside, injected: nothing else is used. */
export interface SupervisorSetup {
  readonly installation: string;
  readonly node: NodeId;
  readonly store: Store;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Those that this node serves. */
  readonly colos: readonly ColoSetup[];
  /** The way to the installation's other colos, where there are any. */
  readonly peers?: Peers;
  readonly leaseTimes: LeaseTimes;
  readonly retention: Retention;
  readonly credentials: CredentialBook;
  /** What it takes to tell URLs of events, where it is to be done. */
  readonly notifying?: Notifying;
  /** Where policies' queries are asked, if anywhere. */
  readonly metrics?: Metrics;
  readonly meter?: Meter;
  /** The operator's local kill switch, where there is one. */
  readonly switchFile?: SwitchFile;
  /** Folder for copies of the store, where it is a file. */
  readonly backupDir?: string;
}

/** A turn that failed is tried again after this. */
const turnRetryMs = 2_000;

export function createSupervisor(given: SupervisorSetup): Supervisor {
  const { journal, clock, ids, log, meter = silentMeter } = given;
  const store = meteredStore(given.store, meter, clock);
  const setup = { ...given, store, meter };
  const { turns, told } = countersOf(meter);
  const ending = new AbortController();
  const { signal } = ending;
  // Every wait of the node listens for its end: many are no leak.
  setMaxListeners(0, signal);
  let stopping = false;
  let wakeups: Wakeups | undefined;
  const holds = (key: PlacementKey) => colos.get(key.colo)?.leases.holds(key) ?? false;
  const wake = (key: PlacementKey) => (holds(key) ? wakeups?.wake(key) : tellHolder(key));
  const wakeNow = (key: PlacementKey) => (holds(key) ? wakeups?.wakeNow(key) : tellHolder(key));

  /** Whoever works on it looks for such hints every second, and at every placement in turn. */
  function tellHolder(key: PlacementKey): void {
    if (signal.aborted) return;
    store.putHints([askedHint(key)], { signal }).catch((error: unknown) => {
      if (!signal.aborted) log.warn({ ...key, error: String(error) }, "its node was not told");
    });
  }

  const elsewhere = setup.peers && createElsewhere(setup.peers, clock);
  const feed = createJoinedFeed({
    ...store,
    ...(elsewhere && askOwners({ store, elsewhere, clock, log, signal })),
  });
  const hub = createEventHub({ feed, clock, log, signal });
  const hands = createHands(clock);
  const attemptId = ids.next();
  const events = createEventMaker({ clock, ids });
  const groups = createGroupBook({ store, ids, clock });
  const placements = createPlacementBook({
    store,
    clock,
    ids,
    signal,
    holds,
    committed(commit) {
      monitor.committed(commit);
      for (const { type } of commit.events) told.add({ type });
      if (commit.events.length === 0) return;
      hub.notify();
      notify.news();
      journaler.notify();
    },
  });
  const monitor = createMonitor({
    ...setup,
    ...{ attemptId, events, groups, placements, holds, signal, wake },
    brakesOf: (colo) => colos.get(colo)?.brakes,
    listingLagMs: (colo) => colos.get(colo)?.outside.cloud.listingLagMs ?? 0,
  });
  const journaler = createJournaler({ ...setup, feed, signal, monitor });
  const fileSwitch = createFileSwitch({
    ...{ file: setup.switchFile, clock, log, signal },
    changed() {
      for (const colo of colos.keys()) patrol.stir(colo);
    },
  });
  const doubts = createDoubts(clock);
  for (const { id } of setup.colos) doubts.raise(id, "start");
  const colos = new Map<ColoId, Colo>(
    setup.colos.map((one) => [
      one.id,
      createColo({
        ...setup,
        setup: one,
        signal,
        isStopping: () => stopping,
        fileSwitch,
        peek: placements.peek,
        monitor,
        book: setup.credentials,
        doubted(colo, why) {
          doubts.raise(colo, why);
          colos.get(colo)?.servers.forgetAll();
        },
        rotated: (colo, account) => patrol.stirAccount(colo, account),
        stirred(colo) {
          placements.distrust(colo);
          patrol.stir(colo);
          schedules.stir(colo);
          notify.stir(colo);
          measurer.stir(colo);
        },
      }),
    ]),
  );
  const coloWatch = createColoWatch({
    ...{ colos, elsewhere, store, clock, log, signal, principal: `muster:${setup.node}` },
    turned: (colo) => patrol.stirGroups((group) => isSpilled(group, colo)),
  });
  const context: Context = {
    ...setup,
    ...{ attemptId, groups, placements, colos, elsewhere, coloWatch, events, signal, monitor },
    ...{ wake, wakeNow, hands },
    ...{ demand: createDemandWatch(clock), nextOccurrence: createOccurrences() },
  };
  meterColos(meter, colos);
  meterPlacements(meter, placements, colos);
  const cooling = createCooling(clock, wake);
  const lanes = createBalancerLanes(context, cooling);
  const actors = createActors({ context, lanes, cooling });
  const converger = createConverger(context, actors, doubts);
  const schedules = createSchedules(context);
  const notify = createNotify(context, setup.notifying);
  const scaling = createScaling(context);
  const measurer = createMeasurer(context, setup.metrics, scaling);
  const lookAfter = createLookAfter(context, converger, schedules, [notify, measurer]);
  const patrol = createPatrol(context);
  const sweeper = createSweeper(context);
  const resealer = createResealer({
    ...{ book: setup.credentials, clock, log, signal },
    colos: setup.colos.flatMap((one) => (one.checkSecret ? [one.id] : [])),
  });
  meterOrphans(meter, placements, colos, sweeper);
  /** What goes on beside turns and calls. */
  const beside = [patrol, schedules, sweeper, resealer, notify, monitor, coloWatch];

  async function turn(key: PlacementKey): Promise<void> {
    if (!holds(key)) return; // Gaining the lease wakes it again.
    try {
      const nextMs = await lookAfter.turn(key);
      turns.add({ colo: key.colo, outcome: "done" });
      if (nextMs !== undefined) wakeups?.wakeAt(key, nextMs);
    } catch (error) {
      if (signal.aborted) return;
      turns.add({ colo: key.colo, outcome: "failed" });
      log.warn({ ...key, error: String(error) }, "turn failed; it is tried again");
      wakeups?.wakeAt(key, clock.nowMs() + turnRetryMs);
    }
  }

  /** All that a dry run and a check can do with a group and its placements (decision 0010). */
  const groupOf = async (key: GroupKey, within: AbortSignal) =>
    (await groups.get(key, within)).group;
  const stateOf = (key: PlacementKey, within: AbortSignal) => nearState(context, key, within);
  const own: OwnUseCases = {
    groups: createGroupUseCases(context),
    scaling,
    servers: createServerUseCases(context),
    colos: { ...createColoUseCases(context), backUp: createBackUp(context, setup.backupDir) },
  };
  const routed = elsewhere ? routeUseCases(context, own, elsewhere) : own;

  return {
    groups: {
      ...routed.groups,
      plan: createPlanGroup({
        ...{ clock, installation: setup.installation, attemptId },
        ...{ groupOf, stateOf },
        eyesOf: ({ colo }) => {
          const here = colos.get(colo);
          return here && eyesOf(here);
        },
        underWay: actors.underWay,
        doubts,
      }),
      check: createCheckGroup({
        ...{ clock, groupOf, stateOf },
        eyesOf(colo) {
          const here = colos.get(colo);
          return here && checkEyesOf(here);
        },
      }),
    },
    policies: createPolicyUseCases(context, {
      ...{ measures: setup.metrics !== undefined, journal },
    }),
    webhooks: createWebhookUseCases(context),
    schedules: createScheduleUseCases(context),
    notifiers: createNotifierUseCases(context, setup.notifying),
    scaling: routed.scaling,
    servers: routed.servers,
    events: {
      async *subscribe(request, caller) {
        const both = joinSignals(signal, caller.signal);
        try {
          yield* hub.subscribe(request, both.signal);
        } finally {
          both.release();
        }
      },
      search: (query, caller) => journal.search(query, { signal: caller.signal }),
      explain: createExplain(context, { journal, feed }),
      rebuild: async () => journaler.rebuild(),
    },
    colos: routed.colos,
    access: createAccessUseCases(context, setup.credentials),
    peer: createPeerDoor(context, own),
    switchAgeMs: () => Math.max(...[...colos.values()].map(({ brakes }) => brakes.ageMs())),
    async start() {
      wakeups = createWakeups({ clock, hands, turn, isAwaited: awaitedIn(placements, clock) });
      await fileSwitch.start();
      await hub.start();
      journaler.start();
      for (const colo of colos.values()) {
        await colo.brakes.start();
        await colo.leases.start();
      }
      for (const one of beside) one.start();
    },
    async stop(graceMs) {
      stopping = true;
      for (const one of [...beside, measurer]) one.stop();
      await settled(
        Promise.all([...colos.values()].map((colo) => colo.queue.drain())),
        clock,
        graceMs,
      );
      for (const colo of colos.values()) {
        colo.brakes.stop();
        await settled(colo.leases.stop(), clock, graceMs);
      }
      fileSwitch.stop();
      journaler.stop();
      ending.abort();
      await wakeups?.stop();
    },
  };
}

function isSpilled({ spill, placements }: Group, lost: ColoId): boolean {
  return spill === true && placements.some(({ colo }) => colo === lost);
}

function countersOf(meter: Meter) {
  const turns = {
    ...{ name: "muster_turns_total", help: "Looks at a placement, by how they ended." },
    labels: ["colo", "outcome"],
  };
  const told = {
    ...{ name: "muster_events_total", help: "Events that became durable here, by type." },
    labels: ["type"],
  };
  return { turns: meter.counter(turns), told: meter.counter(told) };
}

/** Waits for the work, but no longer than that. */
function settled(work: Promise<unknown>, clock: Clock, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(graceMs, resolve);
    const done = () => {
      timer.cancel();
      resolve();
    };
    work.then(done, done);
  });
}
