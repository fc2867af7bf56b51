import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createMuster } from "../../src/app.js";
import type { Store } from "../../src/core/ports/store.js";
import { cpuMs, serveParent } from "../lib/child.js";
import { benchColo, benchConfig } from "../lib/muster.js";
import { openStoreOf, type Place } from "./installation.js";
import { type Asked, createListedCloud } from "./listed-cloud.js";
import type { Template } from "./template.js";

/** What a node is started with, as JSON. */
export interface SteadyStart {
  readonly place: Place;
  readonly groups: number;
  /** Undefined: the groups have no servers. */
  readonly template?: Template;
  readonly pollMs: number;
}

/** Since its start. */
export interface Sums extends Asked {
  readonly cpuMs: number;
  /** Calls of the store. */
  readonly reads: number;
  readonly commits: number;
}

const { place, groups, template, pollMs } = JSON.parse(process.argv[2] ?? "{}") as SteadyStart;
const calls = { reads: 0, commits: 0 };
const cloud = createListedCloud(template, groups);
const muster = await createMuster({
  ...benchConfig(false),
  ...{ dataDir: place.dataDir, store: counted(await openStoreOf(place)) },
  colos: { [benchColo]: { cloud: cloud.driver, pollMs } },
});

function counted(store: Store): Store {
  const counting = <Args extends unknown[], Value>(
    kind: keyof typeof calls,
    work: (...args: Args) => Value,
  ) => {
    return (...args: Args): Value => {
      calls[kind] += 1;
      return work(...args);
    };
  };
  return {
    ...store,
    load: counting("reads", store.load),
    read: counting("reads", store.read),
    listHints: counting("reads", store.listHints),
    readFeed: counting("reads", store.readFeed),
    commit: counting("commits", store.commit),
  };
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

serveParent(
  {
    sums: (): Sums => ({ ...cloud.asked(), ...calls, cpuMs: cpuMs() }),
    /** Bytes that the main thread holds on to. */
    heapBytes() {
      collect();
      collect();
      assert.equal(cloud.asked().others, 0, "it was not steady");
      return process.memoryUsage().heapUsed;
    },
  },
  () => muster.stop(0),
);
