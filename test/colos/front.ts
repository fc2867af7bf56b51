import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { findHaproxy } from "../drivers/haproxy-process.js";
import { type Daemon, defer, eventually } from "../e2e/daemon.js";
import { freePort } from "../free-port.js";

/**
 * One address for all nodes of all colos: a real HAProxy, which asks each node whether it is ready,
 * and gives a request to another one only where it could not even connect.
 *
 * @returns `host:port`
 */
export async function openFront(
  t: TestContext,
  folder: string,
  nodes: readonly Daemon[],
): Promise<string> {
  const config = join(folder, "haproxy.cfg");
  const port = await freePort();
  await writeFile(config, configText(port, nodes));
  const words = ["-db", "-f", config];
  const child = spawn(await findHaproxy(), words, { stdio: ["ignore", "ignore", "inherit"] });
  defer(t, async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  });
  const address = `127.0.0.1:${port}`;
  await eventually(
    "HAProxy answers for a node",
    () => fetch(`http://${address}/readyz`).then(({ status }) => status, String),
    (status) => status === 200,
  );
  return address;
}

const configText = (port: number, nodes: readonly Daemon[]) => `defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout check 3s
  retries 3
  retry-on conn-failure
  option redispatch 1
frontend muster
  bind 127.0.0.1:${port}
  default_backend nodes
backend nodes
  balance roundrobin
  option httpchk GET /readyz
  default-server check inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
${nodes.map(({ address }, index) => `  server node${index + 1} ${address}`).join("\n")}
`;
