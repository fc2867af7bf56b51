import { open } from "node:fs/promises";
import type { SwitchFile } from "../../core/ports/switch-file.js";

/** More than this no operator writes. */
const bytesMax = 64 * 1024;

/** The operator's switch file on a local disk (B9.1). */
export function createSwitchFile(path: string): SwitchFile {
  return {
    name: path,
    async read() {
      try {
        const file = await open(path, "r");
        try {
          const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, 0);
          return buffer.toString("utf8", 0, bytesRead);
        } finally {
          await file.close();
        }
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT" || code === "ENOTDIR") return undefined;
        throw error;
      }
    },
  };
}
