import { setTimeout as sleep } from "node:timers/promises";
import type { BedFacts } from "./bed-facts.js";
import type { Caller } from "./caller.js";

/** A server as Nova's own API shows it. */
export interface NovaServer {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly created: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly "OS-EXT-STS:task_state": string | null;
  readonly fault?: { readonly code: number; readonly message: string };
}

/** Each look takes a tenth of a second of the processor that also builds the servers. */
const lookMs = 1_000;
const waitMsMax = 120_000;

/** Asks Nova for a server, past Muster. @returns its id */
export async function createServer(
  caller: Caller,
  facts: BedFacts,
  server: { readonly name: string; readonly [field: string]: unknown },
): Promise<string> {
  const answer = await caller.call("compute", "POST", "/servers", bodyOf(facts, server));
  if (answer.status !== 202) throw new Error(`Nova answers ${answer.status}: ${answer.text}`);
  return (answer.body["server"] as NovaServer).id;
}

/** What `POST /servers` takes: the smallest server, without a network unless one is given. */
export function bodyOf(facts: BedFacts, server: Readonly<Record<string, unknown>>) {
  const { image: imageRef, flavors } = facts;
  return { server: { imageRef, flavorRef: flavors.tiny, networks: "none", ...server } };
}

/** Waits until the server is no longer as it is said. @throws when it stays so */
export async function serverAfter(caller: Caller, id: string, status: string): Promise<NovaServer> {
  const end = performance.now() + waitMsMax;
  for (;;) {
    const server = await getServer(caller, id);
    if (server && server.status !== status) return server;
    if (performance.now() > end) throw new Error(`server ${id} stays ${status}`);
    await sleep(lookMs);
  }
}

/** Undefined: Nova answers something else than a server. */
export async function getServer(caller: Caller, id: string): Promise<NovaServer | undefined> {
  const answer = await caller.call("compute", "GET", `/servers/${id}`);
  return answer.body["server"] as NovaServer | undefined;
}

/** The account's servers whose names begin so. */
export async function listServers(caller: Caller, prefix: string): Promise<readonly NovaServer[]> {
  const path = `/servers/detail?name=${encodeURIComponent(`^${prefix}`)}`;
  const answer = await caller.call("compute", "GET", path);
  if (answer.status !== 200) throw new Error(`Nova answers ${answer.status}: ${answer.text}`);
  return answer.body["servers"] as readonly NovaServer[];
}

/** Deletes the account's servers whose names begin so, and waits until they are gone. */
export async function removeServers(caller: Caller, prefix: string): Promise<void> {
  const end = performance.now() + waitMsMax;
  for (;;) {
    const left = await listServers(caller, prefix);
    if (left.length === 0) return;
    if (performance.now() > end) throw new Error(`${left.length} servers ${prefix}* stay`);
    for (const { id, "OS-EXT-STS:task_state": task } of left)
      if (task !== "deleting") await caller.call("compute", "DELETE", `/servers/${id}`);
    await sleep(lookMs);
  }
}
