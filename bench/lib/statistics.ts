/** What was measured several times. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Distance of the quartiles, as a share of the median. */
  readonly spread: number;
  readonly samples: number;
}

export function summaryOf(values: readonly number[]): Summary {
  const sorted = values.toSorted((left, right) => left - right);
  const median = quantile(sorted, 0.5);
  const between = quantile(sorted, 0.75) - quantile(sorted, 0.25);
  return {
    median,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    spread: median === 0 ? 0 : between / median,
    samples: sorted.length,
  };
}

export function medianOf(values: readonly number[]): number {
  return summaryOf(values).median;
}

/** The value below which that share of the values lies, e.g. 0.99. */
export function percentileOf(values: readonly number[], share: number): number {
  return quantile(
    values.toSorted((left, right) => left - right),
    share,
  );
}

function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}

/**
 * The exponent `e` of cost = c × size^e that fits best (least squares over the logarithms): 0 is
 * independent of the size, 1 linear, 2 quadratic.
 */
export function growthExponent(
  points: readonly { readonly size: number; readonly cost: number }[],
): number {
  const logs = points.map(({ size, cost }) => [Math.log(size), Math.log(cost)] as const);
  const mean = (axis: 0 | 1) => logs.reduce((sum, one) => sum + one[axis], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  let above = 0;
  let below = 0;
  for (const [x, y] of logs) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return above / below;
}
