import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { ServerHealth, ServerService } from "../../src/gen/muster/v1/server_service_pb.js";
import { failureOf } from "./doors.js";
import { admin, createWeb, createWorld, WEB } from "./world.js";

test("B9.2 a hold is acknowledged with a reason, through every door", async (t) => {
  const { acknowledgeHold } = GroupService.method;
  const world = await createWorld(t);
  await createWeb(world.doors[0]!);
  for (const door of world.doors) {
    const seen = { name: WEB, reason: "the rack is gone" };
    assert.equal((await door.unary(acknowledgeHold, seen, admin)).group?.name, WEB);
    const unheld = door.unary(acknowledgeHold, { name: WEB, reason: "nothing is" }, admin);
    const nothing = await failureOf(unheld);
    assert.deepEqual([nothing.code, nothing.reason], [9, "NOTHING_HELD"]);
    const blank = await failureOf(door.unary(acknowledgeHold, { name: WEB, reason: " " }, admin));
    assert.equal(blank.reason, "FIELD_INVALID");
  }
});

test("B9.2 monitors outside tell of a server's health, through every door", async (t) => {
  const { listServers, setServerHealth } = ServerService.method;
  const world = await createWorld(t);
  await createWeb(world.doors[0]!);
  for (const door of world.doors) {
    const { servers } = await door.unary(listServers, { parent: WEB }, admin);
    const { name } = servers[0]!;
    const ill = { name, health: ServerHealth.UNHEALTHY, reason: "answers 502" };
    const told = await door.unary(setServerHealth, ill, admin);
    assert.equal(told.server!.reportedUnhealthy, "answers 502");
    const well = await door.unary(setServerHealth, { name, health: ServerHealth.HEALTHY }, admin);
    assert.equal(well.server!.reportedUnhealthy, "");
    const unsaid = await failureOf(door.unary(setServerHealth, { name }, admin));
    assert.equal(unsaid.reason, "FIELD_INVALID");
  }
});
