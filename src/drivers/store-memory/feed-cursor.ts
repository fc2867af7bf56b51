/** The sequence seen of each partition, by the partition's number; 0 for none. */
export type Seen = readonly number[];

/** Only the partitions of which something was seen: `number.sequence`, base 36, in order. */
export function encodeCursor(seen: Seen): string {
  const parts = seen.flatMap((sequence, partition) =>
    sequence > 0 ? [`${partition.toString(36)}.${sequence.toString(36)}`] : [],
  );
  return `seen:${parts.join("_")}`;
}

/** Undefined for anything that `encodeCursor` did not make. */
export function decodeCursor(cursor: string): Seen | undefined {
  if (!cursorForm.test(cursor) || cursor.length > cursorLengthMax) return undefined;
  const seen: number[] = [];
  const parts = cursor.slice("seen:".length).split("_");
  for (const part of parts.filter((text) => text !== "")) {
    const [partition = 0, sequence = 0] = part.split(".").map((text) => Number.parseInt(text, 36));
    if (partition > partitionsMax || partition < seen.length) return undefined;
    while (seen.length < partition) seen.push(0);
    seen.push(sequence);
  }
  return seen;
}

const cursorForm = /^seen:([0-9a-z]{1,9}\.[1-9a-z][0-9a-z]{0,9}(_(?=.)|$))*$/;
const cursorLengthMax = 1_000_000;
const partitionsMax = 100_000;
