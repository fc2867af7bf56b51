import {
  createMusterClient,
  type MusterClient,
  type TransportKind,
} from "../../clients/node/index.js";
import { type FakeMuster, startFakeMuster } from "./fake-muster.js";

/**
 * What the clients are tried against: a fake of our own, or the daemon at MUSTER_TEST_ADDRESS (with
 * MUSTER_TEST_TOKEN, and MUSTER_TEST_COLO, whose cloud driver takes the group of `groupJson`).
 * Tests that need faults on command run only where there is a `fake`.
 */
export interface Target {
  readonly token: string;
  readonly colo: string;
  readonly account: string;
  readonly fake: FakeMuster | undefined;
  addressFor(transport: TransportKind): string;
  client(transport?: TransportKind, address?: string): MusterClient;
  close(): Promise<void>;
}

export async function openTarget(): Promise<Target> {
  const { MUSTER_TEST_ADDRESS: real, MUSTER_TEST_TOKEN, MUSTER_TEST_COLO } = process.env;
  const token = MUSTER_TEST_TOKEN ?? "s3cret";
  const colo = MUSTER_TEST_COLO ?? "iad";
  const fake = real === undefined ? await startFakeMuster({ token, colo }) : undefined;
  const clients = new Set<MusterClient>();
  const addressFor = (transport: TransportKind) =>
    real ?? (transport === "grpc" ? fake?.grpcAddress : fake?.address) ?? "";
  return {
    token,
    colo,
    account: process.env["MUSTER_TEST_ACCOUNT"] ?? "default",
    fake,
    addressFor,
    client(transport = "connect", address = addressFor(transport)) {
      const client = createMusterClient({ address, token, transport });
      clients.add(client);
      return client;
    },
    async close() {
      for (const client of clients) client.close();
      await fake?.close();
    },
  };
}

let groupsMade = 0;

/** An id that no other test, and no other run against the same daemon, uses. */
export function freshGroupId(): string {
  groupsMade += 1;
  return `t${process.pid.toString(36)}-${Date.now().toString(36)}-${groupsMade}`;
}

/** A group of servers that do nothing, as a file for `groups apply`. */
export function groupJson(target: Target, id: string, change: object = {}): string {
  const parameters = { command: [process.execPath, "-e", "setInterval(() => {}, 1000)"] };
  return JSON.stringify({
    id,
    displayName: `Test ${id}`,
    labels: { test: id },
    placements: [{ colo: target.colo, min: 0, max: 5 }],
    launchConfiguration: { image: "none", flavor: "small", parameters },
    ...change,
  });
}
