import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { accountName, createMusterClient } from "../../clients/node/index.js";
import type { Config } from "../../src/config.js";
import { placeIn } from "../bed/place.js";
import { addressOf, makeHome, nodesIn, replicas } from "../cassandra/bed.js";
import { createAuthority } from "../drivers/peers/certificates.js";
import {
  type Asked,
  account,
  type Daemon,
  defer,
  deleteGroups,
  eventually,
  openDaemon,
  token,
} from "../e2e/daemon.js";
import { sleeper } from "../e2e/groups.js";
import { servers as journals } from "../elasticsearch/bed/node.js";
import { freePort } from "../free-port.js";
import { recordedMain } from "../linearizability/record-daemon.js";
import { ways } from "./bed/networks.js";
import { type ColoCloud, startCloud } from "./cloud/process.js";
import { openFront } from "./front.js";

export const colos = ["iad", "ams"] as const;
export type Colo = (typeof colos)[number];
export type Shares = Readonly<Record<Colo, number>>;

const installation = "prod";
const nodesPerColo = 2;

/**
 * Two nodes in each colo, on one Cassandra with a data centre in each, an Elasticsearch and a cloud
 * in each, as each other's peers. Nothing of one colo reaches the other while the way is cut.
 */
export interface Bench {
  /** All nodes, those of the first colo first. */
  readonly nodes: readonly Node[];
  readonly clouds: Readonly<Record<Colo, ColoCloud>>;
  /** Any of the nodes that is ready, behind one address. */
  readonly front: Asked;
}

export interface Node extends Daemon {
  readonly colo: Colo;
}

export function nodesOf(bench: Bench, colo: Colo): readonly [Node, Node] {
  return bench.nodes.filter((node) => node.colo === colo) as [Node, Node];
}

export async function openBench(t: TestContext): Promise<Bench> {
  assert.deepEqual(Object.keys(replicas()).toSorted(), colos.toSorted(), "the bed's data centres");
  const home = await makeHome();
  defer(t, home.remove);
  const folder = await mkdtemp(join(tmpdir(), "muster-colos-"));
  defer(t, () => rm(folder, { recursive: true }));
  const clouds = {
    iad: await startCloud(t, "iad", installation),
    ams: await startCloud(t, "ams", installation),
  };
  const nodes = await startNodes(t, { folder, clouds, keyspace: home.keyspace });
  const address = await openFront(t, folder, nodes);
  const client = createMusterClient({ address, token });
  defer(t, async () => client.close());
  const bench = { nodes, clouds, front: { client } };
  defer(t, () => deleteAll(bench));
  defer(t, ways.mend);
  return bench;
}

interface Parts {
  readonly folder: string;
  readonly clouds: Bench["clouds"];
  readonly keyspace: string;
}

async function startNodes(t: TestContext, parts: Parts): Promise<readonly Node[]> {
  const { folder, clouds, keyspace } = parts;
  const authority = await createAuthority(folder, "authority");
  const identity = await authority.issue("node", `DNS:muster-peer.${installation}`);
  const places = colos.flatMap((colo) =>
    Array.from({ length: nodesPerColo }, () => ({ colo, place: placeIn(colo, 1) })),
  );
  const planned = await Promise.all(
    places.map(async (one) => ({ ...one, peer: `${one.place.address}:${await freePort()}` })),
  );
  const copies = Object.entries(replicas()).map(([colo, count]) => [colo, { replicas: count }]);
  return Promise.all(
    planned.map(async ({ colo, place, peer }) => {
      const contactPoints = nodesIn(colo).map(addressOf);
      const options = { contactPoints, colo, keyspace, colos: Object.fromEntries(copies) };
      const peersIn = (other: Colo) =>
        planned.filter((one) => one.colo === other).map((one) => one.peer);
      const others = colos.filter((other) => other !== colo);
      const more: Partial<Config> = {
        installation,
        store: { use: "builtin:cassandra", options },
        journal: { use: "builtin:elasticsearch", options: journalIn(colo, keyspace) },
        peers: {
          ...{ ...identity, listen: peer },
          colos: Object.fromEntries(others.map((other) => [other, peersIn(other)])),
        },
      };
      const how = { more, place, main: recordedMain };
      const daemon = await openDaemon({ [colo]: clouds[colo].config }, how);
      defer(t, () => daemon.end());
      return Object.defineProperties({ colo } as Node, Object.getOwnPropertyDescriptors(daemon));
    }),
  );
}

function journalIn(colo: Colo, indexPrefix: string) {
  return { nodes: journals.filter(({ name }) => name === colo).map(({ url }) => url), indexPrefix };
}

async function deleteAll({ front, clouds }: Bench): Promise<void> {
  await deleteGroups(front);
  for (const { running } of Object.values(clouds))
    await eventually("no server runs", running, ({ length }) => length === 0);
}

/** A group in these colos, led by the first of them while it can be reached. */
export async function createGroup(
  { client }: Asked,
  groupId: string,
  max: Readonly<Partial<Shares>>,
  more: { readonly spill?: boolean } = {},
): Promise<void> {
  await client.groups.createGroup({
    parent: accountName(account),
    groupId,
    group: {
      ...more,
      displayName: groupId,
      placements: Object.entries(max).map(([colo, most]) => ({ colo, min: 0, max: most })),
      launchConfiguration: {
        ...{ image: "none", flavor: "small" },
        parameters: { command: sleeper },
      },
    },
  });
}
