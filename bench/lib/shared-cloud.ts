import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import { benchCaller } from "./muster.js";

/** Methods whose last argument is the call, and all others are plain data. */
const methods = [
  ...(["project", "createServer", "deleteServer", "getServer", "listServers"] as const),
  ...(["findByIntention", "tagServer", "checkLaunch"] as const),
] as const satisfies readonly (keyof CloudDriver)[];

/** One cloud for several processes: over HTTP on the loopback, without its faults. */
export interface SharedCloud {
  readonly address: string;
  close(): Promise<void>;
}

export async function shareCloud(driver: CloudDriver): Promise<SharedCloud> {
  const answer = async (method: string, args: readonly unknown[]) => {
    if (method === "capabilities") return driver.capabilities;
    const name = methods.find((one) => one === method);
    if (!name) throw new Error(`no method ${method}`);
    return (driver[name] as (...all: unknown[]) => Promise<unknown>)(...args, benchCaller);
  };
  const server = createServer(async (request, response) => {
    try {
      const args = (await json(request)) as readonly unknown[];
      const value = await answer((request.url ?? "").slice(1), args);
      response.end(JSON.stringify({ value }));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

export async function connectCloud(address: string): Promise<CloudDriver> {
  const ask = async (method: string, args: readonly unknown[], signal?: AbortSignal) => {
    const body = JSON.stringify(args);
    const init = { method: "POST", body, ...(signal && { signal }) };
    const response = await fetch(`${address}/${method}`, init);
    if (!response.ok) throw new Error(await response.text());
    return ((await response.json()) as { readonly value?: unknown }).value;
  };
  const forward =
    (method: string) =>
    (...all: readonly unknown[]) => {
      const { signal } = all.at(-1) as { readonly signal: AbortSignal };
      return ask(method, all.slice(0, -1), signal);
    };
  return {
    ...(Object.fromEntries(methods.map((name) => [name, forward(name)])) as unknown as CloudDriver),
    capabilities: (await ask("capabilities", [])) as CloudDriver["capabilities"],
    async close() {},
  };
}
