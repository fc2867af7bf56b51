import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

export interface Found {
  readonly pid: number;
  readonly command: string;
}

const psBytesMax = 16 * 1024 * 1024;

/**
 * Asks the system, not Muster, which processes belong to the demo: its folder, whose name nobody
 * else has, stands in the daemon's arguments, and in the arguments and variables of every server.
 */
export async function findProcesses(dir: string): Promise<readonly Found[]> {
  const pids = await readdir("/proc").catch(() => undefined);
  const all = pids?.includes("self") ? await readProc(pids) : await readPs();
  return all
    .filter(({ pid, text }) => pid !== process.pid && text.includes(dir))
    .map(({ pid, text }) => ({ pid, command: text.split("\0").slice(0, 3).join(" ") }));
}

/** Ends what should not be there any more. */
export function killProcesses(found: readonly Found[]): void {
  for (const { pid } of found) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

async function readProc(names: readonly string[]) {
  const all = names
    .filter((name) => /^\d+$/.test(name))
    .map(async (name) => {
      // Of zombies both are empty, of other users' processes the second cannot be read.
      const parts = ["cmdline", "environ"].map((file) =>
        readFile(`/proc/${name}/${file}`, "utf8").catch(() => ""),
      );
      return { pid: Number(name), text: (await Promise.all(parts)).join("\0") };
    });
  return await Promise.all(all);
}

async function readPs() {
  const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,args="], {
    maxBuffer: psBytesMax,
  });
  return stdout.split("\n").map((line) => {
    const [pid = "", ...words] = line.trim().split(/\s+/);
    return { pid: Number(pid), text: words.join("\0") };
  });
}
