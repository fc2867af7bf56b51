import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { admin, createWorld, validGroup } from "./world.js";

const parent = "accounts/acme";

test("B1.4 a page of large groups ends early and goes on, without gap or repeat", async (t) => {
  const { grpc } = await createWorld(t, { limits: { pageBytesMax: 100_000 } });
  const launchConfiguration = { image: "debian", userData: "x".repeat(60_000) };
  const group = validGroup({ launchConfiguration });
  const groupIds = ["a", "b", "c", "d", "e"];
  for (const groupId of groupIds)
    await grpc.unary(GroupService.method.createGroup, { parent, groupId, group }, admin);
  const seen: string[] = [];
  let pageToken = "";
  do {
    const page = await grpc.unary(GroupService.method.listGroups, { parent, pageToken }, admin);
    assert.equal(page.groups.length, 1);
    seen.push(...page.groups.map(({ name }) => name.split("/").at(-1)!));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  assert.deepEqual(seen, groupIds);
});
