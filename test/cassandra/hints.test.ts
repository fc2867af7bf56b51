import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Hint } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createPlaces } from "../../src/drivers/store-cassandra/hint-places.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import { tablesOf } from "../../src/drivers/store-cassandra/schema.js";
import { countTo, patientCall } from "../contract/store-samples.js";
import { firstNode, makeHome } from "./bed.js";

/** More than Cassandra reads past in one slice, with its defaults. */
const goneMax = 101_000;
const atOnce = 500;
const call = patientCall();

describe("busy indexes in Cassandra", async () => {
  const home = await makeHome();
  const clock = createSystemClock();
  const store = await createCassandraStore({ ...home, colo: firstNode.dataCenter, clock });
  after(async () => {
    await store.close();
    await home.remove();
  });

  test("B4.9 an index is listed whatever came and went there since a moment ago", async () => {
    const index = "asked/iad";
    const hintOf = (number: number): Hint => ({ index, key: `acme/group-${number}`, value: "" });
    const stays = { index, key: "acme/stays", value: "" };
    await store.putHints([stays], call);
    for (let first = 0; first < goneMax; first += atOnce) {
      const hints = countTo(atOnce).map((number) => hintOf(first + number));
      await store.putHints(hints, call);
      await store.deleteHints(hints, call);
    }
    assert.deepEqual(await store.listHints({ index, afterKey: "", hintsMax: 100 }, call), [stays]);
  });

  test("B4.9 an index is listed in order where most of it lies in one shard", async () => {
    const index = "due/iad/0";
    const places = createPlaces(tablesOf(home.keyspace));
    const [alike, others] = [0, 1].map((rest) =>
      countTo(3_000)
        .map((number) => `${10_000 + number}/acme/web`)
        .filter((key) => Number(places.of(index, key).at[1] !== 3) === rest),
    );
    const keys = [...alike!, ...others!.slice(0, 40)].sort();
    assert.ok(alike!.length > 2 * 40);
    await store.putHints(
      keys.map((key) => ({ index, key, value: "" })),
      call,
    );
    for (const hintsMax of [3, 50, 1_000]) {
      const found: string[] = [];
      for (let page: readonly Hint[] = []; ; ) {
        page = await store.listHints({ index, afterKey: found.at(-1) ?? "", hintsMax }, call);
        found.push(...page.map(({ key }) => key));
        if (page.length < hintsMax) break;
      }
      assert.deepEqual(found, keys);
    }
  });
});
