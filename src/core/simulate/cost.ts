const hourMs = 3_600_000n;
/** What is told of a price's decimals. */
const places = 4;

/**
 * What servers cost in all, exactly, rounded to 4 decimals: half of the last one goes up.
 *
 * @param perHour a decimal as it is written: digits, and perhaps a point and more digits.
 */
export function costOf(serverMs: number, perHour: string): string {
  const [whole = "0", fraction = ""] = perHour.split(".");
  const price = BigInt(whole + fraction);
  const total = BigInt(Math.round(serverMs)) * price * 10n ** BigInt(places);
  const unit = hourMs * 10n ** BigInt(fraction.length);
  const digits = String((2n * total + unit) / (2n * unit)).padStart(places + 1, "0");
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
