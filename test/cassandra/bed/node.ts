import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jarsDir, javaFlags, layout, type NodeSettings, serverSettings } from "./settings.js";

const stopMsMax = 30_000;
const mainClass = "org.apache.cassandra.service.CassandraDaemon";

/** A server of the bed as a process: found again by its id and its own command line. */
export interface BedNode extends NodeSettings {
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

export function bedNodes(): readonly BedNode[] {
  const all = layout();
  return all.map((settings) => createNode(settings, all));
}

function createNode(settings: NodeSettings, all: readonly NodeSettings[]): BedNode {
  const pidFile = join(settings.home, "pid");
  const pid = () => pidOf(settings, pidFile);
  const signal = async (name: NodeJS.Signals) => {
    const found = await pid();
    if (found === undefined) throw new Error(`node ${settings.number} does not run`);
    process.kill(found, name);
    return found;
  };
  const end = async (name: NodeJS.Signals) => {
    const found = await signal(name);
    // One that is frozen takes the signal only when it goes on.
    process.kill(found, "SIGCONT");
    for (const startMs = Date.now(); await isAlive(found); await sleep(50))
      if (Date.now() - startMs > stopMsMax)
        throw new Error(`node ${settings.number} did not end in ${stopMsMax} ms after ${name}`);
    await rm(pidFile, { force: true });
  };
  return {
    ...settings,
    pid,
    async launch() {
      if ((await pid()) !== undefined) return;
      await configure(settings, all);
      await writeFile(pidFile, String(await spawnServer(settings)));
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    pause: async () => void (await signal("SIGSTOP")),
    resume: async () => void (await signal("SIGCONT")),
  };
}

async function configure(node: NodeSettings, all: readonly NodeSettings[]): Promise<void> {
  const conf = join(node.home, "conf");
  await mkdir(conf, { recursive: true });
  await writeFile(join(conf, "cassandra.yaml"), JSON.stringify(serverSettings(node, all)));
  await writeFile(join(conf, "rackdc.properties"), `dc=${node.dataCenter}\nrack=rack1\n`);
  await writeFile(join(conf, "logback.xml"), logback);
}

const logback = `<configuration scan="false">
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>\${cassandra.logdir}/system.log</file>
    <encoder><pattern>%-5level %date{ISO8601} [%thread] %logger{0}: %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="FILE"/></root>
</configuration>
`;

async function spawnServer(node: NodeSettings): Promise<number> {
  const jamm = (await readdir(jarsDir)).find((file) => /^jamm-.*\.jar$/.test(file));
  const output = openSync(join(node.home, "stdout.log"), "a");
  const flags = [
    `-javaagent:${join(jarsDir, jamm ?? "jamm.jar")}`,
    ...javaFlags(node),
    ...["-cp", join(jarsDir, "*"), mainClass],
  ];
  const child = spawn("java", flags, {
    detached: true,
    stdio: ["ignore", output, output],
    cwd: node.home,
  });
  closeSync(output);
  await new Promise((started, failed) => child.once("spawn", started).once("error", failed));
  child.unref();
  return child.pid ?? 0;
}

/** A process id that was left behind must not name somebody else's process. */
async function pidOf({ home }: NodeSettings, pidFile: string): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, "utf8").catch(() => "0"));
  if (pid <= 1 || !(await isAlive(pid))) return undefined;
  const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return words.split("\0").includes(`-Dcassandra.storagedir=${home}`) ? pid : undefined;
}

/** Zombies are dead. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) [ZX]/.test(stat);
}
