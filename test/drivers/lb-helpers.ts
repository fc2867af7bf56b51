import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Ajv } from "ajv";
import { OutsideFault } from "../../src/core/errors/outside-fault.js";
import type { LoadBalancerId } from "../../src/core/model/ids.js";
import type { DriverHost } from "../../src/core/ports/driver.js";
import type { LoadBalancerRef } from "../../src/core/ports/load-balancer.js";
import type { Log, LogFields } from "../../src/core/ports/log.js";
import { createSystemClock, createSystemIds } from "../../src/drivers/clock-system/index.js";

/** A load balancer, as asked for an account of no matter. */
export function refOf(id: LoadBalancerId): LoadBalancerRef {
  return { account: "acme", id };
}

export function isOutside(error: unknown, kind: string): asserts error is OutsideFault {
  assert.ok(error instanceof OutsideFault, `threw ${String(error)}, not an OutsideFault`);
  assert.equal(error.kind, kind, error.message);
}

export function outside(kind: string) {
  return (error: unknown) => {
    isOutside(error, kind);
    return true;
  };
}

interface WithSchema {
  readonly optionsSchema: Readonly<Record<string, unknown>>;
}

function validates({ optionsSchema }: WithSchema, options: unknown): boolean {
  return new Ajv({ strict: true, strictTypes: false }).validate(optionsSchema, options);
}

export function assertOptionsTaken(definition: WithSchema, options: unknown): void {
  assert.ok(validates(definition, options), `refused ${JSON.stringify(options)}`);
}

export function assertOptionsRefused(definition: WithSchema, options: unknown): void {
  assert.ok(!validates(definition, options), `took ${JSON.stringify(options)}`);
}

export async function makeFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "muster-lb-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A log whose lines a test can read. */
export function createListLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const add = (_fields: LogFields, message: string) => void lines.push(message);
  return { lines, info: add, warn: add, error: add, debug: add };
}

/** Drivers that take no credentials find none. */
const none: DriverHost["credentials"] = { of: async () => undefined };

export function createHost(dataDir: string, log: Log = createListLog()): DriverHost {
  const [clock, ids] = [createSystemClock(), createSystemIds()];
  return { clock, ids, log, dataDir, installation: "test", colo: "here", credentials: none };
}

/** Waits for what happens in sockets, which no event tells of. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const lookAgainMs = 10;
  for (let waitedMs = 0; !(await holds()); waitedMs += lookAgainMs) {
    assert.ok(waitedMs < 20_000, `not in time: ${what}`);
    await wait(lookAgainMs);
  }
}
