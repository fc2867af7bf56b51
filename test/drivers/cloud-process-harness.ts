import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CloudServer } from "../../src/core/model/server.js";
import type { Call } from "../../src/core/ports/call.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import type { DriverHost } from "../../src/core/ports/driver.js";
import { createSystemClock, createSystemIds } from "../../src/drivers/clock-system/index.js";
import processCloud from "../../src/drivers/cloud-process/index.js";
import type { ProcessCloudOptions } from "../../src/drivers/cloud-process/options.js";
import type { CloudHarness } from "../contract/index.js";

export const installation = "here";
export const account = "acme";
export const call: Call = { signal: new AbortController().signal };
/** Ends by itself, so that even a broken test leaves nothing for long. */
export const sleepSeconds = 900;

export function hostAt(dataDir: string, ids = createSystemIds()): DriverHost {
  const quiet = () => {};
  const log = { info: quiet, warn: quiet, error: quiet, debug: quiet };
  const credentials = { of: async () => undefined };
  return { clock: createSystemClock(), ids, log, dataDir, installation, colo: "iad", credentials };
}

export async function openCloud(dataDir: string, options: Partial<ProcessCloudOptions> = {}) {
  const range = { from: 21_000, to: 27_999 };
  const all = { stopGraceMs: 2_000, portRange: range, ...options };
  return await processCloud.open(all, hostAt(dataDir));
}

export function requestOf(server: string, command: readonly string[]) {
  const launch = {
    ...{ image: "none", flavor: "none", userData: "", metadata: {} },
    parameters: { command },
  };
  const ownership = { installation, account, group: "g", colo: "iad", server, launchRevision: 1 };
  return { account, name: server, launch, ownership };
}

export async function withFolder(body: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "muster-cloud-"));
  try {
    await body(dataDir);
  } finally {
    await clear(dataDir);
  }
}

/** Deletes every server in the folder, and then the folder. */
export async function clear(dataDir: string): Promise<void> {
  const driver = await openCloud(dataDir, { stopGraceMs: 0 });
  for (const owner of [account, "globex"])
    for (const where of [installation, "someone-else"]) {
      const left = () => listAll(driver, owner, where);
      await until(async () => {
        for (const { id } of await left()) await driver.deleteServer({ account: owner, id }, call);
        return (await left()).length === 0;
      });
    }
  await driver.close();
  await rm(dataDir, { recursive: true, force: true });
}

export async function listAll(driver: CloudDriver, owner = account, where = installation) {
  const servers: CloudServer[] = [];
  let cursor: string | undefined;
  do {
    const asked = { account: owner, installation: where, ...(cursor && { cursor }) };
    const page = await driver.listServers(asked, call);
    servers.push(...page.servers);
    cursor = page.next;
  } while (cursor !== undefined);
  return servers;
}

/** Polls for what only other processes can bring about. */
export async function until(isSo: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not so within ${withinMs} ms`);
    await sleep(20);
  }
}

export const processHarness: CloudHarness = {
  offers: { arrived: true, loseCreateAnswer: false, refuse: false, failPage: false },
  async start() {
    const dataDir = await mkdtemp(join(tmpdir(), "muster-cloud-"));
    const launch = {
      ...{ image: "none", flavor: "none", userData: "#!/bin/sh\n", metadata: { role: "web" } },
      parameters: { command: ["sh", "-c", `env -0 > "$PWD/luggage"; exec sleep ${sleepSeconds}`] },
    };
    const parameters = { command: [] };
    return {
      ...{ installation, colo: "iad", accounts: [account, "globex"], launch },
      invalidLaunch: { launch: { ...launch, parameters }, field: "parameters.command" },
      ...{ activeWithinMs: 30_000, goneWithinMs: 30_000, manyServers: 13 },
      openDriver: () => openCloud(dataDir, { pageServersMax: 5 }),
      pass: async (ms) => void (await sleep(ms)),
      async arrived({ address }) {
        const path = join(dataDir, "servers", String(address?.port), "luggage");
        let variables = new Map<string, string>();
        await until(async () => {
          const lines = (await readFile(path, "utf8").catch(() => "")).split("\0");
          variables = new Map(lines.map((line) => split(line)));
          return variables.has("MUSTER_USER_DATA");
        });
        const userData = await readFile(variables.get("MUSTER_USER_DATA") ?? "", "utf8");
        const role = variables.get("MUSTER_METADATA_ROLE") ?? "";
        return { userData, metadata: { role, text: variables.get("MUSTER_METADATA_TEXT") ?? "" } };
      },
      stop: () => clear(dataDir),
    };
  },
};

function split(line: string): [string, string] {
  const at = line.indexOf("=");
  return [line.slice(0, at), line.slice(at + 1)];
}
