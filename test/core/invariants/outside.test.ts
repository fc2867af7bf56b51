import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AllowanceSeen,
  checkAllowance,
  checkCreate,
  checkDelete,
  checkGate,
  checkPause,
  checkTags,
  type DeleteSeen,
  type TagSeen,
} from "../../../src/core/invariants/check-call.js";
import { checkStranger, strangersIn } from "../../../src/core/invariants/check-listing.js";
import { checkWaits, type WaitBounds } from "../../../src/core/invariants/check-waits.js";
import type { Ledger } from "../../../src/core/invariants/ledger.js";
import type { Violation } from "../../../src/core/invariants/violation.js";
import type { CloudServerId, ServerId } from "../../../src/core/model/ids.js";
import type { PlacementDoc } from "../../../src/core/model/placement.js";
import type { ServerRow, ServerState } from "../../../src/core/model/server.js";
import { attemptId, docOf, key, rowOf, serverOf, t0, tagsOf } from "../plan/fixtures.js";

const ledger = (rows: readonly ServerRow[], doc: Partial<PlacementDoc> = {}): Ledger => ({
  key,
  lastSequence: 0,
  doc: docOf({ target: rows.length, ...doc }),
  servers: new Map(rows.map((row) => [row.id, row])),
});
const names = (found: readonly Violation[]) =>
  found.map(({ invariant, rule }) => `${invariant} ${rule}`);

test("I8 B9.1 what is braked for longer than the bound does not begin, nor creates with a stale switch", () => {
  const seen = { operation: "create", key: "k", brakedForMs: undefined, switchAgeMs: 200 } as const;
  assert.deepEqual(checkGate(seen), []);
  assert.deepEqual(checkGate({ ...seen, brakedForMs: 900 }), []);
  // The gate asks a moment earlier, at the very second: what it just let through is no finding.
  assert.deepEqual(checkGate({ ...seen, brakedForMs: 1_100, switchAgeMs: 1_100 }), []);
  assert.equal(checkGate({ ...seen, brakedForMs: 1_600 })[0]?.coloWide, "create");
  assert.deepEqual(names(checkGate({ ...seen, switchAgeMs: 1_600 })), ["I8 B9.1"]);
  assert.deepEqual(checkGate({ ...seen, operation: "delete", switchAgeMs: 1_600 }), []);
});

test("I8 B8.3 nothing begins for a placement that is known to be paused", () => {
  const paused = { sinceMs: t0, reason: "why", principal: "p" };
  assert.deepEqual(checkPause(docOf(), "delete"), []);
  assert.deepEqual(names(checkPause(docOf({ paused }), "delete")), ["I8 B8.3"]);
  const some = { ...paused, operations: ["create"] as const };
  assert.deepEqual(checkPause(docOf({ paused: some }), "delete"), []);
  assert.deepEqual(names(checkPause(docOf({ paused: some }), "create")), ["I8 B8.3"]);
});

test("I9 B9.4 a call beyond the allowance is found", () => {
  const seen: AllowanceSeen = {
    ...{ key: "cloud", operation: "getServer", inFlight: 3, inFlightMax: 3 },
    ...{ openForMs: undefined, graceMs: 1_000, stops: "create" },
  };
  assert.deepEqual(checkAllowance(seen), []);
  assert.deepEqual(names(checkAllowance({ ...seen, inFlight: 4 })), ["I9 B9.4"]);
  assert.deepEqual(checkAllowance({ ...seen, openForMs: 1_000 }), []);
  assert.deepEqual(names(checkAllowance({ ...seen, openForMs: 1_001 })), ["I9 B9.4"]);
});

test("I5 I1 B4.5 a create is on record first, of this very attempt, and made once", () => {
  const server = "1" as ServerId;
  const seen = { server, ledger: ledger([rowOf("1", "intended")]), callsBefore: 0, attemptId };
  assert.deepEqual(checkCreate(seen), []);
  assert.deepEqual(names(checkCreate({ ...seen, callsBefore: 1 })), ["I5 B4.5"]);
  assert.deepEqual(names(checkCreate({ ...seen, attemptId: "another" })), ["I5 B4.5"]);
  assert.deepEqual(names(checkCreate({ ...seen, ledger: ledger([]) })), ["I1 B4.5"]);
  const unsure = ledger([rowOf("1", "unconfirmed")]);
  assert.deepEqual(names(checkCreate({ ...seen, ledger: unsure })), ["I1 B4.5"]);
});

test("I2 B9.5 a delete needs our tags, read right before, and a leaving row bound to the server", () => {
  const seen: DeleteSeen = {
    cloudId: "cloud-1",
    installation: "test",
    told: { server: serverOf("1"), agoMs: 10 },
    ledger: ledger([rowOf("1", "deleting")]),
  };
  const broken = (change: Partial<DeleteSeen>) => names(checkDelete({ ...seen, ...change }));
  assert.deepEqual(broken({}), []);
  assert.deepEqual(broken({ told: undefined }), ["I2 B9.5"]);
  assert.deepEqual(broken({ told: { server: serverOf("1"), agoMs: 61_000 } }), ["I2 B9.5"]);
  assert.deepEqual(broken({ ledger: ledger([rowOf("1", "inService")]) }), ["I2 B9.5"]);
  assert.deepEqual(broken({ ledger: ledger([]) }), ["I2 B9.5"]);
  assert.deepEqual(broken({ ledger: undefined }), ["I2 B9.5"]);
  assert.deepEqual(broken({ cloudId: "cloud-2" }), ["I2 B9.5"]);
  for (const change of [{ installation: "x" }, { account: "x" }, { group: "x" }, { colo: "x" }]) {
    const server = serverOf("1", { ownership: tagsOf("1", change) });
    assert.deepEqual(broken({ told: { server, agoMs: 10 } }), ["I2 B9.5"], JSON.stringify(change));
  }
});

