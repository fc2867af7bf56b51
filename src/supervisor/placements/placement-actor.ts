import { Fault, isFault } from "../../core/errors/fault.js";
import type { MusterEvent } from "../../core/model/event.js";
import type { PlacementKey } from "../../core/model/ids.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type { Hint, Row, Store } from "../../core/ports/store.js";
import { sleep } from "../sleep.js";
import { workHint } from "./hints.js";
import {
  applyChange,
  numbered,
  type PlacementChange,
  type PlacementState,
  placementPartition,
  receiptRow,
  rowsBetween,
  type StoredReceipt,
  stateKinds,
  stateOf,
} from "./placement-state.js";

/**
 * The one writer of a placement on this node. Decisions queue here; each batch of them becomes one
 * conditional commit, so that a burst costs one write and a stale node loses (architecture,
 * "State").
 */
export interface PlacementActor {
  readonly key: PlacementKey;
  /** As last committed or loaded. @throws Fault `STORE_UNAVAILABLE` */
  state(signal: AbortSignal): Promise<PlacementState>;
  /** The same without waiting; undefined before the first load. */
  peek(): PlacementState | undefined;
  /**
   * Runs `decide` on the newest state and commits what it changes. `decide` is pure and may run
   * again on a newer state; what it throws reaches only its own caller.
   *
   * @throws Fault `OVERLOADED`: too many wait already; nothing was kept.
   * @throws Fault `STORE_UNAVAILABLE`: nothing was kept.
   */
  change<Reply>(decide: Decide<Reply>, options?: ChangeOptions): Promise<Reply>;
  /**
   * Takes back the hint that there is work here: a turn found none, on the state of this revision.
   * Does nothing when the state has moved on: what moved it wakes a turn of its own.
   */
  markIdle(revision: number): Promise<void>;
  /** Another node may have written: the next look asks the store whether this one is behind. */
  distrust(): void;
  isBusy(): boolean;
}

export type Decide<Reply> = (state: PlacementState, earlier: EarlierReceipts) => Decided<Reply>;

export interface Decided<Reply> {
  readonly change: PlacementChange;
  readonly reply: Reply;
}

export type EarlierReceipts = ReadonlyMap<string, StoredReceipt>;

