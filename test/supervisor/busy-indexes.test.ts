import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, ColoId } from "../../src/core/model/ids.js";
import { isBusyIndex } from "../../src/core/ports/store.js";
import {
  accountIndex,
  askedIndex,
  dueIndex,
  groupIndex,
  measuredIndex,
  notifierIndex,
  orphanIndex,
  placementIndex,
  webhookIndex,
  workIndex,
} from "../../src/supervisor/placements/hints.js";

const colo = "iad" as ColoId;
const account = "acme" as AccountId;

test("B4.9 stores are told which indexes' hints come and go all day", () => {
  const busy = [workIndex(colo), askedIndex(colo), dueIndex(colo, 7)];
  assert.deepEqual(busy.filter(isBusyIndex), busy);
  const quiet = [
    ...[placementIndex(colo), accountIndex(colo), groupIndex(account)],
    ...[orphanIndex({ account, colo }), webhookIndex("0123"), measuredIndex, notifierIndex],
  ];
  assert.deepEqual(quiet.filter(isBusyIndex), []);
});
