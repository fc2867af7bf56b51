import assert from "node:assert/strict";
import { ServerService, ServerState } from "../../src/gen/muster/v1/server_service_pb.js";
import { type Door, failureOf } from "./doors.js";
import { admin, WEB } from "./world.js";

const parent = "accounts/acme";

/** Adopting, releasing, orphans and a rebuild, as callers see them. */
export async function lostServers(door: Door, name: string): Promise<void> {
  const { adoptServer, releaseServer, listOrphans, deleteOrphan, rebuildLedger } =
    ServerService.method;
  const stray = { colo: "iad", cloudId: "stray-1" };
  const { orphans } = await door.unary(listOrphans, { parent }, admin);
  assert.deepEqual(
    orphans.map((one) => [one.cloudId, one.colo, one.group, one.claims, one.why]),
    [["stray-1", "iad", "gone", "late-one", "noSuchGroup"]],
  );
  const ordered = await door.unary(deleteOrphan, { parent, ...stray }, admin);
  assert.equal(ordered.orphan!.deleteOrderTime!.seconds, 2n);
  const adopted = await door.unary(adoptServer, { parent: WEB, ...stray }, admin);
  assert.ok(adopted.server!.name.startsWith(`${WEB}/servers/`));
  const rebuilt = await door.unary(rebuildLedger, { name: WEB }, admin);
  assert.ok(rebuilt.adopted.some((one) => one.name === name));
  assert.deepEqual(
    rebuilt.left.map((one) => [one.cloudId, one.colo, one.claims, one.why]),
    [["stray-1", "iad", "late-one", "foreignTags"]],
  );
  const unknown = door.unary(rebuildLedger, { name: `${parent}/groups/none` }, admin);
  assert.equal((await failureOf(unknown)).reason, "GROUP_NOT_FOUND");
  const released = await door.unary(releaseServer, { name }, admin);
  assert.equal(released.server!.state, ServerState.RELEASING);
}
