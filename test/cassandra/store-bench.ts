import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Commit, Store } from "../../src/core/ports/store.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import type { StoreBench } from "../contract/store-harness.js";
import { patientCall } from "../contract/store-samples.js";
import { createRunningClock } from "../drivers/running-clock.js";
import { firstNode, type Home, makeHome } from "./bed.js";
import { openLink } from "./link.js";

const healMsMax = 20_000;
let home: Home | undefined;

/**
 * Two stores on one keyspace, the same for every bench: what is to be lost goes through one whose
 * way to Cassandra breaks. Half of those are lost before Cassandra took them, half after.
 */
export async function openStoreBench(): Promise<StoreBench> {
  home ??= await makeHome();
  const kept = home;
  const clock = createRunningClock();
  const colo = firstNode.dataCenter;
  const link = await openLink();
  const store = await createCassandraStore({ ...kept, colo, clock });
  let fragile: Promise<Store> | undefined;
  let count = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const lose = async (commit: Commit): Promise<unknown> => {
    const contactPoints = [link.address];
    fragile ??= createCassandraStore({ ...kept, contactPoints, colo, clock });
    const broken = await fragile;
    await untilAnswers(broken);
    link.lose(commit.commitId, count++ % 2 === 0 ? "before" : "after");
    const error = await broken.commit(commit, patientCall()).then(
      () => assert.fail("its answer was to be lost"),
      (reason: unknown) => reason,
    );
    link.heal();
    return error;
  };

  return {
    store,
    nowMs: () => clock.nowMs(),
    advance: (ms) => clock.advance(ms),
    commitLosingAnswer(commit) {
      // One at a time: the link breaks for all that is on it.
      const mine = turn.then(() => lose(commit));
      turn = mine.catch(() => undefined);
      return mine;
    },
    answersLost: () => link.lost,
    async dispose() {
      await store.close();
      await (await fragile)?.close();
      await link.close();
      await kept.empty();
    },
  };
}

/** After the last bench. */
export async function removeHome(): Promise<void> {
  await home?.remove();
}

async function untilAnswers(store: Store): Promise<void> {
  for (const startMs = Date.now(); ; await sleep(20)) {
    const answers = await store.feedHead(patientCall()).then(
      () => true,
      () => false,
    );
    if (answers) return;
    assert.ok(Date.now() - startMs < healMsMax, "the link was healed, and nobody uses it");
  }
}
