import type { Context } from "../context.js";
import { createLater } from "../later.js";
import type { Notifying } from "./notifying.js";
import { createRunner, type Runner } from "./runner.js";

/** Tells notifiers of what becomes durable, beside everything else and never in its way. */
export interface Notify {
  start(): void;
  /** There is something new. */
  stir(): void;
  stop(): void;
}

const lookMs = 1_000;

export function createNotify(context: Context, notifying: Notifying | undefined): Notify {
  const { clock, log, signal, meter } = context;
  const later = createLater({ what: "telling notifiers", clock, log, signal });
  const told = meter.counter({
    ...{ name: "muster_notifications_total", help: "Notifications, by how a try to send ended." },
    labels: ["colo", "outcome"],
  });
  const runners = notifying
    ? [...context.colos.values()].map((colo) => createRunner(context, colo, { notifying, told }))
    : [];

  async function look(runner: Runner): Promise<void> {
    await runner.look();
    later(lookMs, () => look(runner));
  }

  return {
    start() {
      for (const runner of runners) later(lookMs, () => look(runner));
    },
    stir() {
      for (const runner of runners) runner.stir();
    },
    stop() {
      later.stop();
      for (const runner of runners) runner.stop();
    },
  };
}
