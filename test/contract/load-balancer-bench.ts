import assert from "node:assert/strict";
import type { NetConnectOpts } from "node:net";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { outsideFaultOf } from "../../src/core/errors/outside-fault.js";
import type { LoadBalancerId } from "../../src/core/model/ids.js";
import type { Member } from "../../src/core/model/server.js";
import type { Call } from "../../src/core/ports/call.js";
import type {
  LoadBalancerDriver,
  LoadBalancerRef,
  MemberChange,
} from "../../src/core/ports/load-balancer.js";
import {
  type Backend,
  type Client,
  connectClient,
  startTcpBackend,
} from "./load-balancer-backend.js";

export interface LoadBalancerSubject {
  readonly driver: LoadBalancerDriver;
  readonly loadBalancer: LoadBalancerId;
  /** For whom it is asked. Default: an account that the driver need not know. */
  readonly account?: string;
  /**
   * Closes the driver and opens another that talks to the same load balancer. Absent where
   * membership ends with the driver.
   */
  readonly reopen?: () => Promise<LoadBalancerDriver>;
  /** Makes a member past the driver, as others do. Absent where nobody else can. */
  readonly addForeign?: (host: string, port: number) => Promise<void>;
  /** Large changes are put off half-way with `conflict`; they are asked for again, as Muster does. */
  readonly putsOff?: true;
  /** How many are a large batch here, by fours. Default: 200. */
  readonly manyMembers?: number;
  /** Where clients connect. Absent where no traffic flows. */
  readonly address?: NetConnectOpts;
  /** What a member stands for. Default: a TCP server on loopback. */
  readonly startBackend?: () => Promise<Backend>;
  /** Lets time pass, where it does not pass by itself. */
  readonly pass?: (ms: number) => Promise<void>;
  /** Closes everything, the driver of `reopen` too. */
  close(): Promise<void>;
}

/** How long a load balancer may take to notice something. */
const noticeMsMax = 20_000;
const lookAgainMs = 25;
const triesMax = 20;

/** What the cases work with. */
export interface Bench {
  readonly subject: LoadBalancerSubject;
  readonly call: Call;
  readonly ref: LoadBalancerRef;
  driver(): LoadBalancerDriver;
  change(...changes: readonly MemberChange[]): Promise<void>;
  list(): Promise<readonly Member[]>;
  /** The members by address, without what changes by itself. */
  members(): Promise<readonly Entry[]>;
  reopen(open: () => Promise<LoadBalancerDriver>): Promise<void>;
  startBackend(): Promise<Backend>;
  /** A backend that is a member and takes traffic. */
  startReady(wanted: Wanted): Promise<Backend>;
  client(): Promise<Client>;
  /** Which backends greet so many clients, one after the other. */
  portsOf(clients: number): Promise<readonly number[]>;
  eventually(what: string, holds: () => Promise<boolean>): Promise<void>;
  skip(why: string): void;
  close(): Promise<void>;
}

export function createBench(subject: LoadBalancerSubject, t: TestContext): Bench {
  let driver = subject.driver;
  const call: Call = { signal: t.signal };
  const backends: Backend[] = [];
  const clients: Client[] = [];
  const { pass = wait } = subject;
  const ref = { account: subject.account ?? "acme", id: subject.loadBalancer };

  const bench: Bench = {
    subject,
    call,
    ref,
    driver: () => driver,
    async change(...changes) {
      for (let tries = 1; ; tries++) {
        try {
          return await driver.changeMembers(ref, changes, call);
        } catch (error) {
          const { kind, retryAfterMs = lookAgainMs } = outsideFaultOf(error);
          if (!subject.putsOff || kind !== "conflict" || tries === triesMax) throw error;
          await pass(retryAfterMs);
        }
      }
    },
    list: () => driver.listMembers(ref, call),
    members: async () => sorted((await bench.list()).map(entryOf)),
    async reopen(open) {
      driver = await open();
    },
    async startBackend() {
      const backend = await (subject.startBackend ?? startTcpBackend)();
      backends.push(backend);
      return backend;
    },
    async startReady(wanted) {
      const backend = await bench.startBackend();
      await bench.change(putBackend(backend, wanted));
      const ready = ({ health }: Member) =>
        health === "healthy" || !driver.capabilities.checksHealth;
      await bench.eventually("ready", async () =>
        (await bench.list()).some((member) => at(backend)(member) && ready(member)),
      );
      return backend;
    },
    async client() {
      assert.ok(subject.address);
      const client = await connectClient(subject.address);
      assert.ok(client, "the load balancer refused a connection");
      clients.push(client);
      return client;
    },
    async portsOf(count) {
      const ports: number[] = [];
      for (let index = 0; index < count; index++) {
        const client = await bench.client();
        ports.push(client.port);
        await client.close();
      }
      return ports;
    },
    async eventually(what, holds) {
      for (let waitedMs = 0; !(await holds()); waitedMs += lookAgainMs) {
        assert.ok(waitedMs < noticeMsMax, `not ${what} within ${noticeMsMax} ms`);
        await pass(lookAgainMs);
      }
    },
    skip: (why) => t.skip(why),
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      await Promise.all(backends.map((backend) => backend.close()));
    },
  };
  return bench;
}

/** A member's settings, without health and connections. */
export type Entry = Omit<Member, "health" | "connections">;

export interface Wanted {
  readonly weight?: number;
  readonly draining?: boolean;
}

export const memberPort = 8_080;

/** From TEST-NET-1: nobody answers there. */
export function hostOf(index: number): string {
  return `192.0.2.${index}`;
}

export function entry(index: number, { weight = 1, draining = false }: Wanted = {}): Entry {
  return { host: hostOf(index), port: memberPort, weight, draining };
}

function entryOf({ host, port, weight, draining }: Member): Entry {
  return { host, port, weight, draining };
}

export function put(index: number, wanted: Wanted = {}): MemberChange & { readonly kind: "put" } {
  return { kind: "put", ...entry(index, wanted) };
}

export function remove(index: number): MemberChange {
  return { kind: "remove", host: hostOf(index), port: memberPort };
}

export function putBackend({ host, port }: Backend, wanted: Wanted = {}): MemberChange {
  return { ...put(1, wanted), host, port };
}

export function removeBackend({ host, port }: Backend): MemberChange {
  return { kind: "remove", host, port };
}

export function at(backend: Backend): (member: Member) => boolean {
  return ({ host, port }) => host === backend.host && port === backend.port;
}

export function sorted(entries: readonly Entry[]): readonly Entry[] {
  const key = ({ host, port }: Entry) => `${host} ${port}`;
  return entries.toSorted((one, other) => (key(one) < key(other) ? -1 : 1));
}
