import assert from "node:assert/strict";
import { test } from "node:test";
import { type Group, Process } from "../../src/gen/muster/v1/group_pb.js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { ServerService, ServerState } from "../../src/gen/muster/v1/server_service_pb.js";
import { admin, createWeb, createWorld, WEB } from "./world.js";

test("B8.1 processes are paused one by one, and told with who, why and since when", async (t) => {
  const [door] = (await createWorld(t)).doors;
  await createWeb(door!);
  const { pauseGroup, resumeGroup } = GroupService.method;
  const { ALERTS, SCALE_IN } = Process;
  const some = { name: WEB, reason: "night", processes: [ALERTS, SCALE_IN] };
  const { processPauses, pause } = statusOf(await door!.unary(pauseGroup, some, admin));
  assert.deepEqual(
    processPauses.map((one) => [one.process, one.reason, one.principal]),
    [
      [SCALE_IN, "night", "ann"],
      [ALERTS, "night", "ann"],
    ],
  );
  assert.ok(processPauses.every(({ sinceTime }) => sinceTime !== undefined));
  assert.equal(pause, undefined);
  const one = await door!.unary(resumeGroup, { name: WEB, processes: [SCALE_IN] }, admin);
  assert.deepEqual(
    statusOf(one).processPauses.map(({ process }) => process),
    [ALERTS],
  );
  assert.deepEqual(
    statusOf(await door!.unary(resumeGroup, { name: WEB }, admin)).processPauses,
    [],
  );
});

const statusOf = ({ group }: { readonly group?: Group | undefined }) =>
  group!.status!.placements[0]!;

test("B8.1 a server stands by, is listed as such, and comes back", async (t) => {
  const [door] = (await createWorld(t)).doors;
  await createWeb(door!);
  const { listServers, standByServer } = ServerService.method;
  const listed = await door!.unary(listServers, { parent: WEB }, admin);
  const { name } = listed.servers[0]!;
  const stands = await door!.unary(standByServer, { name, standingBy: true }, admin);
  assert.equal(stands.server!.state, ServerState.STANDING_BY);
  const states = [ServerState.STANDING_BY];
  const found = await door!.unary(listServers, { parent: WEB, states }, admin);
  assert.deepEqual(
    found.servers.map((one) => one.name),
    [name],
  );
  const back = await door!.unary(standByServer, { name }, admin);
  assert.equal(back.server!.state, ServerState.LAUNCHING);
});
