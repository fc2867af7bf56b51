import { afterEach, before } from "node:test";
import { type Bed, openBed } from "./bed.js";
import { createServer, type NovaServer, removeServers, serverAfter } from "./servers.js";

/** Longer than Nova takes, on a busy machine too. */
export const quietMs = 5_000;

/** One test file's servers in `acme`, made past Muster. */
export interface OwnServers {
  /** Open from before the suite on. */
  readonly its: { readonly bed: Bed };
  /** Its name gets the prefix. @returns the server's id */
  create(name: string, more?: Readonly<Record<string, unknown>>): Promise<string>;
  /** The server when its build has ended. */
  built(id: string): Promise<NovaServer>;
}

/** For one `describe`: after each test faults are healed, and no server is left behind. */
export function useServers(prefix: string): OwnServers {
  let bed: Bed;
  before(async () => {
    bed = await openBed();
  });
  afterEach(async () => {
    await bed.faults.heal();
    await removeServers(bed.callers.acme, prefix);
  });
  return {
    its: {
      get bed() {
        return bed;
      },
    },
    create: (name, more = {}) =>
      createServer(bed.callers.acme, bed.facts, { name: `${prefix}${name}`, ...more }),
    built: (id) => serverAfter(bed.callers.acme, id, "BUILD"),
  };
}
