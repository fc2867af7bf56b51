import assert from "node:assert/strict";
import { test } from "node:test";
import { checkCommit } from "../../../src/core/invariants/check-commit.js";
import type { Ledger } from "../../../src/core/invariants/ledger.js";
import { cause } from "../../../src/core/model/cause.js";
import type { EventId } from "../../../src/core/model/ids.js";
import type { Amount, RebuildMark } from "../../../src/core/model/rebuild.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import { attemptId, docOf, key, rowOf, t0 } from "../plan/fixtures.js";

const rebuildOf = (surge: Amount, unavailable: Amount): RebuildMark => ({
  ...{ id: "order", principal: "ops", by: "event" as EventId, phase: "rolling" },
  ...{ sinceMs: t0, startedAtMs: t0, revision: 2, batch: 1, goal: 1, passed: 0, failures: 0 },
  options: { surge, unavailable, pauseMs: 0, checkpoints: [], stopAfter: 3, rollBack: false },
});
const servers = (count: number): Amount => ({ kind: "servers", servers: count });
const percent = (count: number): Amount => ({ kind: "percent", percent: count });

function ledgerOf(rows: readonly ServerRow[], target: number, rebuild?: RebuildMark): Ledger {
  const doc = docOf({ target, ...(rebuild ? { rebuild } : {}) });
  return { key, lastSequence: 0, doc, servers: new Map(rows.map((row) => [row.id, row])) };
}

const serving = (ids: string) => [...ids].map((id) => rowOf(id, "inService"));
const taken = (row: ServerRow): ServerRow => ({
  ...rowOf(row.id, "deleting", { protected: row.protected }),
  leaving: cause("B8.5", "REBUILT"),
});

/** What is found when the rebuild takes so many of the rows out. */
function found(rows: readonly ServerRow[], count: number, target: number, rebuild?: RebuildMark) {
  const before = ledgerOf(rows, target, rebuild);
  const gone = rows.slice(0, count);
  const after = ledgerOf([...gone.map(taken), ...rows.slice(count)], target, rebuild);
  const touched = gone.map(({ id }) => id);
  const none = { events: [], receipts: [], surge: 0, attemptId };
  return checkCommit({ before, after, touched, ...none }).map(
    ({ invariant, rule }) => `${invariant} ${rule}`,
  );
}

test("I12 B8.5 a rebuild leaves as many serving as the target less what may be missing", () => {
  const surged = rebuildOf(servers(1), servers(0));
  assert.deepEqual(found(serving("1234"), 1, 3, surged), []);
  assert.deepEqual(found(serving("1234"), 2, 3, surged), ["I12 B8.5"]);
  const half = rebuildOf(servers(0), percent(50));
  assert.deepEqual(found(serving("12345"), 2, 5, half), [], "rounded down");
  assert.deepEqual(found(serving("12345"), 3, 5, half), ["I12 B8.5"]);
  assert.deepEqual(found(serving("12"), 1, 1), ["I12 B8.5"], "without any rebuild");
});

test("I12 B4.4 a rebuild takes no protected server", () => {
  const rows = [rowOf("1", "inService", { protected: true }), rowOf("2", "inService")];
  assert.deepEqual(found(rows, 1, 1, rebuildOf(servers(1), servers(0))), ["I12 B4.4"]);
});

test("I3 B9.3 creates are held to the rebuild's surge, and to none once it is over", () => {
  const rows = serving("12");
  const fresh = rowOf("3", "intended");
  const seen = (rebuild: RebuildMark) => {
    const before = ledgerOf(rows, 2, rebuild);
    const after = ledgerOf([...rows, fresh], 2, rebuild);
    const none = { events: [], receipts: [], surge: 0, attemptId };
    return checkCommit({ before, after, touched: [fresh.id], ...none }).map(
      ({ invariant }) => invariant,
    );
  };
  assert.deepEqual(seen(rebuildOf(servers(1), servers(0))), []);
  assert.deepEqual(seen(rebuildOf(servers(0), servers(1))), ["I3"]);
  assert.deepEqual(seen({ ...rebuildOf(servers(1), servers(0)), phase: "stopped" }), ["I3"]);
});
