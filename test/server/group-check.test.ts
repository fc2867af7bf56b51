import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckSeverity, GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { failureOf } from "./doors.js";
import { admin, createWeb, createWorld, tokens, validGroup, WEB } from "./world.js";

test("B1.5 a check tells field, severity, rule and way out, stored or given, through every door", async (t) => {
  const { checkGroup } = GroupService.method;
  const world = await createWorld(t);
  await createWeb(world.doors[0]!);
  const unmade = "accounts/acme/groups/nope";
  for (const door of world.doors) {
    const viewer = { token: tokens.viewer };
    const [check] = (await door.unary(checkGroup, { name: WEB }, viewer)).placements;
    const { colo, servers, serversMax, room, roomBy } = check!;
    assert.deepEqual([colo, servers, serversMax, room, roomBy], ["iad", 1, 10, 3, "cores"]);
    const [found] = check!.findings;
    assert.deepEqual(
      [found!.field, found!.severity, found!.cause?.rule, found!.fix],
      ["placements[0].max", CheckSeverity.WARNING, "B4.7", "ask for more"],
    );
    const missing = await failureOf(door.unary(checkGroup, { name: unmade }, admin));
    assert.deepEqual([missing.code, missing.reason], [5, "GROUP_NOT_FOUND"]);
    const placements = [{ colo: "dfw", min: 0, max: 4 }];
    const given = { name: unmade, group: validGroup({ placements }) };
    const answer = await door.unary(checkGroup, given, admin);
    assert.deepEqual([answer.placements[0]?.colo, answer.placements[0]?.serversMax], ["dfw", 4]);
    const stranger = await failureOf(
      door.unary(checkGroup, { name: WEB }, { token: tokens.stranger }),
    );
    assert.equal(stranger.code, 5, "B10.4: what is not yours is not found");
  }
});
