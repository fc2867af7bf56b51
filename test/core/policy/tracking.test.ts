import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertMark, TrackingAction } from "../../../src/core/model/policy.js";
import { wishOf } from "../../../src/core/policy/wish.js";
import { alertRuleOf, markOf, seconds, t0 } from "./fixtures.js";

const action: TrackingAction = {
  ...{ kind: "tracking", metric: "cpu", target: 0.2 },
  tolerancePartsPerMillion: 100_000,
  stabilisationMs: seconds(300),
};

function wishFor(
  values: readonly (number | undefined)[],
  { from = 10, target = 0.2 }: { readonly from?: number; readonly target?: number } = {},
) {
  const marks = values.map((value, index): AlertMark => {
    return markOf("ok", { key: `k${index}`, ...(value === undefined ? {} : { value }) });
  });
  return wishOf({ ...action, target }, { nowMs: t0, from, alert: alertRuleOf(), marks });
}

test("B2.1 target tracking asks for base × mean ÷ target, rounded up, exactly", () => {
  // 10 × 0.6 ÷ 0.2 is 30.000000000000004 in binary, and 31 when that is rounded up.
  const rows: readonly (readonly [readonly number[], number, number, number])[] = [
    [[0.6], 0.2, 10, 30],
    [[0.61], 0.2, 10, 31],
    [[0.1], 0.2, 10, 5],
    [[0.09], 0.2, 10, 5],
    [[0], 0.2, 10, 0],
    [[0.1, 0.2, 0.3, 0.6], 0.2, 10, 15],
    [[0.3, 0.3, 0.3], 0.1, 10, 30],
    [[900], 100, 3, 27],
    [[1e-7], 1e-7, 0, 1],
    [[0.01], 0.2, 0, 1],
    [[0], 0.2, 0, 0],
  ];
  for (const [values, target, from, wanted] of rows)
    assert.equal(wishFor(values, { from, target }).wanted, wanted, `${values} of ${target}`);
});

test("B2.1 within the tolerance, its bounds included, nothing is done", () => {
  const code = (value: number) => wishFor([value]).why?.code;
  assert.equal(code(0.22), "WITHIN_TOLERANCE");
  assert.equal(code(0.18), "WITHIN_TOLERANCE");
  assert.equal(code(0.2200001), "MEASURED");
  assert.equal(code(0.1799999), "MEASURED");
  assert.equal(wishFor([0.2200001]).wanted, 12);
  assert.equal(wishFor([0.1799999]).wanted, 9);
});

test("B3.4 silent keys count as at the target, and only where fewer servers would do", () => {
  assert.equal(wishFor([0.1, undefined]).wanted, 8, "(0.1 + 0.2) / 2 of 0.2, from 10");
  assert.equal(wishFor([0.4, undefined]).wanted, 20);
  assert.equal(wishFor([0, undefined, undefined, undefined]).wanted, 8);
  for (const values of [[], [undefined], [-1], [Number.NaN]])
    assert.deepEqual(
      [wishFor(values).wanted, wishFor(values).why?.code, wishFor(values).isMissing],
      [10, "VALUE_MISSING", true],
    );
});
