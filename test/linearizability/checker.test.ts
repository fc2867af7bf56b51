import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { buildChecker, type Checker, type Verdict } from "./check-history.js";

let checker: Checker;
before(async () => {
  checker = await buildChecker();
});
after(() => checker.remove());

type Fields = Readonly<Record<string, unknown>>;

/** An operation from one moment to another; without an answer nobody heard of its end. */
interface Operation {
  readonly from: number;
  readonly to?: number;
  readonly call: Fields;
  readonly answer?: Fields;
}

const commit = (id: string, expected: number, value: string): Fields => ({
  ...{ kind: "commit", commit: id, expected, value, events: 1 },
});
const load = { kind: "load" };
const loaded = (revision: number, value: string): Fields => ({
  ...{ result: "read", revision, lastSequence: revision, value },
});
const committed = (revision: number) => ({ result: "committed", revision });
const lookUp = (id: string) => ({ kind: "lookUp", commit: id });

/** The first commit of every history below: revision 1, value "a". */
const first: Operation = { from: 1, to: 3, call: commit("c1", 0, "a"), answer: committed(1) };
const rival: Operation = { from: 4, to: 6, call: commit("c2", 1, "b"), answer: committed(2) };
const lost: Operation = {
  ...{ from: 4, to: 9, call: commit("c3", 1, "c") },
  answer: { result: "unknown" },
};

const histories: Readonly<
  Record<string, { readonly of: readonly Operation[]; readonly verdict: Verdict["verdict"] }>
> = {
  "a read gives what was committed before it": {
    of: [first, rival, { from: 7, to: 8, call: load, answer: loaded(2, "b") }],
    verdict: "Ok",
  },
  "a read amid a commit gives either": {
    of: [
      first,
      rival,
      { from: 5, to: 8, call: load, answer: loaded(1, "a") },
      { from: 5, to: 8, call: load, answer: loaded(2, "b") },
    ],
    verdict: "Ok",
  },
  "a read gives what an acknowledged commit has replaced": {
    of: [first, rival, { from: 7, to: 8, call: load, answer: loaded(1, "a") }],
    verdict: "Illegal",
  },
  "the same from a copy, which says so": {
    of: [
      first,
      rival,
      { from: 7, to: 8, call: { ...load, isReplica: true }, answer: loaded(1, "a") },
    ],
    verdict: "Ok",
  },
  "a row is read that another revision has": {
    of: [
      first,
      rival,
      { from: 7, to: 8, call: { kind: "read" }, answer: { result: "read", value: "a" } },
    ],
    verdict: "Illegal",
  },
  "the newest event is of another revision": {
    of: [
      first,
      rival,
      { from: 7, to: 8, call: load, answer: { ...loaded(2, "b"), lastSequence: 1 } },
    ],
    verdict: "Illegal",
  },
  "a newer value is seen, then the older one": {
    of: [
      first,
      { ...rival, to: 20 },
      { from: 7, to: 8, call: load, answer: loaded(2, "b") },
      { from: 9, to: 10, call: load, answer: loaded(1, "a") },
    ],
    verdict: "Illegal",
  },
  "two commits of one revision are acknowledged": {
    of: [first, rival, { ...lost, answer: committed(2) }],
    verdict: "Illegal",
  },
  "a commit is refused for a revision that stands": {
    of: [first, rival, { ...lost, answer: { result: "changed", revision: 2 } }],
    verdict: "Ok",
  },
  "a commit is refused for a revision that never stood": {
    of: [first, rival, { ...lost, answer: { result: "changed", revision: 7 } }],
    verdict: "Illegal",
  },
  "a commit of unknown end takes effect late": {
    of: [
      first,
      lost,
      { from: 10, to: 11, call: load, answer: loaded(1, "a") },
      { from: 12, to: 13, call: load, answer: loaded(2, "c") },
    ],
    verdict: "Ok",
  },
  "a commit of unknown end takes effect, and then did not": {
    of: [
      first,
      lost,
      { from: 10, to: 11, call: load, answer: loaded(2, "c") },
      { from: 12, to: 13, call: load, answer: loaded(1, "a") },
    ],
    verdict: "Illegal",
  },
  "whoever commits dies before the answer": {
    of: [
      first,
      { from: 4, call: commit("c3", 1, "c") },
      { from: 10, to: 11, call: load, answer: loaded(2, "c") },
    ],
    verdict: "Ok",
  },
  "a commit is undone, and seen": {
    of: [
      first,
      { ...lost, answer: { result: "undone" } },
      { from: 10, to: 11, call: load, answer: loaded(2, "c") },
    ],
    verdict: "Illegal",
  },
  "a commit is told not to be there, and seen": {
    of: [
      first,
      lost,
      { from: 10, to: 11, call: lookUp("c3"), answer: { result: "no" } },
      { from: 12, to: 13, call: load, answer: loaded(2, "c") },
    ],
    verdict: "Illegal",
  },
  "an acknowledged commit is told not to be there": {
    of: [first, { from: 4, to: 5, call: lookUp("c1"), answer: { result: "no" } }],
    verdict: "Illegal",
  },
  "a commit is told to be there, and is not seen": {
    of: [
      first,
      lost,
      { from: 10, to: 11, call: lookUp("c3"), answer: { result: "yes" } },
      { from: 12, to: 13, call: load, answer: loaded(1, "a") },
    ],
    verdict: "Illegal",
  },
};

for (const [name, { of, verdict }] of Object.entries(histories))
  test(`M7.3 the checker takes a history as it is: ${name}`, async () => {
    const found = await checker.check(of.flatMap(linesOf));
    assert.equal(found.verdict, verdict, JSON.stringify(found));
    assert.equal(found.stuck !== undefined, verdict === "Illegal");
  });

test("M7.3 the checker judges each partition by itself, and many at once", async () => {
  const elsewhere = { partition: "placement:acme/db/iad" };
  const others = [first, rival].map((one) => ({ ...one, call: { ...one.call, ...elsewhere } }));
  const { verdict, partitions, operations } = await checker.check(
    [first, rival, ...others].flatMap(linesOf),
  );
  assert.deepEqual(
    { verdict, partitions, operations },
    { verdict: "Ok", partitions: 2, operations: 4 },
  );
});

function linesOf({ from, to, call, answer }: Operation, index: number): readonly string[] {
  const op = String(index);
  const lines = [{ op, partition: "placement:acme/web/iad", ...call, call: from }];
  return [...lines, ...(answer ? [{ op, ...answer, answer: to }] : [])].map((one) =>
    JSON.stringify(one),
  );
}
