import type { Store } from "../../../src/core/ports/store.js";
import { namesOf } from "../../../src/supervisor/names-of.js";
import { askedIndex, workIndex } from "../../../src/supervisor/placements/hints.js";
import { stateKinds } from "../../../src/supervisor/placements/placement-state.js";
import { patientCall } from "../../contract/store-samples.js";
import { type BusyGroup, dueAt, lease, partition, placement } from "./busy-group.js";

type Looks = Readonly<Record<string, (nowMs: number) => Promise<unknown>>>;

const call = patientCall();
const [hintsMax, entriesMax] = [100, 100];
const behindMs = 60_000;

/** All that is ever asked of the tables a busy group writes, by name. */
export function createLooks(store: Store, group: BusyGroup): Looks {
  const list = (index: string, afterKey = "") =>
    store.listHints({ index, afterKey, hintsMax }, call);
  const { index: due } = dueAt(0);
  const walk = async (of: "partitions" | "indexes") => {
    for await (const _ of namesOf(store, of, call));
  };
  return {
    "a placement's state": () => store.load(partition, stateKinds, call),
    "all rows of a placement": () => store.load(partition, "all", call),
    "a receipt": () => {
      return store.read(partition, [{ kind: "receipt", key: group.newest().receipt }], call);
    },
    "whether it was committed": () => store.wasCommitted(partition, group.newest().commitId, call),
    "a lease": () => store.load(lease, "all", call),
    "what nodes were asked for": () => list(askedIndex(placement.colo)),
    "what has work": () => list(workIndex(placement.colo)),
    "what is due, from the beginning": () => list(due),
    "what is due, from a minute ago": (nowMs) => list(due, dueAt(nowMs - behindMs).key),
    "the feed, onwards": () => group.readOn(),
    "the feed, from its beginning": () => store.readFeed("", entriesMax, call),
    "the feed's head": () => store.feedHead(call),
    "names of partitions": () => walk("partitions"),
    "names of indexes": () => walk("indexes"),
  };
}
