import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, ColoId, GroupId, PlacementKey } from "../../src/core/model/ids.js";
import { createSuspicions } from "../../src/supervisor/colo/suspicions.js";
import { createVirtualClock } from "../simulation/virtual-clock.js";

const keyOf = (account: string, group = "web"): PlacementKey => ({
  account: account as AccountId,
  group: group as GroupId,
  colo: "iad" as ColoId,
});

/** What others of the colo suspect, after these groups' plans. */
function suspicionsOf(noted: readonly (readonly [string, string, number, number])[]) {
  const suspicions = createSuspicions(createVirtualClock());
  for (const [account, group, known, suspected] of noted)
    suspicions.note(keyOf(account, group), { known, suspected });
  return suspicions;
}

test("B9.2 one tenant's broken health check is that tenant's own", () => {
  const suspicions = suspicionsOf([
    ["broken", "web", 500, 500],
    ["acme", "web", 100, 2],
    ["globex", "web", 100, 0],
  ]);
  assert.deepEqual(suspicions.elsewhere(keyOf("acme")), {
    ...{ known: 100, suspected: 0, suspectedOfOtherAccounts: 0 },
  });
  suspicions.note(keyOf("globex"), { known: 100, suspected: 1 });
  assert.deepEqual(suspicions.elsewhere(keyOf("acme")), {
    ...{ known: 100, suspected: 1, suspectedOfOtherAccounts: 1 },
  });
  suspicions.note(keyOf("broken"), { known: 500, suspected: 0 });
  assert.deepEqual(suspicions.elsewhere(keyOf("acme")), {
    ...{ known: 500, suspected: 0, suspectedOfOtherAccounts: 0 },
  });
});

test("B9.2 nor does a broken group hold its own account's others", () => {
  const suspicions = suspicionsOf([
    ["acme", "broken", 500, 500],
    ["acme", "web", 100, 2],
    ["globex", "web", 100, 1],
  ]);
  assert.deepEqual(suspicions.elsewhere(keyOf("acme")), {
    ...{ known: 100, suspected: 1, suspectedOfOtherAccounts: 1 },
  });
});

test("B9.2 what several accounts suspect is told, but for the one that suspects most", () => {
  const suspicions = suspicionsOf([
    ["a", "web", 100, 40],
    ["b", "web", 100, 30],
    ["b", "api", 50, 0],
    ["c", "web", 100, 30],
    ["acme", "web", 10, 2],
  ]);
  assert.deepEqual(suspicions.elsewhere(keyOf("acme")), {
    ...{ known: 250, suspected: 60, suspectedOfOtherAccounts: 60 },
  });
});
