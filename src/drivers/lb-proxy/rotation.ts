/** One turn-taker: its share of the turns is its weight over the sum of the candidates' weights. */
export interface Turn {
  readonly weight: number;
  credit: number;
}

/**
 * Smooth weighted round robin: everyone earns its weight, the richest goes and pays the sum. So
 * turns of a heavy member are spread between the others', not sent in a burst. Weight 0 never
 * goes. Mutates the candidates' credits; equal credits go by order.
 */
export function takeTurn<T extends Turn>(candidates: readonly T[]): T | undefined {
  let chosen: T | undefined;
  let sum = 0;
  for (const candidate of candidates) {
    if (candidate.weight <= 0) continue;
    candidate.credit += candidate.weight;
    sum += candidate.weight;
    if (!chosen || candidate.credit > chosen.credit) chosen = candidate;
  }
  if (chosen) chosen.credit -= sum;
  return chosen;
}
