import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyId } from "../../src/core/model/ids.js";
import type { PlacementDoc } from "../../src/core/model/placement.js";
import type { AlertState, PolicyAction } from "../../src/core/model/policy.js";
import type { ScaleAsk } from "../../src/core/model/scale-event.js";
import { createOccurrences } from "../../src/supervisor/schedules/occurrences.js";
import { createRandom } from "../simulation/virtual-clock.js";
import { createGroup, groupSpec, placed, policySpec, submit, view, web } from "./asks.js";
import { retell } from "./retold.js";
import { createSchedule, cron } from "./schedules/asks.js";
import { createWorld, type World } from "./world.js";

const seconds = (count: number) => count * 1_000;
const minutes = (count: number) => count * 60_000;

/** What a seed draws. */
function createDraw(seed: number) {
  const random = createRandom(seed);
  const below = (count: number) => Math.floor(random() * count);
  const oneOf = <Value>(...values: readonly Value[]): Value => values[below(values.length)]!;
  return { below, oneOf };
}
type Draw = ReturnType<typeof createDraw>;

const actions: Readonly<Record<string, (draw: Draw) => PolicyAction>> = {
  out: ({ oneOf }) => ({ kind: "change", change: oneOf(1, 2, 3) }),
  in: () => ({ kind: "percent", partsPerMillion: -300_000 }),
  load: () => ({
    ...{ kind: "steps", threshold: 0.8 },
    steps: [
      { lower: 0, upper: 0.1, action: { kind: "change", change: 1 } },
      { lower: 0.1, action: { kind: "percent", partsPerMillion: 250_000 } },
    ],
  }),
  cpu: ({ oneOf }) => ({
    ...{ kind: "tracking", metric: "cpu", target: 0.5, tolerancePartsPerMillion: 100_000 },
    stabilisationMs: seconds(oneOf(0, 120, 300)),
  }),
};

async function setUp(world: World, draw: Draw): Promise<void> {
  const { oneOf } = draw;
  const limit = oneOf({}, { scaleInLimit: { servers: 3, withinMs: minutes(5) } });
  const warmUp = { warmUpMs: seconds(oneOf(0, 0, 45)), cooldownMs: seconds(oneOf(0, 30, 90)) };
  await createGroup(
    world,
    groupSpec({ placements: [placed("iad", { min: 2, max: 30 })], ...limit, ...warmUp }),
  );
  for (const [id, of] of Object.entries(actions)) {
    // A key that is forgotten may make the others a majority: that is seen by whichever turn comes
    // next, and only a turn that does something is told. So here none is.
    const votes = oneOf(undefined, 510_000);
    const spec = policySpec({
      action: of(draw),
      cooldownMs: seconds(oneOf(0, 60, 180)),
      debounceMs: seconds(oneOf(0, 10, 60)),
      alert: {
        actsOn: oneOf("warning", "critical"),
        holdMs: seconds(oneOf(0, 0, 90)),
        // No multiple of a repeat: turns take milliseconds, and must not decide what ends first.
        timeToLiveMs: votes === undefined ? seconds(oneOf(125, 305, 605)) : minutes(60),
        repeatMs: seconds(oneOf(30, 60, 120)),
        repeatsMax: oneOf(0, 2, 10),
        ...(votes === undefined ? {} : { votesPartsPerMillion: votes }),
      },
    });
    const request = { key: web, policy: id as PolicyId, spec };
    await world.run(world.node().policies.create(request, world.caller));
  }
  const limits = oneOf({ floor: 9 }, { min: 6 }, { max: 7 });
  const window = { kind: "window", limits, durationMs: minutes(12) } as const;
  await createSchedule(world, { timing: cron("5 * * * *"), action: window }, "window");
  const target = { kind: "target", target: oneOf(4, 12) } as const;
  await createSchedule(world, { timing: cron("32 * * * *"), action: target }, "target");
  const policy = { kind: "policy", policy: "out" as PolicyId } as const;
  await createSchedule(world, { timing: cron("*/14 * * * *"), action: policy }, "policy");
}

function askFrom({ below, oneOf }: Draw): ScaleAsk {
  const kind = below(12);
  if (kind === 0) return { kind: "target", target: 2 + below(15) };
  if (kind === 1) return { kind: "change", change: oneOf(-2, 1, 3) };
  const policy = oneOf("out", "out", "in", "load", "cpu", "cpu") as PolicyId;
  if (kind === 2) return { kind: "policy", policy };
  const state = oneOf<AlertState>("ok", "warning", "critical", "critical", "unknown");
  const value = below(8) === 0 ? {} : { value: oneOf(0.1, 0.3, 0.45, 0.5, 0.7, 0.85, 0.95) };
  return { kind: "alert", policy, key: oneOf("a", "a", "b", "c"), state, ...value };
}

/** Most of an hour of a group's life, made by a seed. */
async function live(seed: number) {
  const draw = createDraw(seed);
  const fromMs = seconds(20 + draw.below(60));
  const cloud = { buildMs: { fromMs, toMs: fromMs + seconds(draw.below(40)) } };
  const world = await createWorld({ seed, cloud });
  await setUp(world, draw);
  const doc = await docOf(world);
  const endMs = world.clock.nowMs() + minutes(40);
  while (world.clock.nowMs() < endMs) {
    await world.clock.advance(seconds(1 + draw.below(draw.oneOf(20, 100))));
    await world.run(submit(world, askFrom(draw)));
  }
  await world.clock.advance(seconds(200));
  const { group } = await view(world);
  const page = { key: web, pageSize: 100 };
  const { items } = await world.run(world.node().policies.list(page, world.caller));
  // The node that made them has them in that order.
  const policies = items.toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  const found = await world.run(world.node().schedules.list(page, world.caller));
  const schedules = found.items.map(({ schedule }) => schedule);
  const next = createOccurrences();
  return { group, policies, schedules, next, doc, events: await world.events() };
}

async function docOf(world: World): Promise<PlacementDoc> {
  const partition = { scope: "placement", key: "acme/web/iad" } as const;
  const { rows } = await world.run(world.store.load(partition, ["doc"], world.caller));
  return JSON.parse(rows[0]!.value) as PlacementDoc;
}

for (const seed of Array.from({ length: 4 }, (_, index) => index + 1))
  test(`B2 B3 B7 a simulation decides as the supervisor decided (seed ${seed})`, async () => {
    const compared = retell(await live(seed));
    assert.ok(compared > 50, `${compared} decisions`);
  });
