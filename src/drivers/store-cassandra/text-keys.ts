const digits = 16;

/** Sorts as text as it does as a number. Safe integers have at most 16 digits. */
export function sortable(number: number): string {
  return String(number).padStart(digits, "0");
}

/** The outbox row of a commit. */
export function outboxKey(last: number, count: number): string {
  return `${sortable(last)}-${count}`;
}

/** Above the row of the commit that ends with `last`, below all later ones. */
export function outboxAfter(last: number): string {
  return `${sortable(last)}.`;
}

/** Undefined for what `outboxKey` did not make. */
export function readOutboxKey(key: string): { last: number; count: number } {
  const [last, count] = key.split("-").map(Number);
  return { last: last ?? 0, count: count ?? 0 };
}
