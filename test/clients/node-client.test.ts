import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  createMusterClient,
  type ExplainedError,
  explainError,
  type FollowRetry,
  followEvents,
  type TransportKind,
} from "../../clients/node/index.js";
import {
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "../../src/gen/google/rpc/error_details_pb.js";
import { GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import { startCuttingProxy } from "./cutting-proxy.js";
import { freshGroupId, openTarget, type Target } from "./target.js";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target.close());

const transports: readonly TransportKind[] = ["connect", "grpcWeb", "grpc"];

async function makeGroup(): Promise<string> {
  const groupId = freshGroupId();
  const { group } = await target.client().groups.createGroup({
    parent: `accounts/${target.account}`,
    groupId,
    group: create(GroupSchema, {
      displayName: groupId,
      placements: [{ colo: target.colo, min: 0, max: 5 }],
      launchConfiguration: { image: "none", flavor: "small" },
    }),
  });
  assert.ok(group);
  return group.name;
}

/** Pausing and resuming makes two events, and changes no server. */
async function makeEvents(name: string, rounds: number): Promise<void> {
  const { groups } = target.client();
  for (let round = 0; round < rounds; round += 1) {
    await groups.pauseGroup({ name, reason: `round ${round}` });
    await groups.resumeGroup({ name });
  }
}

/** Follows until so many events were seen. */
async function followed(
  name: string,
  options: {
    readonly count: number;
    readonly transport?: TransportKind;
    readonly address?: string;
    readonly cursor?: string;
    readonly silenceMsMax?: number;
    readonly onRetry?: (retry: FollowRetry) => void;
    readonly onBatch?: (cursor: string, seen: number) => void;
  },
): Promise<readonly bigint[]> {
  const { count, transport, address, onBatch, ...rest } = options;
  const client = target.client(transport, address);
  const seen: bigint[] = [];
  const group = name.split("/groups/")[1] ?? "";
  const parent = `accounts/${target.account}`;
  for await (const batch of followEvents(client, { parent, group, fromStart: true, ...rest })) {
    seen.push(...batch.events.map((one) => one.sequence));
    onBatch?.(batch.cursor, seen.length);
    if (seen.length >= count) break;
  }
  return seen;
}

async function failureOf(call: Promise<unknown>): Promise<ExplainedError> {
  try {
    await call;
  } catch (error) {
    return explainError(error);
  }
  assert.fail("the call should have failed");
}

async function drain(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of batches);
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => BigInt(index + 1));

for (const transport of transports) {
  describe(`Node client over ${transport}`, () => {
    test("calls a method and gets its typed answer", async () => {
      const name = await makeGroup();
      const { group } = await target.client(transport).groups.getGroup({ name });
      assert.equal(group?.name, name);
      assert.equal(group?.placements[0]?.max, 5);
    });

    test("B1.2 an error carries its reason and every violated field", async () => {
      const { groups } = target.client(transport);
      const error = await failureOf(
        groups.createGroup({ parent: "nowhere", group: { displayName: "" } }),
      );
      assert.equal(error.code, "INVALID_ARGUMENT");
      assert.equal(error.reason, "FIELD_INVALID");
      const fields = error.violations.map((one) => one.field);
      assert.ok(fields.includes("parent"), fields.join());
      assert.ok(fields.includes("group.display_name"), fields.join());
      assert.ok(fields.includes("group.placements"), fields.join());
    });

    test("a wrong token is UNAUTHENTICATED, and following does not try again", async () => {
      const address = target.addressFor(transport);
      const client = createMusterClient({ address, token: () => "wrong", transport });
      const parent = `accounts/${target.account}`;
      const retries: FollowRetry[] = [];
      const onRetry = (retry: FollowRetry) => retries.push(retry);
      const error = await failureOf(drain(followEvents(client, { parent, onRetry })));
      assert.equal(error.reason, "TOKEN_INVALID");
      assert.deepEqual(retries, []);
      client.close();
    });

    test("follows through cut connections, without gap or repeat", async () => {
      const name = await makeGroup();
      await makeEvents(name, 12);
      const proxy = await startCuttingProxy(target.addressFor(transport));
      // Somewhere within a message, each time later, so that every connection gets further.
      proxy.cutEachAfter((connection) => 500 + 211 * connection);
      const seen = await followed(name, { count: 25, transport, address: proxy.address });
      assert.ok(seen.length >= 25);
      assert.deepEqual(seen, upTo(seen.length));
      assert.ok(proxy.cuts >= 2, `only ${proxy.cuts} cuts`);
      await proxy.close();
    });

    test("a signal ends following quietly", async () => {
      const stop = new AbortController();
      const parent = `accounts/${target.account}`;
      for await (const _ of followEvents(target.client(transport), {
        parent,
        fromStart: true,
        signal: stop.signal,
      })) {
        stop.abort();
      }
      assert.ok(stop.signal.aborted);
    });
  });
}

