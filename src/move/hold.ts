import { type Brake, type ColoDoc, operationClasses } from "../core/model/colo.js";
import type { ColoId } from "../core/model/ids.js";
import type { Call } from "../core/ports/call.js";
import type { Clock, Ids } from "../core/ports/clock.js";
import type { PartitionId, Row, RowKey } from "../core/ports/store.js";
import type { Whole } from "./whole.js";

/** Who stops a colo: a store that was moved away, or is not whole yet, must not be worked with. */
export type Mover = "muster:export" | "muster:import";

const movers: ReadonlySet<string> = new Set<Mover>(["muster:export", "muster:import"]);
const brakes: RowKey = { kind: "brakes", key: "self" };
/** The import that is under way. */
const underWay: RowKey = { kind: "import", key: "self" };

interface Deps {
  readonly whole: Whole;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly call: Call;
}

/** Throws the kill switch of every colo, for whichever daemon is started: nothing is called. */
export async function holdColos(
  deps: Deps,
  colos: readonly string[],
  why: { readonly mover: Mover; readonly reason: string; readonly importId?: string },
): Promise<void> {
  const { mover: principal, reason, importId } = why;
  const sinceMs = deps.clock.nowMs();
  const ours = operationClasses.map(
    (operation): Brake => ({ operation, reason, principal, sinceMs }),
  );
  const mark = importId === undefined ? [] : [{ ...underWay, value: JSON.stringify(importId) }];
  for (const colo of colos)
    await change(deps, colo, (kept) => ({
      puts: [brakesRow(colo, [...kept, ...ours]), ...mark],
      deletes: [],
    }));
}

/** Takes our brakes away; those that an operator set stay, and what a colo had elsewhere comes. */
export async function releaseColos(
  deps: Deps,
  colos: readonly string[],
  moved: ReadonlyMap<string, readonly Brake[]>,
): Promise<void> {
  for (const colo of colos)
    await change(deps, colo, (kept) => ({
      puts: [brakesRow(colo, [...kept, ...(moved.get(colo) ?? [])])],
      deletes: [underWay],
    }));
}

/** Which import is under way in the colo; undefined: none. */
export async function importIn(
  { whole, call }: Pick<Deps, "whole" | "call">,
  colo: string,
): Promise<string | undefined> {
  const partition = partitionOf(colo);
  const [row] = await whole.storeOf(partition).read(partition, [underWay], call);
  return row && (JSON.parse(row.value) as string);
}

/** A colo's rows as they are to be elsewhere: what stops it here is about this store. */
export function withoutOurs(rows: readonly Row[]): readonly Row[] {
  return rows
    .filter(({ kind }) => kind !== underWay.kind)
    .map((row) => {
      if (row.kind !== brakes.kind) return row;
      const doc = JSON.parse(row.value) as ColoDoc;
      return brakesRow(doc.colo, others(doc.brakes));
    });
}

/** The brakes that a colo's rows tell of. */
export function brakesIn(rows: readonly Row[]): readonly Brake[] {
  const row = rows.find(({ kind }) => kind === brakes.kind);
  return row ? (JSON.parse(row.value) as ColoDoc).brakes : [];
}

function others(all: readonly Brake[]): readonly Brake[] {
  return all.filter(({ principal }) => !movers.has(principal));
}

function brakesRow(colo: string, all: readonly Brake[]): Row {
  const doc: ColoDoc = { colo: colo as ColoId, brakes: all };
  return { ...brakes, value: JSON.stringify(doc) };
}

function partitionOf(colo: string): PartitionId {
  return { scope: "colo", key: colo };
}

async function change(
  { whole, ids, call }: Deps,
  colo: string,
  decide: (kept: readonly Brake[]) => { readonly puts: readonly Row[]; deletes: readonly RowKey[] },
): Promise<void> {
  const partition = partitionOf(colo);
  const store = whole.storeOf(partition);
  const { revision, rows } = await store.load(partition, [brakes.kind], call);
  const { puts, deletes } = decide(others(brakesIn(rows)));
  const commit = { partition, expectedRevision: revision, commitId: ids.next(), puts, deletes };
  await store.commit({ ...commit, events: [], hints: [] }, call);
}
