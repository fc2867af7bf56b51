import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  durationMsOf,
  readInstantMs,
  readLabel,
  readTargetChange,
} from "../../clients/cli/args.js";
import { allowsColors, plain } from "../../clients/cli/printer.js";
import { createProgress } from "../../clients/cli/progress.js";
import { receiptLines } from "../../clients/cli/receipts.js";
import { standingOf, waitWords } from "../../clients/cli/standing.js";
import { spanWords } from "../../clients/cli/words.js";
import { type Group, GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import { Outcome, ReceiptSchema } from "../../src/gen/muster/v1/receipt_pb.js";

describe("arguments", () => {
  test("durations are sums of their parts", () => {
    assert.equal(durationMsOf("90s"), 90_000);
    assert.equal(durationMsOf("1h30m"), 5_400_000);
    assert.equal(durationMsOf("1.5s"), 1_500);
    assert.equal(durationMsOf("250ms"), 250);
    const part = fc.tuple(fc.nat(999), fc.constantFrom("ms", "s", "m", "h", "d"));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const words = parts.map(([count, unit]) => `${count}${unit}`);
        const sumMs = words.reduce((sum, word) => sum + (durationMsOf(word) ?? Number.NaN), 0);
        assert.equal(durationMsOf(words.join("")), sumMs);
      }),
    );
    for (const text of ["", "5", "s", "-5s", "5 s", "5s ", "5S", "1e3s"]) {
      assert.equal(durationMsOf(text), undefined, text);
    }
  });

  test("a sign makes a change, no sign a target", () => {
    assert.deepEqual(readTargetChange("0"), { kind: "target", target: 0 });
    assert.deepEqual(readTargetChange("+2"), { kind: "change", change: 2 });
    assert.deepEqual(readTargetChange("-12"), { kind: "change", change: -12 });
    for (const text of ["", "+", "1.5", "+-1", "0x1", "1e2", "-0"]) {
      assert.throws(() => readTargetChange(text), { name: "InvalidArgumentError" }, text);
    }
  });

  test("labels keep everything behind the first =", () => {
    assert.deepEqual(readLabel("a=b=c", { x: "y" }), { x: "y", a: "b=c" });
    assert.deepEqual(readLabel("a="), { a: "" });
    assert.throws(() => readLabel("=b"));
  });

  test("instants are ISO or ages", () => {
    assert.equal(readInstantMs("2026-01-01T00:00:00Z"), Date.UTC(2026, 0, 1));
    assert.ok(readInstantMs("1h") <= Date.now() - 3_600_000);
    for (const text of ["yesterday", "1", "2026"]) assert.throws(() => readInstantMs(text));
  });
});

describe("words", () => {
  test("text from elsewhere cannot steer a terminal", () => {
    assert.equal(plain("a\u001b[2Jb\r\nc\u009b31m"), "a [2Jb c 31m");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.doesNotMatch(plain(text), /[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });

  test("colours only at a terminal, and never against NO_COLOR", () => {
    assert.equal(allowsColors({ isTTY: true }, {}), true);
    assert.equal(allowsColors({ isTTY: true }, { NO_COLOR: "1" }), false);
    assert.equal(allowsColors({ isTTY: true }, { TERM: "dumb" }), false);
    assert.equal(allowsColors({}, {}), false);
  });

  test("spans are told in the largest unit of which there are two", () => {
    const told = [-5, 400, 90_000, 120_000, 7_199_000, 7_200_000, 172_800_000].map(spanWords);
    assert.deepEqual(told, ["0s", "0s", "90s", "2m", "119m", "2h", "2d"]);
  });

  test("B11.1 a receipt names only the placements that moved", () => {
    const receipt = create(ReceiptSchema, {
      outcome: Outcome.APPLIED,
      oldTarget: 3,
      newTarget: 5,
      placements: [
        { colo: "iad", oldTarget: 2, newTarget: 4 },
        { colo: "ord", oldTarget: 1, newTarget: 1 },
      ],
    });
    assert.deepEqual(receiptLines("web", receipt), ["applied: web 3 → 5 (iad 2 → 4)"]);
  });
});

describe("how a group stands", () => {
  const placement = (colo: string, inService: number, holds: boolean) => ({
    colo,
    target: 2,
    inService,
    conditions: [
      { type: "converged", holds },
      { type: "waiting", holds: !holds, causes: [{ rule: "B4.6", message: "backs off" }] },
    ],
  });
  const group = (...placements: ReturnType<typeof placement>[]): Group =>
    create(GroupSchema, { name: "accounts/a/groups/web", status: { placements } });

  test("B4.9 converged only when every placement says so and has its target in service", () => {
    assert.equal(standingOf(group(placement("iad", 2, true))).converged, true);
    assert.equal(standingOf(group()).converged, false, "no status yet");
    assert.equal(standingOf(group(placement("iad", 1, true))).converged, false, "stale condition");
    const mixed = group(placement("iad", 2, true), placement("ord", 2, false));
    assert.equal(standingOf(mixed).converged, false);
    assert.equal(waitWords(mixed), "web: 4 of 4 in service; ord: waiting: B4.6: backs off");
  });
});

describe("progress", () => {
  const stream = (isTTY: boolean, columns = 24) => {
    const through = Object.assign(new PassThrough(), { isTTY, columns });
    Object.assign(through, { clearLine: () => true, cursorTo: () => true, moveCursor: () => true });
    return through as unknown as NodeJS.WriteStream & PassThrough;
  };

  test("a live line at a terminal", async () => {
    const stderr = stream(true);
    const progress = await createProgress({ stderr, env: { TERM: "xterm", NO_COLOR: "1" } });
    progress.update("web: 0 of 1 in service");
    progress.update("web: 1 of 1 in service, and more to say than fits");
    progress.stop();
    const written = String(stderr.read());
    assert.match(written, /web: 0 of 1 in servi…/);
    assert.doesNotMatch(written, /\n/, "one line only");
    assert.ok(written.includes("\u001b[?25h"), "the cursor is shown again");
  });

  test("plain lines otherwise, each once; also at a terminal without width", async () => {
    for (const stderr of [stream(false), stream(true, 0)]) {
      const progress = await createProgress({ stderr, env: {} });
      for (const line of ["one", "one", "two"]) progress.update(line);
      progress.stop();
      assert.equal(String(stderr.read()), "one\ntwo\n");
    }
  });
});
