import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Ids } from "./core/ports/clock.js";

type What = "node" | "installation";

/** A name made once and kept in the data folder. The store's lock keeps it from being used twice. */
export async function identityOf(dataDir: string, what: What, ids: Ids): Promise<string> {
  const known = await readIdentity(dataDir, what);
  if (known !== undefined) return known;
  const made = `${what}-${ids.next()}`;
  await writeIdentity(dataDir, what, made);
  return made;
}

/** Undefined: none was made yet. */
export async function readIdentity(dataDir: string, what: What): Promise<string | undefined> {
  const known = await readFile(pathOf(dataDir, what), "utf8").catch(() => "");
  return known.trim() || undefined;
}

export async function writeIdentity(dataDir: string, what: What, name: string): Promise<void> {
  const path = pathOf(dataDir, what);
  await writeFile(`${path}.new`, name, { flush: true });
  await rename(`${path}.new`, path);
}

function pathOf(dataDir: string, what: What): string {
  return join(dataDir, `${what}.id`);
}
