import type { ColoId, PlacementKey } from "../../core/model/ids.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import { notifierIndex } from "../placements/hints.js";
import { createNamedGroups, type Onlooker } from "../placements/named-groups.js";
import type { Notifying } from "./notifying.js";
import { createPages } from "./pages.js";
import { createNotifierResealer } from "./reseal.js";
import { createRunner, type Runner } from "./runner.js";

/** Tells notifiers of what becomes durable, beside everything else and never in its way. */
export interface Notify extends Onlooker {
  start(): void;
  /** Leases may have been gained there. */
  stir(colo: ColoId): void;
  /** There are new events. */
  news(): void;
  stop(): void;
}

/** Whoever works on a group's placement also tells of it: no notifiers, no work. */
export function createNotify(context: Context, notifying: Notifying | undefined): Notify {
  const told = context.meter.counter({
    ...{ name: "muster_notifications_total", help: "Notifications, by how a try to send ended." },
    labels: ["colo", "outcome"],
  });
  if (!notifying) return { start() {}, look() {}, stir() {}, news() {}, stop() {} };
  const deps = { notifying, told, pages: createPages(context.store, context.signal) };
  /** By colo and shard. */
  const runners = new Map<string, Runner>();
  const named = createNamedGroups(context, notifierIndex, { look });
  const resealer = createNotifierResealer(context, notifying.box, () =>
    [...runners.values()].flatMap((runner) => runner.groups()),
  );

  function look(key: PlacementKey, { notifiers }: GroupEntry): void {
    const colo = context.colos.get(key.colo)!;
    const shard = colo.leases.shardOf(key);
    const runner = runners.get(textOf(colo, shard));
    if (runner) runner.look(key, notifiers);
    else if (notifiers.size > 0) {
      const fresh = createRunner(context, { colo, shard }, deps);
      runners.set(textOf(colo, shard), fresh);
      fresh.look(key, notifiers);
    }
  }

  return {
    look,
    start: resealer.start,
    stir: named.stir,
    news() {
      for (const runner of runners.values()) runner.news();
    },
    stop() {
      named.stop();
      resealer.stop();
      for (const runner of runners.values()) runner.stop();
    },
  };
}

function textOf({ id }: Colo, shard: number): string {
  return `${id}/${shard}`;
}
