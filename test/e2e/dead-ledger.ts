import assert from "node:assert/strict";
import { join } from "node:path";
import type { PlacementKey, ServerId } from "../../src/core/model/ids.js";
import type { ServerRow } from "../../src/core/model/server.js";
import { openStoreCopy } from "../../src/doctor/store-copy.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { placementPartition, stateOf } from "../../src/supervisor/placements/placement-state.js";
import type { Daemon } from "./daemon.js";

const readMsMax = 10_000;

/** A placement's rows as a daemon that was killed left them, out of a copy of its store. */
export async function deadLedger(
  { folder }: Daemon,
  key: PlacementKey,
): Promise<ReadonlyMap<ServerId, ServerRow>> {
  const store = await openStoreCopy(join(folder, "data"), createSystemClock());
  assert.ok(store, "the daemon has no store");
  try {
    const call = { signal: AbortSignal.timeout(readMsMax) };
    return stateOf(key, await store.load(placementPartition(key), ["server"], call)).servers;
  } finally {
    await store.close();
  }
}
