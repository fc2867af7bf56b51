import type { MusterEvent } from "../core/model/event.js";
import type { Hint, PartitionId, Row } from "../core/ports/store.js";
import { parsePartition, partitionText } from "../core/ports/store.js";

/** What an export says of itself, before anything else. */
export interface ExportHeader {
  /** Of this export alone: an import that broke off goes on with the same one. */
  readonly id: string;
  readonly madeAtMs: number;
  readonly installation: string;
  /** All that have anything in it. */
  readonly colos: readonly string[];
}

/** How much an export has of each; its last line. */
export interface ExportEnd {
  readonly records: number;
  /** Of all lines before, with their ends; hexadecimal. */
  readonly sha256: string;
}

/**
 * One line of an export. Events come first, in the order of their feeds; then partitions by name,
 * each followed by its rows; then hints by index and key.
 */
export type ExportRecord =
  | { readonly kind: "event"; readonly event: MusterEvent }
  | { readonly kind: "partition"; readonly partition: PartitionId; readonly lastSequence: number }
  | { readonly kind: "row"; readonly row: Row }
  | { readonly kind: "hint"; readonly hint: Hint };

export type ExportLine =
  | { readonly kind: "header"; readonly header: ExportHeader }
  | ExportRecord
  | { readonly kind: "end"; readonly end: ExportEnd };

/** Changes when an older Muster could not read what a newer one wrote. */
const formatVersion = 1;

/** A JSON array: what it is, and its fields in their order. */
export function textOf(line: ExportLine): string {
  return JSON.stringify(fieldsOf(line));
}

function fieldsOf(line: ExportLine): readonly unknown[] {
  switch (line.kind) {
    case "header":
      return ["muster-export", formatVersion, line.header];
    case "event":
      return ["event", line.event];
    case "partition":
      return ["partition", partitionText(line.partition), line.lastSequence];
    case "row": {
      const { kind, key, value, expiresAtMs } = line.row;
      return ["row", kind, key, value, ...(expiresAtMs === undefined ? [] : [expiresAtMs])];
    }
    case "hint":
      return ["hint", line.hint.index, line.hint.key, line.hint.value];
    case "end":
      return ["end", line.end];
    default:
      return line satisfies never;
  }
}

/** @throws Error: it is no line of an export that this Muster can read. */
export function parseLine(text: string): ExportLine {
  const [tag, ...fields] = parseArray(text);
  switch (tag) {
    case "muster-export":
      if (fields[0] === formatVersion) return { kind: "header", header: fields[1] as ExportHeader };
      throw new Error(`it is of version ${fields[0]}; this Muster reads version ${formatVersion}`);
    case "event":
      return { kind: "event", event: fields[0] as MusterEvent };
    case "partition": {
      const [name, lastSequence] = fields as unknown as readonly [string, number];
      return { kind: "partition", partition: parsePartition(name), lastSequence };
    }
    case "row": {
      const [kind, key, value, expiresAtMs] = fields as unknown as RowFields;
      const expiry = expiresAtMs === undefined ? {} : { expiresAtMs };
      return { kind: "row", row: { kind, key, value, ...expiry } };
    }
    case "hint": {
      const [index, key, value] = fields as unknown as readonly [string, string, string];
      return { kind: "hint", hint: { index, key, value } };
    }
    case "end":
      return { kind: "end", end: fields[0] as ExportEnd };
    default:
      throw new Error("it is no export of Muster");
  }
}

type RowFields = readonly [kind: string, key: string, value: string, expiresAtMs?: number];

/** What JSON.parse says would quote what may be a secret. */
function parseArray(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {}
  throw new Error("it is no export of Muster");
}
