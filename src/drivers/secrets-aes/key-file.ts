import { randomUUID } from "node:crypto";
import { link, open, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type KeyRing, keyBytes, unreadable } from "./index.js";

/** More keys nobody needs: one at work, and those whose credentials are not yet written anew. */
const keysMax = 16;
const bytesMax = 4_096;

/**
 * Keys in a file, one a line, in base64; blank lines and lines that begin with # say nothing.
 * Nobody but its owner may read it.
 */
export function createKeyFile(path: string): KeyRing {
  async function read(): Promise<readonly Uint8Array[]> {
    const file = await open(path, "r").catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw unreadable(`${path} cannot be read: ${(error as Error).message}`, error);
    });
    if (!file) return [];
    try {
      const { mode } = await file.stat();
      if ((mode & 0o077) !== 0) {
        const octal = (mode & 0o777).toString(8).padStart(4, "0");
        throw unreadable(`${path} is open to others than its owner (${octal}): chmod 600 it`);
      }
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, 0);
      return keysIn(buffer.toString("latin1", 0, bytesRead), path);
    } finally {
      await file.close();
    }
  }

  return {
    name: path,
    read,
    async keep(key) {
      const whole = `${path}.${randomUUID()}.new`;
      try {
        const text = `${Buffer.from(key).toString("base64")}\n`;
        await writeFile(whole, text, { mode: 0o600, flag: "wx", flush: true });
        // Whole or not there at all, and never in place of another's.
        await link(whole, path);
        await syncFolder(dirname(path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST")
          throw unreadable(`${path} cannot be made: ${(error as Error).message}`, error);
      } finally {
        await rm(whole, { force: true }).catch(() => {});
      }
    },
  };
}

/** What is encrypted with a key must not outlive it through a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Never says what stands in a line. */
function keysIn(text: string, path: string): readonly Uint8Array[] {
  const lines = text.split("\n").map((line) => line.trim());
  const keys = lines.flatMap((line, index) => {
    if (line === "" || line.startsWith("#")) return [];
    const key = Buffer.from(line, "base64");
    if (key.length === keyBytes && key.toString("base64") === line) return [key];
    throw unreadable(`${path}, line ${index + 1}: is not ${keyBytes} bytes in base64`);
  });
  if (keys.length === 0) throw unreadable(`${path} holds no key`);
  if (keys.length > keysMax) throw unreadable(`${path} holds more than ${keysMax} keys`);
  return keys;
}
