/**
 * The order of keys in every store: that of their UTF-8 bytes, which is that of their code points.
 * JavaScript's own order differs: it compares UTF-16 units, so U+1F600 sorts before U+FF21.
 */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return weight(a) - weight(b);
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above all others: they move up, what is above moves down. */
function weight(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
