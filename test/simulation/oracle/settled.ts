import { orphansListedMax } from "../../../src/core/invariants/check-listing.js";
import type { Ledger } from "../../../src/core/invariants/ledger.js";
import type { Group } from "../../../src/core/model/group.js";
import type { LoadBalancerId } from "../../../src/core/model/ids.js";
import type { SimulatedCloud } from "../../../src/drivers/cloud-simulated/index.js";
import { type Cluster, installation } from "../cluster.js";
import type { Ledgers } from "./ledgers.js";

/**
 * What keeps the world from rest (L1): targets are reached, and ledger, clouds and load balancers
 * tell of the same servers.
 */
export function unsettled(cluster: Cluster, ledgers: Ledgers): readonly string[] {
  const found: string[] = [];
  const expected = new Map<string, Set<string>>();
  for (const [text, ledger] of ledgers.placements) {
    const { key } = ledger;
    const group = ledgers.groups.get(`${key.account}/${key.group}`);
    found.push(...unsettledRows(text, ledger, group));
    const cloud = cluster.clouds.get(key.colo);
    if (cloud) found.push(...unboundRows(text, ledger, cloud));
    noteMembers(ledger, expected);
  }
  for (const [colo, cloud] of cluster.clouds) found.push(...strangers(colo, cloud, ledgers));
  found.push(...wrongMembers(cluster, expected, ledgers.leftMembers));
  return found;
}

function unsettledRows(text: string, { doc, servers }: Ledger, group: Group | undefined): string[] {
  const there = [...servers.values()].filter((row) => row.state !== "abandoned");
  // Who stands by counts for nothing, and may do so for ever (B8.1).
  const rows = there.filter((row) => row.state !== "standingBy");
  if (!doc) return there.length === 0 ? [] : [`${text}: ${there.length} rows without a placement`];
  if (group?.deleting) return [`${text}: is being deleted`];
  if (group && doc.groupUid !== group.uid) return [`${text}: another group's`];
  if (group && doc.groupGeneration < group.generation) return [`${text}: has not heard of an edit`];
  const max = group?.placements.find(({ colo }) => colo === doc.key.colo)?.max ?? 0;
  if (group && doc.max !== max) return [`${text}: its max is ${doc.max}, not ${max}`];
  if (doc.carried) return [`${text}: carries ${JSON.stringify(doc.carried)}`];
  const serving = rows.filter((row) => row.state === "inService").length;
  const found: string[] = [];
  if (doc.pausedProcesses) found.push(`${text}: parts of it are paused`);
  if (doc.paused) found.push(`${text}: is paused`);
  const { phase } = doc.rebuild ?? {};
  if (phase !== undefined && underWay.has(phase)) found.push(`${text}: its rebuild is ${phase}`);
  // What is protected stays, whatever the target (B4.4).
  const kept = rows.filter((row) => row.protected).length;
  if (serving !== Math.max(doc.target, kept) || rows.length !== serving) {
    const states = rows.map((row) => row.state).filter((state) => state !== "inService");
    found.push(`${text}: ${serving} of ${doc.target} in service; ${states.join(" ") || "no more"}`);
  }
  return found;
}

/** A rebuild that is none of these has come to its end. */
const underWay: ReadonlySet<string> = new Set(["queued", "rolling", "waiting", "rollingBack"]);

/** Rows whose server the cloud does not have. */
function unboundRows(text: string, { servers }: Ledger, cloud: SimulatedCloud): string[] {
  return [...servers.values()]
    .filter(({ state }) => state === "inService" || state === "standingBy")
    .filter(({ cloudId }) => cloudId === undefined || !cloud.server(cloudId))
    .map(({ id }) => `${text}: ${id} stands there, and the cloud has no such server`);
}

/** Servers with our tags that are in no row and in no report. */
function strangers(colo: string, cloud: SimulatedCloud, ledgers: Ledgers): string[] {
  return cloud.servers().flatMap(({ id, ownership }) => {
    if (ownership?.installation !== installation) return [];
    const text = `${ownership.account}/${ownership.group}/${ownership.colo}`;
    const ledger = ledgers.placements.get(text);
    const row = ledger && [...ledger.servers.values()].find((one) => one.cloudId === id);
    const reported = ledger?.orphans?.has(id) || (ledger?.orphans?.size ?? 0) >= orphansListedMax;
    if (row || reported) return [];
    return [`${text}: ${id} in ${colo} is in no row and no report`];
  });
}

function noteMembers({ key, servers }: Ledger, expected: Map<string, Set<string>>): void {
  for (const { memberships, state } of servers.values())
    for (const { loadBalancer, host, port } of memberships) {
      if (state !== "inService") continue;
      const name = `${key.colo}/${loadBalancer}`;
      expected.set(name, (expected.get(name) ?? new Set()).add(`${host}:${port}`));
    }
}

function wrongMembers(
  cluster: Cluster,
  expected: ReadonlyMap<string, Set<string>>,
  left: ReadonlySet<string>,
): string[] {
  const found: string[] = [];
  for (const [name, addresses] of expected) {
    const [colo = "", loadBalancer] = name.split("/");
    const balancers = cluster.balancers.get(colo);
    if (!balancers?.has(loadBalancer as LoadBalancerId)) continue; // Gone for good (B5.5).
    const there = new Set(
      balancers.members(loadBalancer as LoadBalancerId).map(({ host, port }) => `${host}:${port}`),
    );
    for (const one of addresses) if (!there.has(one)) found.push(`${name}: ${one} is missing`);
  }
  for (const [colo, balancers] of cluster.balancers)
    for (const loadBalancer of balancers.ids()) {
      const name = `${colo}/${loadBalancer}`;
      for (const { host, port } of balancers.members(loadBalancer)) {
        const address = `${host}:${port}`;
        if (host.startsWith(foreignPrefix) || expected.get(name)?.has(address)) continue;
        if (left.has(`${name}/${address}`)) continue;
        found.push(`${name}: ${host}:${port} is nobody's member`);
      }
    }
  return found;
}

/** Members that are not the service's have such hosts in simulated worlds. */
export const foreignPrefix = "foreign";
