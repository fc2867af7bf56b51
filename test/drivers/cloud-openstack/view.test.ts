import assert from "node:assert/strict";
import { test } from "node:test";
import { meaningOf } from "../../../src/core/plan/cloud-status.js";
import { addressNetworkKey, marksOf } from "../../../src/drivers/cloud-openstack/ownership.js";
import { type NovaServer, viewOf } from "../../../src/drivers/cloud-openstack/view.js";

const created = "2026-01-02T03:04:05Z";
const base: NovaServer = { id: "5d6c", name: "web-1", status: "ACTIVE", created };
const view = (more: Partial<NovaServer>) => viewOf({ ...base, ...more }, "here");
const fixed = (addr: string, version = 4) => ({ addr, version, "OS-EXT-IPS:type": "fixed" });

test("B4.2 a server is told in Nova's words, and what there is not is left out", () => {
  assert.deepEqual(
    view({ "OS-EXT-STS:task_state": null, host_status: "", metadata: {}, tags: [] }),
    { id: "5d6c", name: "web-1", status: "ACTIVE", createdAtMs: Date.UTC(2026, 0, 2, 3, 4, 5) },
  );
  const busy = view({ "OS-EXT-STS:task_state": "deleting", host_status: "DOWN" });
  assert.equal(busy.taskState, "deleting");
  assert.equal(busy.hostStatus, "DOWN");
  assert.equal(meaningOf(busy), "going");
});

test("B4.2 a server of a cell that is down is UNKNOWN, without a name, and no error", () => {
  const told = viewOf({ id: "5d6c", status: "UNKNOWN", created }, "here");
  assert.deepEqual(Object.keys(told).sort(), ["createdAtMs", "id", "name", "status"]);
  assert.equal(meaningOf(told), "unknown");
});

test("B4.9 an ERROR server's fault is its reason, and no room is told apart (B4.7)", () => {
  const failed = (message: string) => view({ status: "ERROR", fault: { message } });
  const noRoom = "No valid host was found. There are not enough hosts available.";
  assert.deepEqual([failed(noRoom).fault, failed(noRoom).faultKind], [noRoom, "noCapacity"]);
  const late = "Insufficient compute resources: Requested instance NUMA topology cannot fit.";
  assert.equal(failed(late).faultKind, "noCapacity");
  const other = "Build of instance 5d6c aborted: image is corrupt";
  assert.deepEqual([failed(other).fault, failed(other).faultKind], [other, undefined]);
  assert.equal(view({ status: "ERROR" }).fault, undefined); // As after os-resetState.
});

test("M4.1 the address is the first network's fixed one, IPv4 before IPv6", () => {
  const floating = { addr: "203.0.113.9", version: 4, "OS-EXT-IPS:type": "floating" };
  const addresses = {
    empty: [],
    front: [floating, fixed("2001:db8::5", 6), fixed("10.0.0.5")],
    back: [fixed("10.9.0.5")],
    six: [fixed("2001:db8::6", 6)],
  };
  assert.deepEqual(view({ addresses }).address, { host: "10.0.0.5", port: 0 });
  const named = (network: string) =>
    view({ addresses, metadata: { [addressNetworkKey]: network } }).address?.host;
  assert.equal(named("back"), "10.9.0.5");
  assert.equal(named("six"), "2001:db8::6");
  assert.equal(named("none of them"), undefined);
  assert.equal(view({ addresses: { front: [floating] } }).address, undefined);
});

test("M3.2 what a server carries makes it ours", () => {
  const ownership = {
    ...{ installation: "here", account: "acme", group: "web", colo: "iad" },
    ...{ server: "srv-1", launchRevision: 3 },
  };
  assert.deepEqual(view(marksOf(ownership)).ownership, ownership);
  assert.equal(view({ metadata: { role: "web" } }).ownership, undefined);
});
