import type { EventType, MusterEvent } from "../../../src/core/model/event.js";
import type { AccountId, ColoId, GroupId, PlacementKey } from "../../../src/core/model/ids.js";
import type { Commit, PartitionId, Store } from "../../../src/core/ports/store.js";
import { askedHint, dueHint, workHint } from "../../../src/supervisor/placements/hints.js";
import {
  placementPartition,
  stateKinds,
} from "../../../src/supervisor/placements/placement-state.js";
import { commitOf, countTo, patientCall } from "../../contract/store-samples.js";
import { docRow, eventsOf, leaseRow, receiptRow, serverName, serverRow } from "./rows.js";

/** Every quarter of an hour it scales; 960 servers a day come and go. */
export const busy = { servers: 500, changesPerDay: 96, serversPerChange: 10 } as const;

export const placement: PlacementKey = {
  account: "acme" as AccountId,
  group: "web" as GroupId,
  colo: "iad" as ColoId,
};
export const partition = placementPartition(placement);
export const lease: PartitionId = { scope: "lease", key: "iad/3" };
export const dueAt = (atMs: number) => dueHint({ key: placement, shard: 3, atMs });

const changeMs = 86_400_000 / busy.changesPerDay;
/** Every hour someone else's writing is feared, leases are written, and the feed is trimmed. */
const changesPerHour = busy.changesPerDay / 24;
const retentionMs = 7 * 86_400_000;
const receiptKeptMs = 86_400_000;
const feedPage = 1_000;
/** As many other groups is the node asked for at the same time, others each time. */
const neighbours = 50;
const call = patientCall();

/** Does to the store what a node does for a busy group, with rows as large as real ones. */
export interface BusyGroup {
  /** All of its servers at once. */
  begin(): Promise<void>;
  /** The next time that it scales. */
  change(nowMs: number): Promise<void>;
  /** Reads the feed from where it was read to. */
  readOn(): Promise<void>;
  /** Key of the newest receipt, and id of the newest commit of the placement. */
  newest(): { readonly receipt: string; readonly commitId: string };
}

type Moved = "intended" | "building" | "in_service" | "draining" | "gone";

export function createBusyGroup(store: Store): BusyGroup {
  const revisions = new Map<PartitionId, number>();
  const serving: string[] = [];
  let [servers, changes, sequence] = [0, 0, 0];
  let [cursor, commitId] = ["", ""];

  async function commit(id: PartitionId, what: Partial<Commit>): Promise<void> {
    const next = commitOf(id, revisions.get(id) ?? 0, what);
    revisions.set(id, (await store.commit(next, call)).revision);
    if (id === partition) commitId = next.commitId;
  }

  function events(
    nowMs: number,
    type: EventType,
    names: readonly string[],
  ): readonly MusterEvent[] {
    const those = eventsOf(placement, { type, names, nowMs, sequence });
    sequence += those.length;
    return those;
  }

  async function move(nowMs: number, state: Moved, names: readonly string[]): Promise<void> {
    const rows = names.map((name) => serverRow(name, state, nowMs));
    await commit(partition, {
      ...(state === "gone" ? { deletes: rows } : { puts: rows }),
      events: events(nowMs, `server.${state}`, names),
    });
  }

  async function askOthers(nowMs: number): Promise<void> {
    const asked = countTo(neighbours).map((number) =>
      askedHint({ ...placement, group: `group-${changes}-${number}` as GroupId }),
    );
    await store.putHints([...asked, askedHint(placement), dueAt(nowMs + changeMs)], call);
    await store.deleteHints([...asked, askedHint(placement)], call);
  }

  const names = (count: number) => countTo(count).map(() => serverName(++servers));
  const receipt = () => `request-${changes}`;

  const group: BusyGroup = {
    async begin() {
      serving.push(...names(busy.servers));
      await commit(partition, { puts: serving.map((name) => serverRow(name, "in_service", 0)) });
    },
    async change(nowMs) {
      changes++;
      await askOthers(nowMs);
      await store.read(partition, [{ kind: "receipt", key: receipt() }], call);
      await commit(partition, {
        puts: [docRow(placement, nowMs), receiptRow(receipt(), nowMs + receiptKeptMs)],
        events: events(nowMs, "target.changed", ["", ""]),
        hints: [workHint(placement)],
      });
      const born = names(busy.serversPerChange);
      for (const state of ["intended", "building", "in_service"] as const)
        await move(nowMs, state, born);
      serving.push(...born);
      const gone = serving.splice(0, busy.serversPerChange);
      for (const state of ["draining", "gone"] as const) await move(nowMs, state, gone);
      await store.deleteHints([workHint(placement), dueAt(nowMs)], call);
      await group.readOn();
      if (changes % changesPerHour !== 0) return;
      await store.load(partition, stateKinds, call);
      await commit(lease, { puts: [leaseRow(nowMs)] });
      await store.trimFeed({ olderThanMs: nowMs - retentionMs, before: cursor }, call);
    },
    async readOn() {
      for (;;) {
        const page = await store.readFeed(cursor, feedPage, call);
        cursor = page.at(-1)?.cursor ?? cursor;
        if (page.length < feedPage) return;
      }
    },
    newest: () => ({ receipt: receipt(), commitId }),
  };
  return group;
}
