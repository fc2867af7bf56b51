import assert from "node:assert/strict";
import { test } from "node:test";
import { EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { failureOf } from "./doors.js";
import { admin, createWorld, tokens } from "./world.js";

const { rebuildHistory } = EventService.method;

test("M7.3 history is rebuilt for all accounts at once, so no account's admin may ask", async (t) => {
  const { doors } = await createWorld(t);
  for (const door of doors) {
    await door.unary(rebuildHistory, {}, { token: tokens.root });
    const denied = await failureOf(door.unary(rebuildHistory, {}, admin));
    assert.equal(denied.reason, "PERMISSION_MISSING", door.name);
  }
});
