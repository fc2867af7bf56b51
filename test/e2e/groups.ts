import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@bufbuild/protobuf";
import { standingOf } from "../../clients/cli/standing.js";
import { accountName, groupName } from "../../clients/node/index.js";
import type { ColoConfig } from "../../src/config.js";
import type { Group } from "../../src/gen/muster/v1/group_pb.js";
import { type Server, ServerState } from "../../src/gen/muster/v1/server_service_pb.js";
import { type Asked, account, type Daemon, eventually } from "./daemon.js";

/** The cheapest real server: it does nothing, and ends when asked. */
export const sleeper = ["sleep", "100000"];

export const web = groupName(account, "web");

/** A colo of processes that answers slowly and is settled quickly after a crash. */
export function slowColo(options: {
  readonly answerDelayMs: number;
  readonly createDeadlineMs: number;
  readonly concurrency?: number;
}): ColoConfig {
  const { concurrency, ...times } = options;
  const use = `file:${fileURLToPath(new URL("./process-cloud.js", import.meta.url))}`;
  return {
    cloud: { use, options: times },
    pollMs: 100,
    ...(concurrency === undefined ? {} : { concurrency }),
  };
}

/** A group "web" in one colo. */
export async function createWeb(
  { client }: Daemon,
  wanted: { readonly colo: string; readonly max: number },
): Promise<void> {
  const parameters: JsonObject = { command: sleeper };
  await client.groups.createGroup({
    parent: accountName(account),
    groupId: "web",
    group: {
      displayName: "Web",
      placements: [{ colo: wanted.colo, min: 0, max: wanted.max }],
      launchConfiguration: { image: "none", flavor: "small", parameters },
    },
  });
}

/** Resolves once every placement says that it has converged, at this target. */
export function converged(
  { client }: Asked,
  target: number,
  { name = web, msMax }: { readonly name?: string; readonly msMax?: number } = {},
): Promise<Group> {
  return eventually(
    `${name} converges at ${target}`,
    async () => {
      const { group } = await client.groups.getGroup({ name });
      assert.ok(group);
      return group;
    },
    (group) => standingOf(group).converged && standingOf(group).target === target,
    msMax,
  );
}

/** Every server that the ledger still knows. */
export async function ledgerOf({ client }: Asked, parent = web): Promise<readonly Server[]> {
  const { servers, nextPageToken } = await client.servers.listServers({ parent, pageSize: 1_000 });
  assert.equal(nextPageToken, "");
  return servers;
}

/**
 * Exactly so many servers run, each intention once, and ledger, cloud and machine agree on them.
 */
export async function assertExactly(daemon: Daemon, colo: string, target: number): Promise<void> {
  const running = await daemon.running();
  const ids = running.map(({ cloudId }) => cloudId).toSorted();
  assert.equal(running.length, target, "processes");
  assert.equal(new Set(ids).size, target, "one process is one server");
  assert.equal(new Set(running.map((one) => one.intention)).size, target, "nothing twice");
  const abandoned = ServerState.ABANDONED; // Kept for days, in case it shows up after all.
  const ledger = (await ledgerOf(daemon)).filter(({ state }) => state !== abandoned);
  for (const one of ledger) assert.equal(one.state, ServerState.IN_SERVICE, one.name);
  assert.deepEqual(ledger.map((one) => one.cloudId).toSorted(), ids);
  const records = await daemon.records(colo);
  assert.deepEqual(records.map((one) => one.cloudId).toSorted(), ids);
}
