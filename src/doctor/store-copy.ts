import { constants, copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../core/ports/clock.js";
import type { Store } from "../core/ports/store.js";
import { createSqliteStore } from "../drivers/store-sqlite/index.js";

/** More than a look is worth. */
const bytesMax = 4 * 1024 ** 3;

/**
 * The store as it lies there, to be read: a copy in a folder that only we can read, since to open
 * the file itself would be to bring it up to date. Nobody else may work with it meanwhile.
 *
 * @returns undefined where there is none.
 * @throws Error
 */
export async function openStoreCopy(dataDir: string, clock: Clock): Promise<Store | undefined> {
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(dataDir, name)).catch(() => undefined))?.size),
  );
  if (sizes[0] === undefined) return undefined;
  const bytes = sizes.reduce<number>((sum, size = 0) => sum + size, 0);
  if (bytes > bytesMax) throw new Error(`it is too large to be copied: ${bytes} bytes`);
  const folder = await mkdtemp(join(tmpdir(), "muster-doctor-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    for (const [index, name] of names.entries())
      if (sizes[index] !== undefined)
        await copyFile(join(dataDir, name), join(folder, name), constants.COPYFILE_FICLONE);
    const store = await createSqliteStore({ path: join(folder, names[0]), clock });
    return {
      ...store,
      async close() {
        await store.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The file, and the log of its newest changes. */
const names = ["state.db", "state.db-wal"] as const;
