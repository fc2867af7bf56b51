import { Fault } from "../../core/errors/fault.js";

/** @param cause what the store itself said, where it said something */
export function storeUnavailable(cause?: unknown): Fault {
  return new Fault("STORE_UNAVAILABLE", { say: "the store cannot be reached", cause });
}

export function placementChanged(partition: string, expected: number, revision: number): Fault {
  return new Fault("PLACEMENT_CHANGED", {
    say: "it was changed by another writer meanwhile",
    facts: { partition, expectedRevision: String(expected), revision: String(revision) },
  });
}

export function cursorInvalid(): Fault {
  return new Fault("CURSOR_INVALID", { say: "this is not a cursor of this feed" });
}

/** @param resume the cursor with which a reader goes on */
export function cursorExpired(resume: string): Fault {
  const say = "the events behind this cursor are no longer kept";
  return new Fault("CURSOR_EXPIRED", { say, facts: { resume } });
}