export interface ChangeOptions {
  /** Idempotency keys whose stored receipts `decide` must see. */
  readonly receiptKeys?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface PlacementActorDeps {
  readonly key: PlacementKey;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Ends every wait when the node stops. */
  readonly signal: AbortSignal;
  /** Whether this node works on the placement. What others work on is never taken from memory. */
  readonly holds: () => boolean;
  /** Called after each commit that took effect, in order. */
  readonly committed: (commit: CommittedBatch) => void;
}

/** A commit that took effect, with the changes that it is made of. */
export interface CommittedBatch {
  readonly state: PlacementState;
  readonly events: readonly MusterEvent[];
  /** In order; what changed nothing is left out. */
  readonly changes: readonly CommittedChange[];
}

export interface CommittedChange {
  readonly before: PlacementState;
  readonly after: PlacementState;
  readonly change: PlacementChange;
  readonly events: readonly MusterEvent[];
}

interface Waiting {
  readonly decide: Decide<unknown>;
  readonly receiptKeys: readonly string[];
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const waitingMax = 10_000;
const batchMax = 500;
/** Losing a race so often in a row means that another node works here: the caller is told. */
const attemptsMax = 5;
const readBackDelayMs = 200;

export function createPlacementActor(deps: PlacementActorDeps): PlacementActor {
  const { key, store, clock, ids, signal } = deps;
  const partition = placementPartition(key);
  const call = { signal };
  const queue: Waiting[] = [];
  let state: PlacementState | undefined;
  let loading: Promise<PlacementState> | undefined;
  let running = false;
  let trusted = true;
  /** Whether the work hint stands. Another life of this node may have left one. */
  let hint: "stands" | "gone" | "unknown" = "unknown";

  const hintStands = () => hint === "stands";

  /** The newest state, from memory where nobody else may have written. */
  function current(): Promise<PlacementState> {
    if (state && trusted && deps.holds()) return Promise.resolve(state);
    // Doubted since that load began: it may have read before what is doubted was written.
    if (loading && !trusted) return loading.then(current, current);
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  async function load(): Promise<PlacementState> {
    trusted = true; // A doubt that comes up meanwhile stands.
    try {
      if (state) {
        const { revision } = await store.load(partition, ["doc"], call);
        if (state && state.revision >= revision) return state;
      }
      const loaded = await store.load(partition, stateKinds, call);
      // A commit of ours may have come meanwhile: what it left is newer.
      if (!state || state.revision < loaded.revision) state = stateOf(key, loaded);
      return state;
    } catch (error) {
      trusted = false;
      throw error;
    }
  }

  async function pump(): Promise<void> {
    if (running) return;
    running = true;
    try {
      while (queue.length > 0) await runBatch(queue.splice(0, batchMax));
    } finally {
      running = false;
    }
  }

  async function runBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      for (let attempt = 1; ; attempt++) {
        const before = await current();
        const receipts = await readReceipts(batch);
        const drafted = decideAll(before, batch, receipts);
        try {
          await write(before, drafted);
          for (const settle of drafted.settles) settle();
          return;
        } catch (error) {
          if (!isFault(error, "PLACEMENT_CHANGED") || attempt >= attemptsMax) throw error;
          state = undefined;
        }
      }
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
  }

  async function readReceipts(batch: readonly Waiting[]): Promise<Map<string, StoredReceipt>> {
    const keys = [...new Set(batch.flatMap((one) => one.receiptKeys))];
    if (keys.length === 0) return new Map();
    const rows = await store.read(
      partition,
      keys.map((one) => ({ kind: "receipt", key: one })),
      call,
    );
    const found = rows.filter((row): row is Row => row !== undefined);
    return new Map(found.map((row) => [row.key, JSON.parse(row.value) as StoredReceipt]));
  }

  async function write(before: PlacementState, drafted: Drafted): Promise<void> {
    const { after, events, receipts } = drafted;
    const { puts, deletes } = rowsBetween(before, after);
    puts.push(...receipts.map(receiptRow));
    if (puts.length === 0 && deletes.length === 0 && events.length === 0) return;
    const hints: Hint[] = hint === "stands" ? [] : [workHint(key)];
    const commitId = ids.next();
    const commit = {
      partition,
      expectedRevision: before.revision,
      commitId,
      puts,
      deletes,
      events,
      hints,
    };
    hint = "unknown"; // A commit that fails may or may not have written it.
    let revision: number;
    try {
      revision = (await store.commit(commit, call)).revision;
    } catch (error) {
      if (!isFault(error, "COMMIT_UNKNOWN")) throw error;
      if (!(await readBack(commitId))) throw changedMeanwhile(error);
      revision = before.revision + 1;
    }
    hint = "stands";
    state = { ...after, revision };
    deps.committed({ state, events, changes: drafted.changes });
  }

  /** Asks until the store can tell whether the commit took effect. */
  async function readBack(commitId: string): Promise<boolean> {
    for (;;) {
      try {
        return await store.wasCommitted(partition, commitId, call);
      } catch (error) {
        if (signal.aborted) throw error;
        await sleep(clock, readBackDelayMs, signal);
      }
    }
  }

  return {
    key,
    peek: () => state,
    isBusy: () => running || queue.length > 0,
    state: () => current(),
    distrust() {
      trusted = false;
    },
    change<Reply>(decide: Decide<Reply>, options: ChangeOptions = {}): Promise<Reply> {
      if (queue.length >= waitingMax) {
        const say = `${waitingMax} changes of this placement wait already`;
        return Promise.reject(new Fault("OVERLOADED", { say, retryAfterMs: 1_000 }));
      }
      return new Promise<Reply>((resolve, reject) => {
        queue.push({
          decide,
          receiptKeys: options.receiptKeys ?? [],
          resolve: resolve as (reply: unknown) => void,
          reject,
        });
        // A tick later, so that what arrives together is committed together.
        queueMicrotask(() => void pump());
      });
    },
    async markIdle(revision) {
      if (hint === "gone" || state?.revision !== revision || running) return;
      hint = "gone";
      await store.deleteHints([workHint(key)], call);
      // A commit that came meanwhile wrote the hint anew, perhaps ahead of the deletion.
      if (hintStands()) await store.putHints([workHint(key)], call);
    },
  };

  function decideAll(
    before: PlacementState,
    batch: readonly Waiting[],
    receipts: Map<string, StoredReceipt>,
  ): Drafted {
    let after = before;
    const events: MusterEvent[] = [];
    const stored: StoredReceipt[] = [];
    const settles: (() => void)[] = [];
    const changes: CommittedChange[] = [];
    for (const one of batch) {
      try {
        const { change, reply } = one.decide(after, receipts);
        const made = numbered(key, after.lastSequence, change.events ?? []);
        events.push(...made);
        const then = applyChange(after, change);
        if (isSomething(change)) changes.push({ before: after, after: then, change, events: made });
        after = then;
        if (change.receipt) {
          stored.push(change.receipt);
          receipts.set(change.receipt.key, change.receipt);
        }
        settles.push(() => one.resolve(reply));
      } catch (error) {
        settles.push(() => one.reject(error));
      }
    }
    return { after, events, receipts: stored, settles, changes };
  }
}

function isSomething({ doc, servers, receipt, events }: PlacementChange): boolean {
  const some = (servers?.length ?? 0) + (events?.length ?? 0);
  return doc !== undefined || receipt !== undefined || some > 0;
}

interface Drafted {
  readonly changes: readonly CommittedChange[];
  readonly after: PlacementState;
  readonly events: readonly MusterEvent[];
  readonly receipts: readonly StoredReceipt[];
  readonly settles: readonly (() => void)[];
}

function changedMeanwhile(error: unknown): Fault {
  const say = "the commit's answer was lost and it did not take effect";
  return new Fault("PLACEMENT_CHANGED", { say, cause: error });
}
