import { isFault } from "../../core/errors/fault.js";
import type { Brake, ColoDoc, OperationClass } from "../../core/model/colo.js";
import type { ColoId } from "../../core/model/ids.js";
import type { Clock, Ids, Timer } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { PartitionId, ReadCall, Store } from "../../core/ports/store.js";
import type { FileSwitch } from "./file-switch.js";

/** A colo's kill switch (B9.1): stored, shared by all nodes, read again several times a second. */
export interface Brakes {
  start(): Promise<void>;
  stop(): void;
  /** In force now, by this node's last successful read and its own switch file. */
  inForce(): readonly Brake[];
  /** Ms since the switch was last read; a node that is older than a second makes no creates. */
  ageMs(): number;
  /** @throws Fault `STORE_UNAVAILABLE` */
  set(brakes: readonly Brake[]): Promise<void>;
  clear(operations: readonly OperationClass[]): Promise<void>;
}

const readEveryMs = 250;
const attemptsMax = 5;
/** A store that refused to be read for so long was lost, whatever it says when it is back (B9.5). */
const lostMsMin = 1_000;
const failuresMin = 2;
/** One that is only slow was not, nor are we when we pause for a moment: but it may be by then. */
const unreadMsMax = 10_000;
/** So many readings in a row that are older than what is known: the store was put back. */
const olderMin = 2;

export function createBrakes(deps: {
  readonly colo: ColoId;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** This node's own switch, which needs no store. */
  readonly file: Pick<FileSwitch, "inForce" | "ageMs">;
  /** Called when what is in force changed. */
  readonly changed: () => void;
  /** Called when the switch could be read again after it could not be, or the store was put back. */
  readonly storeCameBack: () => void;
}): Brakes {
  const { colo, store, clock, ids, log, signal } = deps;
  const partition: PartitionId = { scope: "colo", key: colo };
  const call = { signal };
  /** Its own colo's copies tell every switch that was acknowledged, and no node holds them up. */
  const polling = { signal, from: "replica" } as const;
  let doc: ColoDoc = { colo, brakes: [] };
  /** What `doc` was read at: a reading that was under way during a write says less than we know. */
  let revision = -1;
  let learntAtMs = Number.NEGATIVE_INFINITY;
  let older = 0;
  /** In force, and not in a store that was put back: only a person lifts a brake. */
  let kept: readonly Brake[] = [];
  let readAtMs = Number.NEGATIVE_INFINITY;
  let failures = 0;
  let timer: Timer | undefined;
  let shown = "";

  const stored = () =>
    [...doc.brakes, ...kept].filter(
      (one) => one.expiresAtMs === undefined || clock.nowMs() < one.expiresAtMs,
    );

  const inForce = () => [...deps.file.inForce(colo), ...stored()];

  async function read(how: ReadCall): Promise<number> {
    const askedAtMs = clock.monotonicMs();
    const loaded = await store.load(partition, ["brakes"], how).catch((error: unknown) => {
      failures++;
      throw error;
    });
    const row = loaded.rows[0];
    const found = row ? (JSON.parse(row.value) as ColoDoc) : { colo, brakes: [] };
    const isPutBack = loaded.revision < revision && askedAtMs > learntAtMs;
    if (isPutBack && ++older < olderMin) return revision;
    const wasLost = isPutBack || isLost(askedAtMs);
    readAtMs = Math.max(readAtMs, askedAtMs);
    failures = 0;
    if (isPutBack) keepAll(loaded.revision);
    if (wasLost) deps.storeCameBack();
    if (loaded.revision < revision) return revision;
    become(loaded.revision, found);
    return loaded.revision;
  }

  function isLost(askedAtMs: number): boolean {
    const agedMs = askedAtMs - readAtMs;
    if (revision < 0) return false;
    return agedMs > unreadMsMax || (agedMs > lostMsMin && failures >= failuresMin);
  }

  /** The store is the truth again, but what it has forgotten stays in force till it is written. */
  function keepAll(now: number): void {
    log.warn({ colo, known: revision, revision: now }, "the store was put back to what it was");
    kept = stored();
    revision = now;
  }

  function become(now: number, next: ColoDoc): void {
    if (now > revision) learntAtMs = clock.monotonicMs();
    revision = now;
    older = 0;
    doc = next;
    kept = kept.filter((one) => !next.brakes.some(({ operation }) => operation === one.operation));
    tellIfChanged();
  }

  function tellIfChanged(): void {
    const now = JSON.stringify(stored());
    if (now === shown) return;
    shown = now;
    deps.changed();
  }

  async function poll(): Promise<void> {
    try {
      await read(polling);
      if (kept.length > 0) await write((brakes) => brakes);
    } catch (error) {
      if (!signal.aborted)
        log.warn({ colo, error: String(error) }, "kill switch could not be read or put right");
    }
    if (!signal.aborted) timer = clock.after(readEveryMs, () => void poll());
  }

  async function write(edit: (brakes: readonly Brake[]) => readonly Brake[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const expectedRevision = await read(call);
      const next: ColoDoc = { colo, brakes: edit(stored()) };
      const row = { kind: "brakes", key: "self", value: JSON.stringify(next) };
      const commit = { partition, expectedRevision, commitId: ids.next(), puts: [row] };
      let written: number;
      try {
        written = (await store.commit({ ...commit, deletes: [], events: [], hints: [] }, call))
          .revision;
      } catch (error) {
        if (
          attempt < attemptsMax &&
          (isFault(error, "PLACEMENT_CHANGED") || isFault(error, "COMMIT_UNKNOWN"))
        )
          continue; // Setting is idempotent: read again, write again.
        throw error;
      }
      if (written < revision) return; // Another's setting came after and is known already.
      kept = [];
      become(written, next);
      return;
    }
  }

  return {
    async start() {
      await read(polling);
      timer = clock.after(readEveryMs, () => void poll());
    },
    stop: () => timer?.cancel(),
    inForce,
    ageMs: () => Math.max(deps.file.ageMs(), clock.monotonicMs() - readAtMs),
    set: (added) =>
      write((brakes) => [
        ...brakes.filter((one) => !added.some((other) => other.operation === one.operation)),
        ...added,
      ]),
    clear: (operations) =>
      write((brakes) => brakes.filter((one) => !operations.includes(one.operation))),
  };
}
