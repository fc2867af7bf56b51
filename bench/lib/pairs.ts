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
 * Measures both once a round, first one, then the other, next round the other way round. Both give
 * rates: higher is better.
 */
export async function measurePairs(options: {
  readonly rounds: number;
  readonly ours: () => Promise<number>;
  readonly reference: () => Promise<number>;
}): Promise<Pairs> {
  const ours: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const oursFirst = round % 2 === 0;
    if (oursFirst) ours.push(await options.ours());
    reference.push(await options.reference());
    if (!oursFirst) ours.push(await options.ours());
  }
  return pairsOf(ours, reference);
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
