import type { EventType, MusterEvent } from "../../../src/core/model/event.js";
import type { EventId, PlacementKey, ServerId } from "../../../src/core/model/ids.js";
import type { Row } from "../../../src/core/ports/store.js";

/** Letters that bring a document to the size of a real one. */
const [docLetters, receiptLetters, serverLetters] = [900, 400, 600];

export function docRow(key: PlacementKey, nowMs: number): Row {
  return { kind: "doc", key: "self", value: text({ ...key, nowMs }, docLetters) };
}

export function receiptRow(key: string, expiresAtMs: number): Row {
  return { kind: "receipt", key, value: text({ key }, receiptLetters), expiresAtMs };
}

export function serverRow(id: string, state: string, sinceMs: number): Row {
  return { kind: "server", key: id, value: text({ id, state, sinceMs }, serverLetters) };
}

export function leaseRow(nowMs: number): Row {
  return { kind: "lease", key: "self", value: text({ node: "a", nowMs }, 0) };
}

/** Sortable, as ids of servers are. */
export function serverName(number: number): string {
  return `s${String(number).padStart(25, "0")}`;
}

/** One for each server, behind `sequence`. */
export function eventsOf(
  key: PlacementKey,
  of: { type: EventType; names: readonly string[]; nowMs: number; sequence: number },
): readonly MusterEvent[] {
  return of.names.map((name, index) => {
    const sequence = of.sequence + index + 1;
    return {
      ...{ ...key, sequence, type: of.type, atMs: of.nowMs },
      id: `e${String(sequence).padStart(25, "0")}` as EventId,
      server: name as ServerId,
      message: `${name} is ${of.type}, since the target changed from 500 to 510`,
      facts: { flavor: "m1.medium", zone: "nova", cause: "policy", old: sequence },
    };
  });
}

function text(document: object, letters: number): string {
  return JSON.stringify({ ...document, rest: "x".repeat(letters) });
}
