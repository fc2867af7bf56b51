import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A server of a bed as a process: found again by its id and its own command line. */
export interface ServerProcess {
  /** Starts it; it answers some seconds later. No harm if it runs. */
  launch(): Promise<void>;
  /** Asks it to end, and waits. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Freezes it (SIGSTOP): connections are taken and never answered. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Its process id; undefined if it does not run. */
  pid(): Promise<number | undefined>;
}

export interface ServerSpec {
  readonly name: string;
  /** Its working folder; holds `pid` and `stdout.log`. */
  readonly home: string;
  /** A word of its command line that nobody else's has. */
  readonly mark: string;
  /** Writes its settings and gives its command line. */
  readonly prepare: () => Promise<readonly string[]>;
}

const stopMsMax = 30_000;

export function createServerProcess(spec: ServerSpec): ServerProcess {
  const pidFile = join(spec.home, "pid");
  const pid = () => pidOf(spec, pidFile);
  const signal = async (name: NodeJS.Signals) => {
    const found = await pid();
    if (found === undefined) throw new Error(`${spec.name} does not run`);
    process.kill(found, name);
    return found;
  };
  const end = async (name: NodeJS.Signals) => {
    const found = await signal(name);
    // One that is frozen takes the signal only when it goes on.
    process.kill(found, "SIGCONT");
    for (const startMs = Date.now(); await isAlive(found); await sleep(50))
      if (Date.now() - startMs > stopMsMax)
        throw new Error(`${spec.name} did not end in ${stopMsMax} ms after ${name}`);
    await rm(pidFile, { force: true });
  };
  return {
    pid,
    async launch() {
      if ((await pid()) !== undefined) return;
      await writeFile(pidFile, String(await start(spec)));
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    pause: async () => void (await signal("SIGSTOP")),
    resume: async () => void (await signal("SIGCONT")),
  };
}

async function start({ home, prepare }: ServerSpec): Promise<number> {
  await mkdir(home, { recursive: true });
  const [program = "", ...words] = await prepare();
  const output = openSync(join(home, "stdout.log"), "a");
  const child = spawn(program, words, {
    detached: true,
    stdio: ["ignore", output, output],
    cwd: home,
  });
  closeSync(output);
  await new Promise((started, failed) => child.once("spawn", started).once("error", failed));
  child.unref();
  return child.pid ?? 0;
}

/** A process id that was left behind must not name somebody else's process. */
async function pidOf({ mark }: ServerSpec, pidFile: string): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, "utf8").catch(() => "0"));
  if (pid <= 1 || !(await isAlive(pid))) return undefined;
  const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return words.split("\0").includes(mark) ? pid : undefined;
}

/** Zombies are dead. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) [ZX]/.test(stat);
}
