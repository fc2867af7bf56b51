import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { LoadBalancerId } from "../../src/core/model/ids.js";
import type { Call } from "../../src/core/ports/call.js";
import type { DriverHost } from "../../src/core/ports/driver.js";
import type { MemberChange } from "../../src/core/ports/load-balancer.js";
import type { BalancerOptions } from "../../src/drivers/lb-proxy/options.js";
import { openProxyDriver } from "../../src/drivers/lb-proxy/proxy-driver.js";
import { startTcpBackend } from "../contract/load-balancer-backend.js";
import { createHost, makeFolder, refOf } from "./lb-helpers.js";

export const web = "web" as LoadBalancerId;
export const call: Call = { signal: new AbortController().signal };
export const tcpCheck = {
  kind: "tcp",
  intervalMs: 50,
  timeoutMs: 1_000,
  rise: 2,
  fall: 2,
} as const;

export function put(
  port: number,
  wanted: { weight?: number; draining?: boolean } = {},
): MemberChange {
  return { kind: "put", host: "127.0.0.1", port, weight: 1, draining: false, ...wanted };
}

export function optionsOf(options: Partial<BalancerOptions>) {
  return { loadBalancers: { web: { listen: "127.0.0.1:0", ...options } } };
}

/** A proxy that ends with its test, and how to reach it. */
export async function openProxy(
  t: TestContext,
  options: Partial<BalancerOptions> = {},
  host: Partial<DriverHost> = {},
) {
  const folder = await makeFolder();
  const driver = await openProxyDriver(optionsOf(options), { ...createHost(folder.path), ...host });
  t.after(async () => {
    await driver.close();
    await folder.remove();
  });
  const change = (...changes: readonly MemberChange[]) =>
    driver.changeMembers(refOf(web), changes, call);
  const members = () => driver.listMembers(refOf(web), call);
  const { port } = driver.addressOf(web);
  return { driver, folder: folder.path, change, members, address: { host: "127.0.0.1", port } };
}

export async function startBackend(t: TestContext) {
  const backend = await startTcpBackend();
  t.after(() => backend.close());
  return backend;
}

/** A server whose connections the test handles itself. */
export async function startServer(t: TestContext, serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** A client socket with no reader, so that the test decides how fast it reads. */
export async function connectRaw(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

export async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8");
  // To have read everything must not end the half that writes.
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) text += chunk;
  return text;
}

/** A port that refuses: it was just had, and given back. */
export async function refusingPort(): Promise<number> {
  const backend = await startTcpBackend();
  await backend.close();
  return backend.port;
}