test("I11 B9.5 B8.1 tags are written for a row, taken from a released one, never from a stranger's", () => {
  const seen: TagSeen = {
    ...{ cloudId: "cloud-1", account: key.account, installation: "test", wanted: tagsOf("1") },
    told: { server: serverOf("1"), agoMs: 10 },
    ledger: ledger([rowOf("1", "inService")]),
  };
  const broken = (change: Partial<TagSeen>) => names(checkTags({ ...seen, ...change }));
  const bare = { ...serverOf("1") };
  delete (bare as { ownership?: unknown }).ownership;
  const foreign = serverOf("1", { ownership: tagsOf("1", { installation: "x" }) });
  const releasing = ledger([rowOf("1", "releasing")]);
  assert.deepEqual(broken({}), []);
  assert.deepEqual(broken({ told: { server: bare, agoMs: 10 } }), []);
  assert.deepEqual(broken({ wanted: undefined, ledger: releasing }), []);
  assert.deepEqual(broken({ wanted: undefined }), ["I11 B9.5"]);
  assert.deepEqual(broken({ ledger: releasing }), ["I11 B9.5"]);
  assert.deepEqual(broken({ ledger: ledger([]) }), ["I11 B9.5"]);
  assert.deepEqual(broken({ told: undefined }), ["I11 B9.5"]);
  assert.deepEqual(broken({ told: { server: foreign, agoMs: 10 } }), ["I11 B9.5"]);
});

test("I1 I5 B9.6 a server that nothing accounts for is a stranger until it is reported", () => {
  const rows = [rowOf("1", "inService"), rowOf("2", "unconfirmed")];
  const listed = [serverOf("1"), serverOf("2")];
  assert.deepEqual(strangersIn(ledger(rows), listed), []);
  const copy = serverOf("1", { id: "copy" as CloudServerId });
  const found = strangersIn(ledger(rows), [...listed, copy, serverOf("3")]);
  assert.deepEqual(
    found.map(({ cloudId, invariant }) => `${invariant} ${cloudId}`),
    ["I5 copy", "I1 cloud-3"],
  );
  const orphans = new Map(
    [copy, serverOf("3")].map(({ id, name }) => {
      const why = "copiedTag" as const;
      return [id, { cloudId: id, name, firstSeenAtMs: t0, claims: "1", why }];
    }),
  );
  assert.deepEqual(strangersIn({ ...ledger(rows), orphans }, [copy, serverOf("3")]), []);
  const bound = { forMs: 999, boundMs: 1_000 };
  assert.equal(checkStranger(found[0]!, bound), undefined);
  assert.equal(checkStranger(found[0]!, { ...bound, forMs: 1_000 })?.key, "I5:copy");
});

const bounds: WaitBounds = {
  ...{ buildTimeoutMs: 3_600_000, drainTimeoutMs: 60_000 },
  ...{ listingLagMs: 5_000, graceMs: 60_000 },
};

test("I10 B4.11 a wait past its deadline must show in the conditions", () => {
  const waits: readonly ServerState[] = [
    ...(["intended", "unconfirmed", "building", "launching", "draining", "deleting"] as const),
  ];
  for (const state of waits) {
    const rows = [rowOf("1", state)];
    const overdue = checkWaits(ledger(rows), t0 + 2 * 3_600_000, bounds);
    assert.equal(overdue?.key, `I10:1/${state}`);
    const waiting = { type: "waiting", holds: true, causes: [], sinceMs: t0 } as const;
    const told = ledger(rows, { conditions: [waiting] });
    assert.equal(checkWaits(told, t0 + 2 * 3_600_000, bounds), undefined, "it is reported");
    const well = (["ready", "healthy", "converged"] as const).map((type) => ({ ...waiting, type }));
    const silent = checkWaits(ledger(rows, { conditions: well }), t0 + 2 * 3_600_000, bounds);
    assert.equal(silent?.key, `I10:1/${state}`, "what is well reports nothing");
    const fresh = [rowOf("1", state, { sinceMs: t0, drainingSinceMs: t0, deletingSinceMs: t0 })];
    const young = fresh.map((row) => ({ ...row, attempt: { id: "a", callDeadlineMs: t0 } }));
    assert.equal(checkWaits(ledger(young), t0 + 60_000, bounds), undefined, `${state} is young`);
  }
  const rest = [rowOf("1", "inService"), rowOf("2", "abandoned")];
  assert.equal(checkWaits(ledger(rest), t0 + 9 * 3_600_000, bounds), undefined);
});
