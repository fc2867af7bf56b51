import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "../../../src/core/policy/decide.js";
import type { Decision } from "../../../src/core/policy/decision.js";
import { t0 } from "./fixtures.js";
import { arithmeticRows } from "./table/arithmetic.js";
import { cooldownRows } from "./table/cooldowns.js";
import { forceRows } from "./table/force.js";
import { limitRows } from "./table/limits.js";
import { measuredRows } from "./table/measured.js";
import { readRow } from "./table/read-row.js";
import { standingRows } from "./table/standing.js";

/** Numbers in the rows were worked out by hand and with fractions, not by the code. */
function checkTable(lines: readonly string[]): void {
  for (const line of lines) {
    const { event, input, expected } = readRow(line);
    const decision = decide(event, input);
    const { outcome, oldTarget, newTarget, retryAtMs } = decision.receipt;
    const moved = newTarget === oldTarget ? "" : ` ${newTarget}`;
    const retry = /^refused B2.5/.test(expected) ? ` in ${(retryAtMs! - t0) / 1_000}s` : "";
    assert.equal(`${outcome}${moved} ${why(decision)}${retry}`, expected, line);
  }
}

/** Codes after their rules; a rule that the one before has too is not said again. */
function why({ receipt }: Decision): string {
  return receipt.causes
    .map(({ rule, code }, index) =>
      rule === receipt.causes[index - 1]?.rule ? code : `${rule} ${code}`,
    )
    .join(" ");
}

test("B2.2 B2.3 table: arithmetic", () => checkTable(arithmeticRows));
test("B2.1 table: steps and target tracking", () => checkTable(measuredRows));
test("B2.4 table: limits", () => checkTable(limitRows));
test("B2.7 table: force", () => checkTable(forceRows));
test("B2.5 table: cooldowns", () => checkTable(cooldownRows));
test("B8.3 B3.4 B2.6 table: pause, states, missing data, answers that are due", () =>
  checkTable(standingRows));

test("B2.9 the table has 300 rows, no two of them alike", () => {
  const tables = [arithmeticRows, measuredRows, limitRows, forceRows, cooldownRows, standingRows];
  assert.ok(new Set(tables.flat()).size >= 300);
  assert.equal(new Set(tables.flat()).size, tables.flat().length);
});
