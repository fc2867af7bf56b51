const units = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
  { name: "s", ms: 1_000 },
] as const;

/**
 * A duration for people, in its two largest units: "340 ms", "42 s", "2 min 5 s", "1 d 3 h". From
 * one second on it is rounded up to its smallest unit, so that who waits for it does not come too
 * early.
 */
export function sayDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs)) return "an unknown time";
  if (durationMs < 0) return `-${sayDuration(-durationMs)}`;
  if (durationMs < 1_000) return `${Math.ceil(durationMs)} ms`;
  for (const [index, large] of units.entries()) {
    const small = units[index + 1] ?? large;
    const smalls = Math.ceil(durationMs / small.ms);
    const perLarge = large.ms / small.ms;
    if (smalls < perLarge) continue;
    const rest = smalls % perLarge;
    const whole = `${Math.floor(smalls / perLarge)} ${large.name}`;
    return rest === 0 ? whole : `${whole} ${rest} ${small.name}`;
  }
  return "1 s";
}
