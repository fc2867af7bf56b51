import assert from "node:assert/strict";
import {
  type Commit,
  type HintKey,
  type PartitionId,
  partitionText,
  type Store,
} from "../../core/ports/store.js";
import { storeUnavailable } from "../store-rules/faults.js";
import type { Feed } from "./feed.js";
import { createHints, type Hints } from "./hints.js";
import { type Model, storeOf } from "./model.js";
import { createPartitions, type Partitions } from "./partitions.js";

export interface ColoLinks {
  readonly colos: readonly string[];
  /** Whether nothing gets from the one colo to the other now. */
  readonly isCut: (one: string, two: string) => boolean;
  /** How long what is written in one colo takes to the others. */
  readonly lagMs: number;
}

export interface ColosOptions
  extends ColoLinks,
    Omit<Model, "partitionsFor" | "partitionNames" | "hints" | "feed"> {
  readonly createFeed: (colo: string) => Feed;
}

/**
 * On its way from where it was written to the other colos' copies. `isUnderWay`: it left before
 * what cut them off; all else waits for the end of that.
 */
type Sent = Written & { readonly isUnderWay: boolean };

type Written = { readonly atMs: number } & (
  | { readonly kind: "commit"; readonly commit: Commit }
  | { readonly kind: "hint"; readonly hint: HintKey; readonly value: string | undefined }
);

/** Written by a quorum of all colos. */
const everywhere = "*";

/**
 * A store whose nodes stand in several colos, as each colo sees it. A placement is written in its
 * own colo alone and copied to the others, late, and not at all while they are cut off from it;
 * groups and accounts take most of the colos.
 */
export function createColoStores(options: ColosOptions): ReadonlyMap<string, Store> {
  const { colos, isCut, lagMs, clock, faults, createFeed } = options;
  const truth = createPartitions();
  const copies = new Map(
    colos.map((colo) => [
      colo,
      { partitions: createPartitions(), hints: createHints(() => faults.hintsLagMs) },
    ]),
  );
  const ways = new Map<string, Sent[]>();

  const hasMost = (colo: string) =>
    2 * colos.filter((other) => other === colo || !isCut(colo, other)).length > colos.length;
  const isOpen = (from: string, to: string) =>
    from === everywhere ? hasMost(to) : !isCut(from, to);

  function send(from: string, what: Written): void {
    for (const to of colos) {
      if (to === from) continue;
      const way = ways.get(`${from}>${to}`) ?? [];
      ways.set(`${from}>${to}`, way);
      way.push({ ...what, isUnderWay: isOpen(from, to) });
    }
  }

  /** What has arrived by now. */
  function copyOf(colo: string) {
    const copy = copies.get(colo)!;
    const nowMs = clock.monotonicMs();
    for (const from of [everywhere, ...colos]) {
      const way = ways.get(`${from}>${colo}`);
      if (!way) continue;
      const passes = isOpen(from, colo);
      const late = way.findIndex(
        ({ atMs, isUnderWay }) => atMs + lagMs > nowMs || !(passes || isUnderWay),
      );
      for (const sent of way.splice(0, late === -1 ? way.length : late)) arrive(copy, sent);
    }
    return copy;
  }

  function viewOf(colo: string): Store {
    const { hints } = copies.get(colo)!;
    const noteHint = (hint: HintKey, value: string | undefined, atMs: number) => {
      if (value === undefined) hints.delete(hint, atMs);
      else hints.put({ ...hint, value }, atMs);
      send(colo, { kind: "hint", atMs, hint, value });
    };
    const ownHints: Hints = {
      put: (hint, atMs) => noteHint(hint, hint.value, atMs),
      delete: (hint, atMs) => noteHint(hint, undefined, atMs),
      list: (page, asOfMs) => copyOf(colo).hints.list(page, asOfMs),
      indexes: () => copyOf(colo).hints.indexes(),
    };
    return storeOf({
      ...options,
      hints: ownHints,
      feed: createFeed(colo),
      partitionNames: () => truth.names(),
      partitionsFor(id, from) {
        if (from === "replica") return homeOf(id) === colo ? truth : copyOf(colo).partitions;
        const home = homeOf(id);
        if (home !== everywhere) {
          assert(home === colo, `${partitionText(id)} is not ${colo}'s to write, nor to read so`);
          return truth;
        }
        if (!hasMost(colo)) throw storeUnavailable();
        return truth;
      },
      onCommit(commit) {
        const atMs = clock.monotonicMs();
        send(homeOf(commit.partition), { kind: "commit", atMs, commit });
        options.onCommit(commit);
      },
    });
  }

  return new Map(colos.map((colo) => [colo, viewOf(colo)]));
}

function arrive(copy: { readonly partitions: Partitions; readonly hints: Hints }, sent: Sent) {
  if (sent.kind === "commit") {
    copy.partitions.commit(partitionText(sent.commit.partition), sent.commit);
    return;
  }
  const { hint, value, atMs } = sent;
  if (value === undefined) copy.hints.delete(hint, atMs);
  else copy.hints.put({ ...hint, value }, atMs);
}

/** The colo that alone writes the partition. */
function homeOf({ scope, key }: PartitionId): string {
  switch (scope) {
    case "group":
    case "account":
      return everywhere;
    case "placement":
      return key.slice(key.lastIndexOf("/") + 1);
    default:
      return key.split("/")[0]!;
  }
}
