import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Bed, openBed } from "../bed.js";
import { type Call, type DrillRun, illMs, runDrill } from "../outage-drill.js";
import { enough, openParty, type Party } from "../outage-party.js";

/** By then the brakes have seen faults enough in a row, also where calls are few and slow. */
const noticedMs = 20_000;

/**
 * The outage drill on the real Nova: twelve groups alarm while its API is slow and failing. Two
 * Musters live through it at once, one of them without brakes.
 */
describe("the outage drill on the real Nova", { timeout: 900_000 }, () => {
  let bed: Bed;
  const parties: Party[] = [];
  let braked: DrillRun;
  let unbraked: DrillRun;

  before(async () => {
    bed = await openBed();
    for (const kind of ["braked", "unbraked"] as const) parties.push(await openParty(bed, kind));
    const [one, other] = parties;
    ({ braked, unbraked } = await runDrill(bed, { braked: one!, unbraked: other! }));
  });
  after(async () => {
    await bed.faults.heal();
    await Promise.all(parties.map((one) => one.stop()));
  });

  const perSecond = ({ whileIll }: DrillRun) =>
    (whileIll.filter(({ atMs }) => atMs >= noticedMs).length * 1_000) / (illMs - noticedMs);
  const creates = (calls: readonly Call[]) =>
    calls.filter(({ method }) => method === "POST").length;

  test("M6.3 B9.4 calls fall to a probe's pace with brakes, and do not without", (t) => {
    for (const [name, run] of Object.entries({ braked, unbraked })) {
      const { whileIll, afterwards } = run;
      t.diagnostic(
        `${name}: ${whileIll.length} calls in ${illMs / 1_000} s, ${creates(whileIll)} of them creates; ` +
          `${perSecond(run).toFixed(2)} a second after the first ${noticedMs / 1_000} s`,
      );
      t.diagnostic(
        `${name}, each second: ${eachSecond(whileIll)}; when well: ${eachSecond(afterwards)}`,
      );
      // Each of them was refused, throttled or slow.
      assert.ok(whileIll.length >= 5 && whileIll.some((one) => one.isRefused), "Nova was not ill");
    }
    assert.equal(unbraked.phase, "closed", "there is nothing that brakes");
    assert.notEqual(braked.phase, "closed");
    assert.ok(perSecond(braked) <= 0.5, `${perSecond(braked)} calls a second`);
    assert.ok(perSecond(unbraked) >= 2 * perSecond(braked));
  });

  test("M6.2 B4.9 nothing is destroyed meanwhile, and each group says what it waits for", () => {
    for (const { whileIll, afterwards, before, after } of [braked, unbraked]) {
      const calls = [...whileIll, ...afterwards];
      assert.deepEqual(
        calls.filter(({ method }) => method === "DELETE"),
        [],
      );
      const alive = after.filter(({ status }) => status === "ACTIVE").map(({ id }) => id);
      assert.deepEqual(
        before.filter(({ id }) => !alive.includes(id)),
        [],
      );
    }
    // But for the one whose call is the probe.
    assert.ok(braked.silent.length <= 1, braked.silent.join(", "));
    const said = [...braked.said].join("\n");
    const words = "(Timeout waiting for a database connection|This request was rate-limited)";
    assert.match(
      said,
      new RegExp(`^Calls to the outside.* only one probe at a time.*${words}`, "m"),
    );
  });

  test("M6.1 B2.6 B4.5 when Nova is well each group gets its server once, and the books agree", (t) => {
    const { targets, reachedMs, after, audit } = braked;
    const seconds = (ms: number) => Math.round(ms / 1_000);
    const sorted = reachedMs.toSorted((a, b) => a - b).map(seconds);
    t.diagnostic(`braked groups had enough after ${sorted.join(" ")} s`);
    const others = unbraked.reachedMs.toSorted((a, b) => a - b).map(seconds);
    t.diagnostic(`unbraked groups after ${others.join(" ")} s, when the others all had`);
    assert.deepEqual(new Set(targets), new Set([enough]));
    assert.equal(reachedMs.length, targets.length);
    assert.equal(after.length, targets.length * enough, "nothing twice, nothing left over");
    assert.deepEqual(audit.differences, []);
    assert.equal(audit.counts?.cloudServers, after.length);
  });
});

function eachSecond(calls: readonly Call[]): string {
  const counts = new Map<number, number>();
  for (const { atMs } of calls) {
    const second = Math.floor(atMs / 1_000);
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  const last = Math.max(0, ...counts.keys());
  return Array.from({ length: last + 1 }, (_, second) => counts.get(second) ?? 0).join(" ");
}
