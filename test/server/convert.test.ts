import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { AccountId, ColoId, GroupId, ServerId } from "../../src/core/model/ids.js";
import type { ServerRow } from "../../src/core/model/server.js";
import { GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import { PolicySchema } from "../../src/gen/muster/v1/policy_pb.js";
import { etagOf, generationOf } from "../../src/server/etag.js";
import { readGroupSpec } from "../../src/server/from-wire/group.js";
import { readPolicySpec } from "../../src/server/from-wire/policy.js";
import { writeGroupSpec } from "../../src/server/to-wire/group.js";
import { writePolicySpec } from "../../src/server/to-wire/policy.js";
import { writeServer } from "../../src/server/to-wire/server.js";
import { createCursorSeal, readPageToken, writePageToken } from "../../src/server/tokens.js";
import { createRequestValidator } from "../../src/server/validate.js";
import type { GroupSpec, PolicySpec } from "../../src/supervisor/api.js";

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const ms = (max: number) => fc.integer({ min: 0, max });
const words = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), text, { maxKeys: 3 });

/** Never empty: without any, the field is not there. */
const listOf = (maxLength: number) =>
  fc.uniqueArray(
    text.filter((one) => /\S/u.test(one)),
    { minLength: 1, maxLength },
  );

const limits = (by: "servers" | "partsPerMillion", max: number) =>
  fc.record({
    [by]: fc.integer({ min: 1, max }),
    withinMs: fc.integer({ min: 60_000, max: 86_400_000 }),
  });

const groupSpecs: fc.Arbitrary<GroupSpec> = fc.record({
  displayName: text.filter((name) => /\S/u.test(name)),
  labels: words,
  placements: fc.uniqueArray(
    fc
      .record({
        colo: fc.constantFrom("iad", "lon", "fra"),
        min: ms(1_000),
        more: ms(1_000),
        weight: ms(1_000),
        attachments: fc.uniqueArray(
          fc.record({
            loadBalancer: text,
            port: ms(65_535),
            weight: fc.integer({ min: 1, max: 256 }),
            drainTimeoutMs: ms(3_600_000),
          }),
          { maxLength: 5, selector: ({ loadBalancer, port }) => `${loadBalancer} ${port}` },
        ),
      })
      .map(({ more, ...rest }) => ({ ...rest, max: rest.min + more })),
    { minLength: 1, maxLength: 3, selector: ({ colo }) => colo },
  ),
  launch: fc
    .record(
      {
        image: text,
        flavor: text,
        userData: fc.string({ unit: "grapheme" }),
        metadata: words,
        parameters: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(text, fc.boolean())),
        fallbackFlavors: listOf(8),
        availabilityZones: listOf(16),
      },
      { requiredKeys: ["image", "flavor", "userData", "metadata", "parameters"] },
    )
    .filter(({ flavor, fallbackFlavors }) => !fallbackFlavors?.includes(flavor)),
  cooldownMs: ms(86_400_000),
  warmUpMs: ms(86_400_000),
  buildTimeoutMs: fc.integer({ min: 1_000, max: 86_400_000 }),
  stoppedGraceMs: ms(86_400_000),
  stoppedServers: fc.constantFrom("replace", "keep"),
  scaleInOrder: fc.constantFrom("oldestFirst", "newestFirst", "oldestLaunchFirst"),
  surge: ms(2_000),
  scaleInLimit: fc.oneof(limits("servers", 32_000), limits("partsPerMillion", 1_000_000)),
}) as unknown as fc.Arbitrary<GroupSpec>;

const fixedActions = fc.oneof(
  fc.record({ kind: fc.constant("change"), change: fc.integer({ min: 1, max: 32_000 }) }),
  fc.record({
    kind: fc.constant("percent"),
    partsPerMillion: fc.integer({ min: -(10 ** 10), max: 10 ** 10 }).filter((ppm) => ppm !== 0),
  }),
  fc.record({ kind: fc.constant("exact"), capacity: ms(32_000) }),
);

/** Two steps on either side of the threshold, in either order. */
const stepsActions = fc
  .record({
    threshold: fc.double({ noNaN: true, noDefaultInfinity: true }),
    bound: fc.integer({ min: 1, max: 1_000 }),
    actions: fc.tuple(fixedActions, fixedActions),
    isBelow: fc.boolean(),
    isTurned: fc.boolean(),
  })
  .map(({ threshold, bound, actions: [near, far], isBelow, isTurned }) => {
    const steps = isBelow
      ? [
          { lower: -bound, upper: 0, action: near },
          { upper: -bound, action: far },
        ]
      : [
          { lower: 0, upper: bound, action: near },
          { lower: bound, action: far },
        ];
    return { kind: "steps", threshold, steps: isTurned ? steps.toReversed() : steps };
  });

const trackingActions = fc.record({
  kind: fc.constant("tracking"),
  metric: text.filter((name) => /\S/u.test(name)),
  target: fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true }),
  tolerancePartsPerMillion: ms(500_000),
  stabilisationMs: ms(86_400_000),
});

