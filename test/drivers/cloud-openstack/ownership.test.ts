import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  intentionTag,
  isOwnKey,
  isOwnTag,
  marksOf,
  ownershipOf,
  ownerTag,
} from "../../../src/drivers/cloud-openstack/ownership.js";

const id = fc.string({ minLength: 1, maxLength: 255 });
const ownerships = fc.record(
  {
    ...{ installation: id, account: id, group: id, colo: id, server: id },
    launchRevision: fc.nat(),
  },
  { noNullPrototype: true },
);
const mine = {
  ...{ installation: "here", account: "acme", group: "web", colo: "iad" },
  ...{ server: "srv-1", launchRevision: 3 },
};

test("M3.2 a server's marks tell whose it is, whatever the names are, and Nova has room for them", () => {
  fc.assert(
    fc.property(ownerships, (ownership) => {
      const marks = marksOf(ownership);
      assert.deepEqual(ownershipOf(marks, ownership.installation), ownership);
      for (const tag of marks.tags) {
        assert.match(tag, /^[^,/]{1,60}$/);
        assert.ok(isOwnTag(tag));
      }
      for (const [key, value] of Object.entries(marks.metadata)) {
        assert.match(key, /^[a-zA-Z0-9_:. -]{1,255}$/);
        assert.ok(isOwnKey(key) && value.length <= 255);
      }
    }),
  );
});

test("M3.2 two intentions never share a tag, nor do two owners", () => {
  fc.assert(
    fc.property(ownerships, ownerships, (one, other) => {
      const isSame = one.account === other.account && one.server === other.server;
      assert.equal(intentionTag(one) === intentionTag(other), isSame);
      const isOwners = one.account === other.account && one.installation === other.installation;
      assert.equal(ownerTag(one) === ownerTag(other), isOwners);
    }),
  );
  const split = { account: "a", server: "b/c" };
  assert.notEqual(intentionTag(split), intentionTag({ account: "a/b", server: "c" }));
});

test("B9.5 a server without the whole record is nobody's", () => {
  const marks = marksOf(mine);
  for (const key of Object.keys(marks.metadata)) {
    const { [key]: _, ...metadata } = marks.metadata;
    assert.equal(ownershipOf({ ...marks, metadata }, "here"), undefined, key);
    const blank = { ...marks.metadata, [key]: "" };
    assert.equal(ownershipOf({ ...marks, metadata: blank }, "here"), undefined, key);
  }
  const metadata = { ...marks.metadata, muster_launch_revision: "three" };
  assert.equal(ownershipOf({ ...marks, metadata }, "here"), undefined);
});

test("M3.2 who would not be found by its tags counts as untagged, unless it is another's", () => {
  const marks = marksOf(mine);
  for (const tags of [[], marks.tags.slice(1), marks.tags.slice(0, 1)])
    assert.equal(ownershipOf({ ...marks, tags }, "here"), undefined);
  const copied = { ...marks, tags: marksOf({ ...mine, server: "srv-2" }).tags };
  assert.equal(ownershipOf(copied, "here"), undefined);
  assert.deepEqual(ownershipOf({ ...marks, tags: [] }, "elsewhere"), mine);
});
