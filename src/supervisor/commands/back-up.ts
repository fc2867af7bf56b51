import { Fault } from "../../core/errors/fault.js";
import type { ColoUseCases } from "../api.js";
import type { Context } from "../context.js";
import { namesOf } from "../names-of.js";
import { quarantineStore } from "./quarantine-store.js";

/** A copy of the store that is in quarantine from its beginning, whoever starts with it (B9.5). */
export function createBackUp(
  { store, clock, ids, log }: Context,
  folder: string | undefined,
): ColoUseCases["backUp"] {
  return async ({ principal, signal }) => {
    if (!store.backUp || folder === undefined)
      throw new Fault("UNSUPPORTED", {
        say: "the store is not a file: back up what it is kept in",
      });
    const at = new Date(clock.nowMs()).toISOString();
    const file = `${folder}/state-${at.replace(/[-:.]/g, "")}.db`;
    const copy = await store.backUp(file, { signal });
    try {
      const names: string[] = [];
      for await (const name of namesOf(copy, "partitions", { signal })) names.push(name);
      const why = { reason: `restored from a backup of ${at}`, principal: "muster:backup" };
      const parts = { clock, ids, storeOf: () => copy };
      const placements = await quarantineStore(parts, names, why, { signal });
      log.info({ file, placements, principal }, "store backed up");
      return { file, placements };
    } finally {
      await copy.close();
    }
  };
}
