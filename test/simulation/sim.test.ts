import assert from "node:assert/strict";
import { test } from "node:test";
import { outsideFaultOf } from "../../src/core/errors/outside-fault.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import { drawScenario } from "./draw.js";
import { runScenario } from "./run.js";
import type { Action, Scenario } from "./scenario.js";
import { shrink } from "./shrink.js";
import { sayStory, tell } from "./story.js";

/** A few groups for a few minutes: what a scenario shows need not be long. */
function small(seed: number): Scenario {
  const { groups, actions, ...rest } = drawScenario(seed);
  const durationMs = 240_000;
  const kept = groups.slice(0, 4);
  const names = new Set(kept.map(({ account, group }) => `${account}/${group}`));
  const soon = actions.filter((one) => one.atMs < durationMs);
  const about = soon.filter((one) => !("group" in one) || names.has(one.group));
  return { ...rest, durationMs, groups: kept, actions: about };
}

/** The mistake of many: a create that was not answered is simply asked for again. */
function asksAgain(driver: CloudDriver): CloudDriver {
  return {
    ...driver,
    async createServer(request, call) {
      try {
        return await driver.createServer(request, call);
      } catch (error) {
        if (!outsideFaultOf(error).ambiguous) throw error;
        return await driver.createServer(request, call);
      }
    },
  };
}

test("M8.1 the same seed tells the same story, word for word", async () => {
  const scenario = small(3);
  const [one, other] = [await tell(scenario), await tell(scenario)];
  assert.ok(one.lines.length > 50, `${one.lines.length} lines`);
  assert.equal(sayStory(scenario, one, true), sayStory(scenario, other, true));
  assert.deepEqual(one.outcome, other.outcome);
  // As when a seed's number comes as a message from another process.
  const third = await new Promise<typeof one>((resolve, reject) => {
    setImmediate(() => tell(scenario).then(resolve, reject));
  });
  assert.equal(sayStory(scenario, third, true), sayStory(scenario, one, true));
});

test("M6.1 a planted bug is found, told, found again, and shrunk to what it takes", async () => {
  const { colos, groups, ...rest } = small(5);
  const colo = colos[0]!.id;
  const lost: Action = {
    ...({ atMs: 100_000, kind: "cloud", label: "answerLost" } as const),
    ...{ colo, share: 1, forMs: 60_000, fault: { kind: "answerLost", on: "create" } },
  };
  const scenario: Scenario = {
    ...{ ...rest, colos, groups },
    actions: [
      ...rest.actions,
      lost,
      ...groups.map(({ account, group, placements }, index) => ({
        ...({
          atMs: 110_000 + index,
          kind: "target",
          group: `${account}/${group}`,
          via: 0,
        } as const),
        ...{ target: placements[0]!.max, twice: false },
      })),
    ].toSorted((a, b) => a.atMs - b.atMs),
  };
  const sabotage = asksAgain;
  assert.deepEqual((await runScenario(scenario)).findings, []);
  const story = await tell(scenario, { sabotage });
  const found = story.outcome.findings[0]!;
  assert.equal(found.id, "I5");
  assert.match(sayStory(scenario, story), /BROKEN I5 .*an intention becomes one server/);
  assert.deepEqual((await runScenario(scenario, { sabotage })).findings[0], found);

  const fails = async (smaller: Scenario) =>
    (await runScenario(smaller, { sabotage })).findings[0]?.id === found.id;
  const smallest = await shrink(scenario, { fails, triesMax: 80 });
  assert.ok(await fails(smallest));
  const kinds = smallest.actions.map((one) => one.kind).toSorted();
  assert.deepEqual(kinds, ["cloud", "target"], "the fault, and who needed a server");
  assert.equal(smallest.groups.length, 1);
  assert.equal(smallest.nodes.length, 1);
});
