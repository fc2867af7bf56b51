import { createMusterClient, type MusterClient } from "../../clients/node/index.js";
import type { Daemon } from "./daemon.js";
import { type Capacity, readCapacity } from "./group.js";
import { createHistory, type History } from "./history.js";
import { createLoad, type Load } from "./load.js";
import { createMonitor, type Monitor } from "./monitor.js";
import { measure } from "./settings.js";
import type { View } from "./view.js";
import { waitFor } from "./wait.js";

/** All who take part, and what is known of the group. */
export interface Stage {
  readonly daemon: Daemon;
  readonly client: MusterClient;
  readonly load: Load;
  readonly monitor: Monitor;
  readonly history: History;
  /** As last seen. */
  capacity(): Capacity;
  /** Servers in service at most. */
  peak(): number;
  /** Looks at the group and tells the view, until the signal. */
  watch(signal: AbortSignal, view: View): Promise<void>;
}

const looksPerSample = 5;
const nothing: Capacity = { target: 0, inService: 0, pending: 0, leaving: 0 };

export function createStage(daemon: Daemon): Stage {
  const client = createMusterClient({ address: daemon.address, token: daemon.token });
  const load = createLoad(daemon.url);
  const monitor = createMonitor(client);
  const history = createHistory(client);
  const startedMs = performance.now();
  let capacity = nothing;
  let peak = 0;

  const look = async () => {
    capacity = (await readCapacity(client)) ?? nothing;
    peak = Math.max(peak, capacity.inService);
  };
  return {
    ...{ daemon, client, load, monitor, history },
    capacity: () => capacity,
    peak: () => peak,
    async watch(signal, view) {
      const lookMs = measure.periodMs / looksPerSample;
      for (let looks = 0; !signal.aborted; looks++) {
        await look();
        if (looks % looksPerSample === 0) {
          const atMs = Math.round(performance.now() - startedMs);
          const { verdict } = monitor.now();
          view.sample({ atMs, ...capacity, ...load.now(), verdict });
        }
        await waitFor(lookMs, signal).catch(() => {});
      }
    },
  };
}
