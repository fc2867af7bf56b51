import type { CloudServerId } from "../../core/model/ids.js";

/** One create or delete call, as its caller saw it. */
export interface CallRecord {
  readonly operation: "create" | "delete";
  readonly account: string;
  /** The intention of a create, the cloud's id of a delete. */
  readonly subject: string;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  /** `ok`, or the kind of the OutsideFault, with `?` behind it when ambiguous. */
  readonly answer: string;
}

/** One create or delete that the cloud did, whatever its caller was told. */
export interface EffectRecord {
  readonly kind: "created" | "deleted";
  readonly atMs: number;
  readonly account: string;
  readonly id: CloudServerId;
  readonly intention: string | undefined;
}

/** Remembers what was asked and what was done, so that promises can be checked from outside. */
export interface Witness {
  readonly calls: readonly CallRecord[];
  readonly effects: readonly EffectRecord[];
  noteCall(record: CallRecord): void;
  noteEffect(record: EffectRecord): void;
  /** Complete, even when older effects are forgotten. */
  createsByIntention(): ReadonlyMap<string, number>;
}

/** Of calls and of effects; beyond it the older half is forgotten. */
export const recordsMax = 1_000_000;

export function createWitness(onEffect: (effect: EffectRecord) => void = () => {}): Witness {
  const calls: CallRecord[] = [];
  const effects: EffectRecord[] = [];
  const births = new Map<string, number>();
  return {
    ...{ calls, effects },
    noteCall: (record) => keep(calls, record),
    noteEffect(record) {
      keep(effects, record);
      if (record.kind === "created" && record.intention !== undefined)
        births.set(record.intention, (births.get(record.intention) ?? 0) + 1);
      onEffect(record);
    },
    createsByIntention: () => new Map(births),
  };
}

function keep<Kind>(records: Kind[], record: Kind): void {
  records.push(record);
  if (records.length > recordsMax) records.splice(0, recordsMax / 2);
}
