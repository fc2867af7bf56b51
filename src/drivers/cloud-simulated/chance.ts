/** A number of ms, drawn evenly from an inclusive range. */
export interface Spread {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Independent streams of chance from one seed, by label: a draw more in one moves nothing in the
 * others.
 */
export function forkChance(random: () => number): (label: string) => () => number {
  const seed = Math.floor(random() * 2 ** 32);
  return (label) => {
    let state = seed;
    for (const char of label) state = mix(state ^ (char.codePointAt(0) ?? 0));
    return () => {
      state = (state + 0x9e3779b9) >>> 0;
      return mix(state) / 2 ** 32;
    };
  };
}

export function draw(spread: Spread, random: () => number): number {
  return Math.round(spread.fromMs + random() * (spread.toMs - spread.fromMs));
}

/** Spreads 32 bits over 32 bits so that neighbours part (the finisher of MurmurHash3). */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
