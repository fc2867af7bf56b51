import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createMusterClient } from "../../../clients/node/index.js";
import { startDaemon } from "../../../examples/demo/daemon.js";
import { createGroup, readCapacity } from "../../../examples/demo/group.js";
import { createHistory, type MusterEvent } from "../../../examples/demo/history.js";
import { createLoad } from "../../../examples/demo/load.js";
import { group } from "../../../examples/demo/settings.js";
import { waitUntil } from "../../../examples/demo/wait.js";
import { freePort } from "../../free-port.js";
import { startMonitors } from "./monitors.js";

const patienceMs = 90_000;

/** The demo's daemon, group and load, watched by real monitors instead of the demo's own. */
export async function createBench(t: TestContext) {
  const ends: (() => unknown)[] = [];
  t.after(async () => {
    for (const end of ends.reverse()) await end(); // The last begun ends first.
  });
  const dir = await mkdtemp(join(tmpdir(), "muster-alerts-"));
  ends.push(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  const stopping = new AbortController();
  const { signal } = stopping;
  const prometheusPort = await freePort();
  const prometheus = { url: `http://127.0.0.1:${prometheusPort}` };
  const daemon = await startDaemon(dir, signal, { prometheus });
  ends.push(daemon.stop);
  const client = createMusterClient({ address: daemon.address, token: daemon.token });
  ends.push(client.close);
  await createGroup(client, dir);
  ends.push(async () => {
    await client.groups.deleteGroup({ name: `accounts/demo/groups/${group.id}`, force: true });
    const isGone = async () => (await readCapacity(client)) === undefined;
    const hurry = new AbortController().signal;
    await waitUntil("the group's end", isGone, { withinMs: patienceMs, signal: hurry });
  });
  const events: MusterEvent[] = [];
  const history = createHistory(client).run(signal, (event) => void events.push(event));
  ends.push(async () => {
    stopping.abort();
    await history;
  });
  /** With the token of a webhook of the group's. */
  const watch = async (token: string) => {
    const { address, token: apiToken } = daemon;
    const watched = { dir, address, apiToken, account: group.account, token, prometheusPort };
    const monitors = await startMonitors(watched, signal);
    ends.push(monitors.stop);
    return monitors;
  };
  const load = createLoad(daemon.url);
  ends.push(load.stop);
  const until = (what: string, isSo: () => boolean | Promise<boolean>) =>
    waitUntil(what, isSo, { withinMs: patienceMs, signal });
  const serves = async (count: number) => {
    const { target, inService, pending, leaving } = (await readCapacity(client))!;
    return target === count && inService === count && pending + leaving === 0;
  };
  return { dir, client, watch, load, events, until, serves };
}
