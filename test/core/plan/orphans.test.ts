import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CloudServerId, ServerId } from "../../../src/core/model/ids.js";
import type { CloudServer } from "../../../src/core/model/server.js";
import { checkPlan } from "../../../src/core/plan/check-plan.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import { eventsOf, limits, rowOf, seenOf, serverOf, t0, tagsOf, waitsOf } from "./fixtures.js";

type Answer = CloudServer | "gone" | "unknown";
const minute = 60_000;
const ids = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
const rows = ids(101, 103).map((id) => rowOf(id, "inService"));
const newestServer = "103" as ServerId;
const plan = (given: Parameters<typeof seenOf>[1]) => {
  const seen = seenOf(rows, { target: 3, ...given });
  const made = planPlacement(seen, limits);
  checkPlan(seen, made);
  return made;
};
/** Three of ours, and those that nobody knows; all of these answered in one way. */
const strangers = (some: readonly string[], answer: (id: string) => Answer) => ({
  listed: [...rows.map(({ id }) => serverOf(id)), ...some.map((id) => serverOf(id))],
  lookedUp: some.map((id) => [`cloud-${id}`, answer(id)] as const),
});

describe("B9.5 a ledger that went back makes no second fleet while look-ups are not answered", () => {
  const doubt = { why: "start", isFresh: true } as const;
  const newer = strangers(ids(104, 110), () => "unknown");

  test("while newer servers are not asked for nothing is made or removed, and it says so", () => {
    const made = plan({ ...newer, target: 10, doc: { newestServer } });
    assert.equal(made.creates, 0);
    assert.deepEqual(waitsOf(made), ["FOREIGN"]);
    assert.deepEqual(plan({ ...newer, target: 1, doc: { newestServer } }).rows, []);
  });

  test("so do any that no row knows while this node is in doubt", () => {
    const older = strangers(ids(11, 17), () => "unknown");
    const known = { newestServer: "200" as ServerId };
    assert.equal(plan({ ...older, target: 10, doc: known, doubt }).creates, 0);
    assert.equal(plan({ ...older, target: 10, doc: known }).creates, 7, "a listing that lags");
  });

  test("what the cloud denies, or is another's copy, takes no place", () => {
    const gone = strangers(ids(104, 110), () => "gone");
    assert.equal(plan({ ...gone, target: 10, doc: { newestServer }, doubt }).creates, 7);
    const copy = serverOf("900", { ownership: tagsOf("101"), createdAtMs: t0 });
    const listed = [...rows.map(({ id }) => serverOf(id)), copy];
    const copied = { listed, lookedUp: [["cloud-900", "unknown"]] as const };
    assert.equal(plan({ ...copied, target: 4, doc: { newestServer }, doubt }).creates, 1);
  });
});

describe("B9.6 B4.11 what look-ups say nothing of is no secret for ever", () => {
  const silent = strangers(["050"], () => "unknown");
  const doc = { newestServer };

  test("it is noted, looked at again, and reported after its bound", () => {
    const first = plan({ ...silent, doc });
    const unproven = [{ cloudId: "cloud-050", sinceMs: t0 }];
    assert.deepEqual([first.doc.unproven, first.orphans], [unproven, []]);
    assert.equal(first.wakeAtMs, t0 + 30_000);
    const early = { ...silent, doc: first.doc, nowMs: t0 + 5 * minute - 1 };
    assert.deepEqual(plan(early).orphans, []);
    assert.deepEqual(plan(early).doc.unproven, unproven);
    const due = plan({ ...early, nowMs: t0 + 5 * minute });
    assert.deepEqual(
      due.orphans.map(({ cloudId }) => cloudId),
      ["cloud-050"],
    );
    assert.deepEqual(eventsOf(due), ["server.orphan"]);
    assert.equal(due.doc.unproven, undefined);
  });

  test("a turn that has only asked forgets nothing, an answer does", () => {
    const unproven = [{ cloudId: "cloud-050" as CloudServerId, sinceMs: t0 - minute }];
    const asked = plan({ ...silent, lookedUp: [], doc: { ...doc, unproven } });
    assert.deepEqual([asked.lookUps, asked.doc.unproven], [["cloud-050"], unproven]);
    const denied = strangers(["050"], () => "gone");
    assert.equal(plan({ ...denied, doc: { ...doc, unproven } }).doc.unproven, undefined);
    const unlisted = strangers([], () => "gone");
    assert.equal(plan({ ...unlisted, doc: { ...doc, unproven } }).doc.unproven, undefined);
  });

  test("one that is newer than the ledger proves then that it went back", () => {
    const unproven = [{ cloudId: "cloud-104" as CloudServerId, sinceMs: t0 - 5 * minute }];
    const made = plan({ ...strangers(["104"], () => "unknown"), doc: { ...doc, unproven } });
    assert.ok(made.doc.quarantine);
    assert.deepEqual(eventsOf(made), ["server.orphan", "group.quarantined"]);
  });
});

test("B8.1 B9.6 a server that was released is no orphan while listings lag behind", () => {
  const { ownership: _released, ...bare } = serverOf("050");
  const untagged = plan({ ...strangers(["050"], () => bare), doc: { newestServer } });
  assert.deepEqual([untagged.orphans, eventsOf(untagged)], [[], []]);
  const moved = serverOf("050", { ownership: tagsOf("050", { group: "other" }) });
  const made = plan({ ...strangers(["050"], () => moved), target: 4, doc: { newestServer } });
  assert.deepEqual([made.orphans, made.creates], [[], 1]);
  const still = plan({ ...strangers(["050"], (id) => serverOf(id)), doc: { newestServer } });
  assert.equal(still.orphans.length, 1);
});
