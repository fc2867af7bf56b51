import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Fault, isFault } from "../../../src/core/errors/fault.js";
import type { Reason } from "../../../src/core/errors/reasons.js";
import type { ColoId } from "../../../src/core/model/ids.js";
import type { Clock } from "../../../src/core/ports/clock.js";
import type { Log } from "../../../src/core/ports/log.js";
import { type Meter, silentMeter } from "../../../src/core/ports/meter.js";
import type { PeerCommand, PeerDoor } from "../../../src/core/ports/peers.js";
import { createSystemClock } from "../../../src/drivers/clock-system/index.js";
import { createPeerClient, type PeerClient } from "../../../src/drivers/peers-http2/client.js";
import type { IdentityFiles } from "../../../src/drivers/peers-http2/identity.js";
import { openPeerListener, type PeerListener } from "../../../src/drivers/peers-http2/listener.js";
import { patientCall } from "../../contract/store-samples.js";
import { type Authority, createAuthority } from "./certificates.js";

export const ams = "ams" as ColoId;
export const installation = "prod";
export const clock = createSystemClock();
export const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that remembers. */
export function createLines() {
  const lines: Line[] = [];
  const level = (name: string) => (fields: Line["fields"], message: string) =>
    void lines.push({ level: name, message, fields });
  const [info, warn, error, debug] = ["info", "warn", "error", "debug"].map(level);
  return { lines, log: { info: info!, warn: warn!, error: error!, debug: debug! } };
}

export interface Node extends PeerListener {
  /** What it began to carry out. */
  readonly taken: readonly PeerCommand[];
}

/** An installation's authority, a certificate of one of its nodes, and what is opened with them. */
export interface Bench {
  readonly authority: Authority;
  readonly identity: IdentityFiles;
  readonly folder: string;
  open(answer: PeerDoor["answer"], change?: NodeChange): Promise<Node>;
  client(addresses: readonly string[], change?: ClientChange): PeerClient;
}

interface NodeChange {
  readonly identity?: IdentityFiles;
  readonly log?: Log;
  readonly clock?: Clock;
}

interface ClientChange extends NodeChange {
  readonly installation?: string;
  readonly meter?: Meter;
}

export async function createBench(t: TestContext): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "muster-peers-"));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await createAuthority(folder, "authority");
  const identity = await authority.issue("node", "DNS:muster-peer.prod");
  return {
    ...{ authority, identity, folder },
    async open(answer, change = {}) {
      const taken: PeerCommand[] = [];
      const door: PeerDoor = {
        answer(command, signal) {
          taken.push(command);
          return answer(command, signal);
        },
      };
      const listen = { host: "127.0.0.1", port: 0 };
      const rest = { installation, identity, listen, door, clock, log: silent, ...change };
      const listener = await openPeerListener(rest);
      t.after(() => listener.close(0));
      return { ...listener, taken };
    },
    client(addresses, change = {}) {
      const rest = { installation, identity, clock, log: silent, meter: silentMeter, ...change };
      const client = createPeerClient({ ...rest, colos: { ams: addresses } });
      t.after(() => client.close());
      return client;
    },
  };
}

export const submit: PeerCommand = {
  name: "scaling.submit",
  request: { key: { account: "acme", group: "web" }, n: 1 },
  principal: "ops",
  requestId: "request-1",
};

export function ask(client: PeerClient, command = submit, call = patientCall()) {
  return client.ask(ams, command, call);
}

/** The Fault that it must end with. */
export async function faultOf(asked: Promise<unknown>, reason: Reason): Promise<Fault> {
  try {
    await asked;
  } catch (error) {
    if (isFault(error, reason)) return error;
    throw error;
  }
  throw new Error(`it did not end with ${reason}`);
}
