import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { MusterOptions } from "./app.js";
import type { TokenConfig } from "./config.js";

/** A Muster to try out: processes of this machine behind a TCP proxy of Muster's own. */
export async function devOptions(request: {
  readonly dataDir: string;
  readonly listen: string;
  readonly token: string;
}): Promise<{ readonly options: MusterOptions; readonly proxy: string }> {
  const { dataDir, listen, token } = request;
  const proxy = `127.0.0.1:${await proxyPort(dataDir)}`;
  const healthCheck = { kind: "tcp", intervalMs: 500, timeoutMs: 500, rise: 1, fall: 3 };
  return {
    proxy,
    options: {
      dataDir,
      listen,
      tokens: [adminToken(token)],
      colos: {
        local: {
          cloud: { use: "builtin:process" },
          loadBalancers: {
            use: "builtin:proxy",
            options: { loadBalancers: { web: { listen: proxy, healthCheck } } },
          },
          pollMs: 250,
        },
      },
    },
  };
}

/** A token of any length, for development alone. */
export function adminToken(token: string): TokenConfig {
  return {
    principal: "dev",
    tokenSha256: createHash("sha256").update(token).digest("hex"),
    roles: [{ account: "*", role: "admin" }],
  };
}

/** A free port, the same again after a restart. */
async function proxyPort(dataDir: string): Promise<number> {
  const path = join(dataDir, "dev-proxy.port");
  const known = Number(await readFile(path, "utf8").catch(() => "0"));
  const port = (await freePort(known)) ?? (await freePort(0));
  if (port === undefined) throw new Error("no port is free for the proxy");
  await mkdir(dataDir, { recursive: true });
  await writeFile(path, String(port));
  return port;
}

function freePort(wanted: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(undefined));
    probe.listen(wanted, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