const policySpecs: fc.Arbitrary<PolicySpec> = fc.record({
  displayName: text.filter((name) => /\S/u.test(name)),
  action: fc.oneof(fixedActions, stepsActions, trackingActions),
  cooldownMs: ms(86_400_000),
  debounceMs: ms(3_600_000),
  alert: fc.record(
    {
      actsOn: fc.constantFrom("warning", "critical"),
      holdMs: ms(86_400_000),
      timeToLiveMs: fc.integer({ min: 1_000, max: 604_800_000 }),
      repeatMs: fc.integer({ min: 1_000, max: 86_400_000 }),
      repeatsMax: ms(1_000),
      votesPartsPerMillion: fc.integer({ min: 1, max: 1_000_000 }),
    },
    { requiredKeys: ["actsOn", "holdMs", "timeToLiveMs", "repeatMs", "repeatsMax"] },
  ),
}) as unknown as fc.Arbitrary<PolicySpec>;

const validator = createRequestValidator();
/** Maps of messages and of specs differ in their prototypes only. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

test("B1.3 a stored group survives its way over the wire, and is legal there", () => {
  fc.assert(
    fc.property(groupSpecs, (spec) => {
      const wire = fromBinary(GroupSchema, toBinary(GroupSchema, writeGroupSpec(spec)));
      assert.deepEqual(validator.violationsOf(GroupSchema, wire), []);
      assert.deepEqual(plain(readGroupSpec(wire)), plain(spec));
    }),
    { numRuns: 200 },
  );
});

test("B4.7 B1.7 a group from before there were fallbacks and zones is read as it was stored", () => {
  const [stored] = fc.sample(groupSpecs, { numRuns: 1, seed: 4 });
  const { fallbackFlavors: _, availabilityZones: __, ...launch } = stored!.launch;
  const old = { ...stored!, launch };
  const read = readGroupSpec(fromBinary(GroupSchema, toBinary(GroupSchema, writeGroupSpec(old))));
  // Edits compare the text: it must not look as if the launch configuration were another.
  assert.equal(JSON.stringify(read.launch), JSON.stringify(launch));
});

test("B4.7 a server tells what it was asked for as; one of an older version tells nothing", () => {
  const key = { account: "acme" as AccountId, group: "web" as GroupId };
  const tell = (more: Pick<ServerRow, "choice">) => {
    const row: ServerRow = {
      ...{ id: "s1" as ServerId, state: "intended", sinceMs: 0, createdAtMs: 0 },
      ...{ launchRevision: 1, attempt: { id: "a", callDeadlineMs: 0 } },
      ...{ memberships: [], protected: false, ...more },
    };
    const { flavor, availabilityZone } = writeServer(key, { colo: "iad" as ColoId, row });
    return [flavor, availabilityZone];
  };
  assert.deepEqual(tell({ choice: { flavor: "small", zone: "z1" } }), ["small", "z1"]);
  assert.deepEqual(tell({ choice: { flavor: "large" } }), ["large", ""]);
  assert.deepEqual(tell({}), ["", ""]);
});

test("B2.3 a stored policy survives its way over the wire: percent stay exact", () => {
  fc.assert(
    fc.property(policySpecs, (spec) => {
      const wire = fromBinary(PolicySchema, toBinary(PolicySchema, writePolicySpec(spec)));
      assert.deepEqual(validator.violationsOf(PolicySchema, wire), []);
      assert.deepEqual(plain(readPolicySpec(wire)), plain(spec));
    }),
    { numRuns: 300 },
  );
});

test("B2.3 percent with at most 4 decimals become whole parts per million", () => {
  const read = (value: number) =>
    readPolicySpec(create(PolicySchema, { action: { case: "changePercent", value } })).action;
  const cases = [
    [50, 500_000],
    [0.1, 1_000],
    [-5, -50_000],
    [33.3333, 333_333],
    [0.0001, 1],
    [1.005, 10_050],
    [999_999.9999, 9_999_999_999],
  ] as const;
  for (const [percent, partsPerMillion] of cases)
    assert.deepEqual(read(percent), { kind: "percent", partsPerMillion });
  fc.assert(
    fc.property(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), (fiveDecimals) => {
      const decimal = Number(`${fiveDecimals}e-5`);
      if (fiveDecimals % 10 === 0)
        assert.deepEqual(read(decimal), { kind: "percent", partsPerMillion: fiveDecimals / 10 });
      else assert.throws(() => read(decimal), /at most 4 decimals/);
    }),
  );
});

test("B1.4 tokens and cursors are read back for their own filter only", () => {
  fc.assert(
    fc.property(text, text, text, (method, other, after) => {
      fc.pre(method !== other);
      const token = writePageToken([method, "acme"], after);
      assert.equal(readPageToken([method, "acme"], token), after);
      assert.throws(() => readPageToken([other, "acme"], token), /not of this method/);
      assert.throws(() => readPageToken([method, "acme", 1], token), /not of this method/);
      const cursor = createCursorSeal([method]).write(after);
      assert.equal(createCursorSeal([method]).read(cursor), after);
      assert.throws(() => createCursorSeal([other]).read(cursor), /not of a stream/);
      assert.throws(() => readPageToken([method], after), /not of this method/);
    }),
  );
});

test("B1.3 an etag is the generation, and nothing else reads as one", () => {
  fc.assert(
    fc.property(fc.nat(), fc.string(), (generation, noise) => {
      assert.equal(generationOf(etagOf(generation)), generation);
      fc.pre(noise !== "" && !/^"[0-9a-z]+"$/.test(noise));
      assert.equal(generationOf(noise), -1);
    }),
  );
  assert.equal(generationOf(""), undefined);
});
