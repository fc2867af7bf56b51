/** A number exactly as it is written: `digits` × 10^-`scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** 0.07 is 7 hundredths here, and not the double next to it. What is not finite is 0. */
export function exactly(value: number): Decimal {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (parts === null) return { digits: 0n, scale: 0 };
  const [, sign = "", whole = "0", fraction = "", exponent = "0"] = parts;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(`${sign}${whole}${fraction}`);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { digits: digitsAt(a, scale) + digitsAt(b, scale), scale };
}

export function times(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale };
}

/** Below 0 where `a` is the smaller one, above 0 where `b` is, else 0. */
export function compare(a: Decimal, b: Decimal): number {
  const [left, right] = alike(a, b);
  return left < right ? -1 : Number(left > right);
}

/** `a` / `b`, both at least 0 and `b` above it, as the next whole number not below it. */
export function ceilOfRatio(a: Decimal, b: Decimal): number {
  const [above, below] = alike(a, b);
  return Number((above + below - 1n) / below);
}

/** `a` / `b`, both at least 0 and `b` above it, as the next whole number not above it. */
export function floorOfRatio(a: Decimal, b: Decimal): number {
  const [above, below] = alike(a, b);
  return Number(above / below);
}

function alike(a: Decimal, b: Decimal): readonly [bigint, bigint] {
  const scale = Math.max(a.scale, b.scale);
  return [digitsAt(a, scale), digitsAt(b, scale)];
}

function digitsAt({ digits, scale }: Decimal, wanted: number): bigint {
  return digits * 10n ** BigInt(wanted - scale);
}
