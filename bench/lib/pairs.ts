import { medianOf, type Summary, summaryOf } from "./statistics.js";

/** Ours and the reference, measured in turns: what disturbs the machine disturbs both. */
export interface Pairs {
  /** Median of the rounds' ratios. 1 = equal, higher = better. */
  readonly ratio: number;
  /** The rounds' ratios. */
  readonly ratios: Summary;
  readonly ours: Summary;
  readonly reference: Summary;
}

/**
 * Measures all once a round, next round the other way round: what disturbs the machine for a while
 * disturbs all.
 */
export async function inTurns<Name extends string, Value>(
  rounds: number,
  ways: Readonly<Record<Name, () => Promise<Value>>>,
): Promise<Record<Name, Value[]>> {
  const names = Object.keys(ways) as Name[];
  const found = Object.fromEntries(names.map((name) => [name, [] as Value[]]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? names : names.toReversed();
    for (const name of order) found[name]!.push(await ways[name]());
  }
  return found as Record<Name, Value[]>;
}

/** Measures both in turns. Both give rates: higher is better. */
export async function measurePairs(options: {
  readonly rounds: number;
  readonly ours: () => Promise<number>;
  readonly reference: () => Promise<number>;
}): Promise<Pairs> {
  const { rounds, ...ways } = options;
  const { ours, reference } = await inTurns(rounds, ways);
  return pairsOf(ours, reference);
}

/** Of times: less is better, and the ratios still say how much faster ours is. */
export function timePairsOf(oursMs: readonly number[], referenceMs: readonly number[]): Pairs {
  const { ratio, ratios } = pairsOf(referenceMs, oursMs);
  return { ratio, ratios, ours: summaryOf(oursMs), reference: summaryOf(referenceMs) };
}

export function pairsOf(ours: readonly number[], reference: readonly number[]): Pairs {
  const ratios = ours.map((one, round) => one / (reference[round] ?? Number.NaN));
  return {
    ratio: medianOf(ratios),
    ratios: summaryOf(ratios),
    ours: summaryOf(ours),
    reference: summaryOf(reference),
  };
}
