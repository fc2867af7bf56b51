import { type ChildProcess, spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Birth } from "./launch.js";
import { markers } from "./process-table.js";
import { fileNames } from "./records.js";

const own = `\${${markers.serverId}}`;

/**
 * Runs in the server's own process, in its folder, before it becomes the server: writes down who it
 * is (pid, boot, time of start), and only then looks whether it is still wanted. Who marks a server
 * as deleting and then reads the pid therefore either sees the pid, or the server never starts. The
 * folder may have been given to the port's next server meanwhile: the record's name tells.
 */
const script = `
if [ -r "/proc/$$/stat" ] && read -r boot < /proc/sys/kernel/random/boot_id; then
  read -r start < "/proc/$$/stat"
else
  boot=
  start=$(LC_ALL=C PATH=/usr/bin:/bin ps -o lstart= -p "$$")
fi
[ -e "${fileNames.record(own)}" ] &&
  printf '%s\\n' "$$" "$boot" "$start" end > ${fileNames.mark} &&
  [ ! -e "${fileNames.deleting(own)}" ] && [ ! -e "${fileNames.failed(own)}" ] && exec "$@"
`;

/** How a server's process ended, as far as its parent is told. */
export interface End {
  readonly say: string;
  /** It never became the server: no process at all, or no such command. */
  readonly neverStarted: boolean;
}

/** The shell's own words for a command that is not there or cannot be run. */
const notStartedStatuses: ReadonlySet<number | null> = new Set([126, 127]);

/**
 * Starts a server as a process that outlives this one: in a session of its own, holding none of our
 * pipes, and with none of our variables, which may hold secrets. `onEnd` is told once, if we live.
 */
export async function startServer(
  folder: string,
  birth: Birth,
  onEnd: (end: End) => void,
): Promise<ChildProcess> {
  const log = await open(join(folder, fileNames.log), "a");
  try {
    const child = spawn("/bin/sh", ["-c", script, "muster-server", ...birth.command], {
      cwd: folder,
      detached: true,
      env: birth.env,
      stdio: ["ignore", log.fd, log.fd],
    });
    child.unref();
    // At once: it may be over before the log is closed, and an error nobody listens to ends us.
    child.once("error", ({ message }) => onEnd({ say: message, neverStarted: true }));
    child.once("exit", (status, signal) =>
      onEnd({ say: signal ?? `status ${status}`, neverStarted: notStartedStatuses.has(status) }),
    );
    return child;
  } finally {
    await log.close();
  }
}

/** The last line that the server wrote: the best hint at why it ended. */
export async function lastOutputOf(folder: string): Promise<string> {
  const file = await open(join(folder, fileNames.log), "r").catch(() => undefined);
  if (!file) return "";
  try {
    const { size } = await file.stat();
    const length = Math.min(size, tailBytesMax);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("utf8").trimEnd().split("\n").at(-1) ?? "";
  } finally {
    await file.close();
  }
}

const tailBytesMax = 500;
