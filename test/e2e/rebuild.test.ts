import assert from "node:assert/strict";
import { test } from "node:test";
import { RebuildPhase } from "../../src/gen/muster/v1/rebuild_pb.js";
import { ServerState } from "../../src/gen/muster/v1/server_service_pb.js";
import { type Daemon, eventually, startDaemon } from "./daemon.js";
import { assertGapFree, readFromStart, type SeenEvent } from "./followed.js";
import { assertExactly, converged, createWeb, ledgerOf, sleeper, slowColo, web } from "./groups.js";

const colo = "local";
const target = 6;
const kills = 4;
/** A server whose making was cut short is told of by the cloud after half a minute. */
const patientMsMax = 180_000;

test("B8.5 M2.5 a rebuild of real servers is killed over and over: none is missing meanwhile, it waits where it should, and explains itself", async (t) => {
  const daemon = await startDaemon(t, {
    [colo]: slowColo({ answerDelayMs: 100, createDeadlineMs: 1_500 }),
  });
  const { groups, scaling, events } = daemon.client;
  await createWeb(daemon, { colo, max: target });
  await scaling.setTarget({ name: web, target });
  await converged(daemon, target);
  const launchConfiguration = { image: "newer", flavor: "small", parameters: { command: sleeper } };
  await groups.updateGroup({
    group: { name: web, launchConfiguration },
    updateMask: { paths: ["launch_configuration"] },
  });

  await groups.rebuildGroup({ name: web, options: { checkpoints: [50], stopAfter: kills } });
  for (let kill = 0; kill < kills; kill++) await killMidway(daemon);
  await reaches(daemon, RebuildPhase.WAITING);
  assert.deepEqual(await revisionsOf(daemon), [1, 1, 1, 2, 2, 2]);
  await groups.continueRebuild({ name: web });
  await killMidway(daemon);
  await reaches(daemon, RebuildPhase.COMPLETED);
  await converged(daemon, target, { msMax: patientMsMax });
  await assertExactly(daemon, colo, target);
  assert.deepEqual(await revisionsOf(daemon), Array(target).fill(2));

  const told = await readFromStart(daemon);
  assertGapFree(told);
  assert.equal(fewestInService(told), target);
  const started = told.find(({ type }) => type === "rebuild.started");
  assert.ok(started);
  const explained = await eventually(
    "the rebuild's end is in the journal",
    () => events.explainEvent({ name: started.name, fromHere: true }),
    (answer) => answer.events.some(({ event }) => event?.type === "rebuild.completed"),
  );
  const { figures, summary, waits } = explained;
  assert.equal(figures?.inService, target, summary.join("\n"));
  assert.equal(figures?.gone, target + (figures?.failed ?? 0), summary.join("\n"));
  assert.deepEqual(waits, []);
});

/** While a server and the one that it replaces are both there. */
async function killMidway(daemon: Daemon): Promise<void> {
  await eventually(
    "a server is being replaced",
    () => daemon.running(),
    ({ length }) => length > target,
  );
  await daemon.kill();
  await daemon.start();
}

function reaches({ client }: Daemon, phase: RebuildPhase) {
  return eventually(
    `the rebuild is in phase ${phase}`,
    async () => {
      const { group } = await client.groups.getGroup({ name: web });
      return group?.status?.placements[0]?.rebuild;
    },
    (rebuild) => rebuild?.phase === phase,
    patientMsMax,
  );
}

async function revisionsOf(daemon: Daemon): Promise<readonly number[]> {
  const servers = await ledgerOf(daemon);
  const serving = servers.filter(({ state }) => state === ServerState.IN_SERVICE);
  return serving.map(({ launchRevision }) => Number(launchRevision)).toSorted();
}

/** Of those that served at once, from the first time on that they were as many as were wanted. */
function fewestInService(events: readonly SeenEvent[]): number {
  const serving = new Set<string>();
  let fewest = Number.POSITIVE_INFINITY;
  for (const { type, server } of events) {
    if (type === "server.in_service") serving.add(server);
    else if (leaves.has(type)) serving.delete(server);
    if (serving.size >= target || fewest <= target) fewest = Math.min(fewest, serving.size);
  }
  return fewest;
}

const leaves: ReadonlySet<string> = new Set([
  "server.draining",
  "server.deleting",
  "server.failed",
  "server.gone",
]);
