import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { accountName, idOf } from "../../clients/node/index.js";
import type { Config } from "../../src/config.js";
import { ServerState } from "../../src/gen/muster/v1/server_service_pb.js";
import { addressOf, makeHome, nodesIn, replicas } from "../cassandra/bed.js";
import { createAuthority } from "../drivers/peers/certificates.js";
import { account, type Daemon, defer, startDaemon } from "../e2e/daemon.js";
import { converged, ledgerOf, sleeper, slowColo } from "../e2e/groups.js";
import { freePort } from "../free-port.js";
import { type Link, openLink } from "./link.js";
import { type CloudCall, callsOf } from "./recording-cloud.js";

const names = ["iad", "ams"] as const;
export type Colo = (typeof names)[number];
export type Shares = Readonly<Record<Colo, number>>;

const installation = "prod";
const slow = slowColo({ answerDelayMs: 100, createDeadlineMs: 1_500 });
const use = `file:${fileURLToPath(new URL("./recording-cloud.js", import.meta.url))}`;
const cloud = { ...slow, cloud: { ...slow.cloud, use } };

/** Two daemons, a colo each, on one Cassandra with a data centre in each, as each other's peers. */
export interface Colos extends Readonly<Record<Colo, Daemon>> {
  /** How each is reached by its peer. */
  readonly ways: Readonly<Record<Colo, Link>>;
}

export async function openColos(t: TestContext): Promise<Colos> {
  assert.deepEqual(Object.keys(replicas()).toSorted(), names.toSorted(), "the bed's data centres");
  const home = await makeHome();
  defer(t, home.remove);
  const folder = await mkdtemp(join(tmpdir(), "muster-colos-"));
  defer(t, () => rm(folder, { recursive: true }));
  const authority = await createAuthority(folder, "authority");
  const identity = await authority.issue("node", `DNS:muster-peer.${installation}`);
  const copies = Object.entries(replicas()).map(([colo, count]) => [colo, { replicas: count }]);
  const at = {
    iad: `127.0.0.1:${await freePort()}`,
    ams: `127.0.0.1:${await freePort()}`,
  };
  const ways = { iad: await openLink(at.iad), ams: await openLink(at.ams) };
  defer(t, () => Promise.all(names.map((colo) => ways[colo].close())));

  const start = (colo: Colo, other: Colo) => {
    const options = {
      ...{ contactPoints: nodesIn(colo).map(addressOf), colo, keyspace: home.keyspace },
      colos: Object.fromEntries(copies),
    };
    const more: Partial<Config> = {
      installation,
      store: { use: "builtin:cassandra", options },
      peers: { ...identity, listen: at[colo], colos: { [other]: [ways[other].address] } },
    };
    return startDaemon(t, { [colo]: cloud }, more);
  };
  return { iad: await start("iad", "ams"), ams: await start("ams", "iad"), ways };
}

/** A group "web" in both colos, led by the first while it can be reached. */
export async function createWeb({ client }: Daemon, max: Shares): Promise<void> {
  await client.groups.createGroup({
    parent: accountName(account),
    groupId: "web",
    group: {
      displayName: "Web",
      placements: names.map((colo) => ({ colo, min: 0, max: max[colo] })),
      launchConfiguration: {
        ...{ image: "none", flavor: "small" },
        parameters: { command: sleeper },
      },
    },
  });
}

/**
 * Whichever node is asked, the group has converged with so many servers in each colo. Ledger, cloud
 * and machine agree on each of them, and each was made once.
 */
export async function assertShares(colos: Colos, shares: Shares, msMax?: number): Promise<void> {
  const target = shares.iad + shares.ams;
  for (const one of names) await converged(colos[one], target, { ...(msMax ? { msMax } : {}) });
  const running: string[] = [];
  for (const colo of names) {
    const made = await colos[colo].running();
    const ids = made.map(({ cloudId }) => cloudId ?? "").toSorted();
    assert.equal(made.length, shares[colo], `servers in ${colo}`);
    assert.equal(new Set(made.map(({ intention }) => intention)).size, shares[colo], "made twice");
    const records = await colos[colo].records(colo);
    assert.deepEqual(records.map(({ cloudId }) => cloudId).toSorted(), ids);
    running.push(...ids);
  }
  for (const one of names) {
    const abandoned = ServerState.ABANDONED; // Kept for days, in case it shows up after all.
    const ledger = (await ledgerOf(colos[one])).filter(({ state }) => state !== abandoned);
    assert.deepEqual(ledger.map(({ cloudId }) => cloudId).toSorted(), running.toSorted());
  }
}

/** Names of the servers that live, as a node tells them. */
export async function livingOf(daemon: Daemon): Promise<ReadonlySet<string>> {
  const living = (await ledgerOf(daemon)).filter(({ cloudId }) => cloudId !== "");
  return new Set(living.map(({ name }) => idOf(name)));
}

/**
 * By what the clouds wrote down of every create and delete, each colo had no more than its max at
 * any time, and all together no more than theirs.
 *
 * @returns the most that there were at once
 */
export async function assertNeverAbove(colos: Colos, max: Shares): Promise<number> {
  const calls: (CloudCall & { readonly colo: Colo })[] = [];
  for (const colo of names) {
    const folder = join(colos[colo].folder, "data", "drivers", colo, "cloud");
    calls.push(...(await callsOf(folder)).map((one) => ({ ...one, colo })));
  }
  const there = { iad: new Set<string>(), ams: new Set<string>() };
  let most = 0;
  for (const { colo, kind, cloudId, atMs } of calls.toSorted((a, b) => a.atMs - b.atMs)) {
    if (kind === "create") there[colo].add(cloudId);
    else there[colo].delete(cloudId);
    const say = `${there[colo].size} in ${colo} at ${atMs}: ${[...there[colo]].join(", ")}`;
    assert.ok(there[colo].size <= max[colo], say);
    most = Math.max(most, there.iad.size + there.ams.size);
  }
  assert.ok(most <= max.iad + max.ams);
  return most;
}
