import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cause } from "../../../src/core/model/cause.js";
import type { ServerState } from "../../../src/core/model/server.js";
import {
  bind,
  isCounted,
  isLeaving,
  isPending,
  leave,
  mayMove,
  move,
  type TransitionName,
  withCloud,
} from "../../../src/core/plan/lifecycle.js";
import { rowOf, serverOf, t0 } from "./fixtures.js";

const states: readonly ServerState[] = [
  "intended",
  "unconfirmed",
  "abandoned",
  "building",
  "launching",
  "inService",
  "standingBy",
  "draining",
  "deleting",
  "releasing",
  "gone",
];

/** The table once more, written from the states' comments and not from the code. */
const legal: Readonly<Record<TransitionName, { to: ServerState; from: readonly ServerState[] }>> = {
  bind: { to: "building", from: ["intended", "unconfirmed", "abandoned"] },
  lose: { to: "unconfirmed", from: ["intended"] },
  abandon: { to: "abandoned", from: ["unconfirmed"] },
  activate: { to: "launching", from: ["building"] },
  serve: { to: "inService", from: ["launching"] },
  drain: { to: "draining", from: ["launching", "inService", "standingBy"] },
  standBy: { to: "standingBy", from: ["inService"] },
  recall: { to: "launching", from: ["standingBy"] },
  return: { to: "inService", from: ["draining"] },
  delete: {
    to: "deleting",
    from: ["building", "launching", "inService", "standingBy", "draining", "abandoned"],
  },
  release: {
    to: "releasing",
    from: ["building", "launching", "inService", "standingBy", "draining", "deleting"],
  },
  end: { to: "gone", from: states.filter((state) => state !== "gone") },
};

describe("M3.2 a server's life", () => {
  for (const name of Object.keys(legal) as TransitionName[]) {
    for (const state of states) {
      const { to, from } = legal[name];
      const isLegal = from.includes(state);
      test(`${name} from ${state} ${isLegal ? `leads to ${to}` : "throws"}`, () => {
        const row = rowOf("1", state);
        assert.equal(mayMove(state, name), isLegal);
        if (!isLegal) {
          assert.throws(() => move(row, name, t0), new RegExp(`${name} from ${state}`));
          return;
        }
        const next = move(row, name, t0, { fault: "why" });
        assert.deepEqual(next, { ...row, state: to, sinceMs: t0, fault: "why" });
      });
    }
  }
});

describe("M3.2 rows", () => {
  test("B4.5 binding notes the cloud's id, status and address", () => {
    const row = bind(rowOf("1", "unconfirmed"), serverOf("1", { status: "BUILD" }), t0);
    assert.equal(row.state, "building");
    assert.equal(row.cloudId, "cloud-1");
    assert.equal(row.cloudStatus, "BUILD");
    assert.equal(row.cloudStatusSinceMs, t0);
    assert.deepEqual(row.address, { host: "10.0.0.1", port: 0 });
  });

  test("leaving keeps the first reason, and notes when each stage began", () => {
    const drained = leave(rowOf("1", "inService"), "drain", cause("B8.1", "REQUESTED"), t0);
    assert.equal(drained.drainingSinceMs, t0);
    const deleted = leave(drained, "delete", cause("B4.4", "SURPLUS"), t0 + 5);
    assert.equal(deleted.leaving?.code, "REQUESTED");
    assert.equal(deleted.drainingSinceMs, t0);
    assert.equal(deleted.deletingSinceMs, t0 + 5);
  });

  test("what says nothing new is the same object", () => {
    const row = rowOf("1", "inService", { fault: "old" });
    assert.equal(withCloud(row, serverOf("1"), t0), row);
    // An address that the cloud no longer tells (a cell is down) is kept: it is still the server's.
    const { address: _address, ...untold } = serverOf("1");
    assert.equal(withCloud(row, untold, t0), row);
  });

  test("a status' time starts when the status does, not with other news", () => {
    const row = rowOf("1", "inService");
    const moved = withCloud(row, serverOf("1", { address: { host: "10.9.9.9", port: 0 } }), t0);
    assert.equal(moved.cloudStatusSinceMs, row.cloudStatusSinceMs);
    assert.equal(moved.address?.host, "10.9.9.9");
    const stopped = withCloud(moved, serverOf("1", { status: "SHUTOFF" }), t0 + 1);
    assert.equal(stopped.cloudStatusSinceMs, t0 + 1);
  });

  test("B4.1 every state counts as one thing: pending, serving, leaving, or none", () => {
    const kinds = states.map((state) => {
      const row = rowOf("1", state);
      return `${state} ${isPending(row) ? "p" : ""}${isCounted(row) ? "c" : ""}${isLeaving(row) ? "l" : ""}`;
    });
    assert.deepEqual(kinds, [
      "intended pc",
      "unconfirmed pc",
      "abandoned ",
      "building pc",
      "launching pc",
      "inService c",
      "standingBy ",
      "draining l",
      "deleting l",
      "releasing l",
      "gone ",
    ]);
  });
});
