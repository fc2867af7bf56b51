import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { auditCodeOf } from "../../clients/cli/audit.js";
import { runMusterctl } from "./musterctl.js";
import { openTarget, type Target } from "./target.js";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target.close());

const run = (...args: readonly string[]) => runMusterctl(target, ["audit", ...args]);

test("B4.3 scripts read of an audit whether all was seen, and then whether all agrees", () => {
  assert.equal(auditCodeOf([{ differences: 0, notSeen: 0 }]), 0);
  const some = { differences: 3, notSeen: 0 };
  assert.equal(auditCodeOf([{ differences: 0, notSeen: 0 }, some]), 1);
  assert.equal(auditCodeOf([{ differences: 1, notSeen: 1 }, some]), 2);
});

test("B4.3 an audit has its counts, and its exit code is theirs", async () => {
  const { code, stdout, stderr } = await run(target.colo, "--json");
  const { colos } = JSON.parse(stdout);
  assert.equal(colos[0].colo, target.colo);
  assert.equal(colos[0].differences.length, colos[0].summary.differences);
  assert.equal(code, auditCodeOf([colos[0].summary]), stderr);
  const wrong = await run("no-colo");
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /COLO_NOT_FOUND/);
});

test("B4.3 differences are a table by group, with what will be done", async (t) => {
  if (!target.fake) return t.skip("the fake's differences");
  const { code, stdout } = await run();
  assert.equal(code, 1, "two differences, of all accounts of all colos");
  const lines = stdout.trimEnd().split("\n");
  assert.match(lines[0]!, /^ACCOUNT +GROUP +DIFFERENCE +OF +SINCE +WHY +WHAT WILL BE DONE$/);
  assert.match(
    lines[1]!,
    /^acme +api +member missing +s1 lb-1 10\.0\.0\.1:80 +- +Tagged \[2J as ours \(B9\.6 FOREIGN\) +attach it; stopped: Tagged \[2J as ours$/,
  );
  assert.match(
    lines[2]!,
    /^acme +web +not in ledger +sim-9 +- .* +nothing until a person decides$/,
  );
  assert.equal(
    lines.at(-1),
    "colo iad: 2 differences (compared: 1 accounts, 2 groups, 3 servers in the ledger," +
      " 4 in the cloud, 5 members)",
  );
  return undefined;
});

test("B4.3 an account is only left out when it is named on the command line", async (t) => {
  if (!target.fake) return t.skip("the fake's differences");
  const quiet = await run(target.colo, "--account", "quiet");
  assert.equal(quiet.code, 0);
  assert.match(quiet.stdout, /^colo iad: no differences \(compared: /);
  const dim = await run(target.colo, "--account", "dim");
  assert.equal(dim.code, 2);
  assert.match(dim.stdout, /2 differences, 1 of them could not be seen/);
  return undefined;
});