test("following resumes behind a cursor that another process kept", async () => {
  const name = await makeGroup();
  await makeEvents(name, 4);
  let cursor = "";
  const onBatch = (latest: string) => {
    cursor = latest;
  };
  const first = await followed(name, { count: 4, onBatch });
  const rest = await followed(name, { count: 9 - first.length, cursor });
  assert.deepEqual([...first, ...rest], upTo(first.length + rest.length));
});

test("following goes on behind every kind of broken stream", async (t) => {
  const { fake } = target;
  if (fake === undefined) return t.skip("needs faults on command");
  const kinds = ["tooSlow", "unavailable", "ended", "silent"] as const;
  const name = await makeGroup();
  await makeEvents(name, 6);
  fake.streamFaults.fired.length = 0;
  fake.streamFaults.planned.push(...kinds.map((how) => ({ afterEvents: 3, how })));
  const retries: FollowRetry[] = [];
  const onRetry = (retry: FollowRetry) => retries.push(retry);
  const seen = await followed(name, { count: 13, silenceMsMax: 300, onRetry });
  assert.ok(seen.length >= 13);
  assert.deepEqual(seen, upTo(seen.length));
  assert.deepEqual(fake.streamFaults.fired, kinds);
  const reasons = retries.map(({ error }) => error && explainError(error));
  assert.deepEqual(
    reasons.map((one) => one?.reason ?? one?.message),
    ["SUBSCRIBER_TOO_SLOW", "SHUTTING_DOWN", undefined, "nothing was heard for 300 ms"],
  );
  assert.ok(retries.every((one) => one.attempt === 1 && one.delayMs >= 100));
});

test("an expired cursor ends following and says where to go on", async (t) => {
  const { fake } = target;
  if (fake === undefined) return t.skip("needs a trimmed journal");
  fake.streamFaults.keptFrom = fake.world.events.length;
  const options = { parent: `accounts/${target.account}`, cursor: "c0" };
  const error = await failureOf(drain(followEvents(target.client(), options)));
  fake.streamFaults.keptFrom = 0;
  assert.equal(error.reason, "CURSOR_EXPIRED");
  assert.equal(error.facts["resume_cursor"], `c${fake.world.events.length}`);
});

test("following gives up after the attempts that it was given", async () => {
  const client = createMusterClient({ address: "127.0.0.1:1", token: "any" });
  const attempts: number[] = [];
  const following = followEvents(client, {
    parent: "accounts/any",
    attemptsMax: 3,
    onRetry: ({ attempt }) => attempts.push(attempt),
  });
  const error = await failureOf(drain(following));
  assert.equal(error.code, "UNAVAILABLE");
  assert.deepEqual(attempts, [1, 2]);
  client.close();
});

test("a stream that something on the way ends in the middle of a message is tried again", async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/connect+proto" });
    response.end(Buffer.from([0, 0, 0])); // An envelope's head has five bytes.
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = createMusterClient({ address: `127.0.0.1:${port}` });
  const codes: (Code | undefined)[] = [];
  const following = followEvents(client, {
    parent: "accounts/any",
    attemptsMax: 2,
    onRetry: ({ error }) => codes.push(error?.code),
  });
  await failureOf(drain(following));
  assert.deepEqual(codes, [Code.InvalidArgument], "which is what Connect calls it");
  client.close();
  server.closeAllConnections();
  await once(server.close(), "close");
});

test("explainError reads reason, quota and delay, and never throws", () => {
  const subject = "accounts/a";
  const failed = new ConnectError("too many groups", Code.ResourceExhausted, undefined, [
    { desc: ErrorInfoSchema, value: { reason: "LIMIT_EXCEEDED", domain: "muster" } },
    { desc: RetryInfoSchema, value: { retryDelay: durationFromMs(1_500) } },
    { desc: QuotaFailureSchema, value: { violations: [{ subject, description: "1,000" }] } },
  ]);
  const explained = explainError(failed);
  assert.equal(explained.code, "RESOURCE_EXHAUSTED");
  assert.equal(explained.reason, "LIMIT_EXCEEDED");
  assert.equal(explained.retryAfterMs, 1_500);
  assert.deepEqual(explained.violations, [{ field: subject, description: "1,000" }]);
  assert.equal(explainError("just words").message, "just words");
  assert.equal(explainError(new ConnectError("gone", Code.Canceled)).code, "CANCELLED");
});

test("an address that is none is refused before the first call", () => {
  for (const address of ["", "http://", "host:99999", "https://a/?b=c"]) {
    assert.throws(() => createMusterClient({ address }), TypeError, address);
  }
  const tls = {};
  assert.throws(() => createMusterClient({ address: "http://a:1", tls }), /TLS/);
  createMusterClient({ address: "[::1]:7350" }).close();
});
