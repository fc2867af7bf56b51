import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for one test; `remove` it in the end. */
export async function createTestFolder(): Promise<{
  readonly file: (name: string) => string;
  readonly remove: () => Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "muster-test-"));
  return {
    file: (name) => join(folder, name),
    remove: () => rm(folder, { recursive: true }),
  };
}

/**
 * Lets `setImmediate` callbacks that were set before run, but no answer from a worker after them.
 */
export function nextImmediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
