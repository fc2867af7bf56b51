import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { delimiter } from "node:path";
import { eventually, makeFolder } from "./lb-helpers.js";

/** A real HAProxy of the test's own. */
export interface HaproxyProcess {
  /** Its Runtime API. */
  readonly socket: string;
  /** The frontend of the backend "web". */
  readonly frontSocket: string;
  /** The frontend of the backend "pooled", which speaks HTTP. */
  readonly httpSocket: string;
  /** Its whole memory is lost: dynamic servers are forgotten. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const places = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];

export async function findHaproxy(): Promise<string> {
  for (const place of places) {
    const path = `${place}/haproxy`;
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw new Error("HAProxy is missing: apt-get install haproxy");
}

/** All sockets are files in a folder of its own: no port can be taken by another. */
export async function startHaproxy(level: "admin" | "user" = "admin"): Promise<HaproxyProcess> {
  const binary = await findHaproxy();
  const folder = await makeFolder();
  const socket = `${folder.path}/admin.sock`;
  const frontSocket = `${folder.path}/front.sock`;
  const httpSocket = `${folder.path}/http.sock`;
  const config = `${folder.path}/haproxy.cfg`;
  await writeFile(config, configText({ socket, frontSocket, httpSocket, level }));

  const start = async () => {
    const child = spawn(binary, ["-db", "-f", config], { stdio: ["ignore", "ignore", "pipe"] });
    const endWithTests = () => child.kill("SIGKILL");
    process.once("exit", endWithTests);
    child.once("exit", () => process.removeListener("exit", endWithTests));
    let said = "";
    child.stderr.on("data", (chunk) => {
      said = `${said}${chunk}`.slice(-4_000);
    });
    await eventually("haproxy listens", async () => {
      if (child.exitCode !== null) throw new Error(`haproxy ended: ${said}`);
      return (await connects(socket)) && (await connects(frontSocket));
    });
    return child;
  };
  let child = await start();
  return {
    socket,
    frontSocket,
    httpSocket,
    async restart() {
      await end(child);
      child = await start();
    },
    async stop() {
      await end(child);
      await folder.remove();
    },
  };
}

interface ConfigParts {
  readonly socket: string;
  readonly frontSocket: string;
  readonly httpSocket: string;
  readonly level: string;
}

function configText({ socket, frontSocket, httpSocket, level }: ConfigParts): string {
  return `global
  stats socket ${socket} mode 600 level ${level}
  maxconn 500
  nbthread 2
defaults
  mode tcp
  timeout connect 1s
  timeout client 60s
  timeout server 60s
frontend web
  bind unix@${frontSocket}
  default_backend web
backend web
  balance roundrobin
  option redispatch 1
frontend http
  mode http
  bind unix@${httpSocket}
  default_backend pooled
backend pooled
  mode http
  balance roundrobin
  http-reuse always
backend others
  balance roundrobin
  server fixed 198.51.100.1:80 weight 10
  server drained 198.51.100.2:80 weight 10 disabled
  server named localhost:80 weight 7
backend hashed
  balance source
  hash-type map-based
`;
}

async function connects(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
