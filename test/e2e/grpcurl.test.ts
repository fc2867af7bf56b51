import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createMusterClient } from "../../clients/node/index.js";
import {
  GetGroupRequestSchema,
  GetGroupResponseSchema,
} from "../../src/gen/muster/v1/group_service_pb.js";
import { account, type Daemon, openDaemon, token } from "./daemon.js";
import { converged, createWeb, web } from "./groups.js";
import { buildGrpcurl, endTool, type Ran, run } from "./tools.js";

const colo = "local";
const authorization = `authorization: Bearer ${token}`;

describe("strangers' tools on the daemon's one port", () => {
  let daemon: Daemon;
  let grpcurl: string;

  before(async () => {
    grpcurl = await buildGrpcurl();
    daemon = await openDaemon({ [colo]: { cloud: { use: "builtin:process" }, pollMs: 100 } });
    await createWeb(daemon, { colo, max: 5 });
    await daemon.client.scaling.setTarget({ name: web, target: 2 });
    await converged(daemon, 2);
  });
  after(() => daemon.end());

  const plain = (...args: readonly string[]) => run(grpcurl, ["-plaintext", ...args]);
  const call = (method: string, request: unknown) =>
    plain("-H", authorization, "-d", JSON.stringify(request), daemon.address, method);

  test("M10.2 grpcurl lists every service by reflection, and what each can do", async () => {
    const listed = succeeded(await plain(daemon.address, "list")).split("\n");
    const services = ["Colo", "Event", "Group", "Policy", "Scaling", "Server"];
    for (const one of services)
      assert.ok(listed.includes(`muster.v1.${one}Service`), `${one} of ${listed}`);
    assert.ok(listed.includes("grpc.health.v1.Health"));
    const methods = succeeded(await plain(daemon.address, "list", "muster.v1.ScalingService"));
    assert.deepEqual(methods.split("\n"), [
      "muster.v1.ScalingService.ReportAlert",
      "muster.v1.ScalingService.Scale",
      "muster.v1.ScalingService.SetTarget",
    ]);
  });

  test("M10.2 grpcurl describes services and messages by reflection", async () => {
    const { address } = daemon;
    const service = succeeded(await plain(address, "describe", "muster.v1.EventService"));
    assert.match(service, /rpc Subscribe \( \.muster\.v1\.SubscribeRequest \) returns \( stream /);
    const message = succeeded(await plain(address, "describe", ".muster.v1.SetTargetRequest"));
    assert.match(message, /int32 target = 2/);
  });

  test("M10.2 grpcurl calls, with a token, and scales", async () => {
    const got = succeeded(await call("muster.v1.GroupService/GetGroup", { name: web }));
    assert.equal(JSON.parse(got).group.target, 2);
    const set = succeeded(
      await call("muster.v1.ScalingService/SetTarget", { name: web, target: 3 }),
    );
    assert.equal(JSON.parse(set).receipt.outcome, "OUTCOME_APPLIED");
    await converged(daemon, 3);
    assert.equal((await daemon.running()).length, 3);
  });

  test("M10.2 grpcurl is told why not: details, and who it is not", async () => {
    const name = `accounts/${account}/groups/nowhere`;
    const missing = await call("muster.v1.GroupService/GetGroup", { name });
    assert.notEqual(missing.code, 0);
    assert.match(missing.stderr, /Code: NotFound/);
    assert.match(missing.stderr, /GROUP_NOT_FOUND/);
    const method = "muster.v1.GroupService/GetGroup";
    const stranger = await plain("-d", "{}", daemon.address, method);
    assert.match(stranger.stderr, /Code: Unauthenticated/);
  });

  test("M10.2 grpcurl asks after the daemon's health without a token", async () => {
    const health = succeeded(await plain(daemon.address, "grpc.health.v1.Health/Check"));
    assert.equal(JSON.parse(health).status, "SERVING");
  });

  test("M10.2 grpcurl streams events as they happen", async (t) => {
    const request = JSON.stringify({ parent: `accounts/${account}` });
    const method = "muster.v1.EventService/Subscribe";
    const args = ["-plaintext", "-H", authorization, "-d", request, daemon.address, method];
    const child = spawn(grpcurl, args, { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => endTool(child));
    let asked: Promise<unknown> | undefined;
    const types: unknown[] = [];
    for await (const line of createInterface(child.stdout)) {
      const type = /^ +"type": "(.+)",$/.exec(line)?.[1];
      if (type !== undefined) types.push(type);
      // The first line is the heartbeat that opens the stream: from here on nothing is missed.
      asked ??= daemon.client.scaling.setTarget({ name: web, target: 4 });
      if (type === "server.in_service") break;
    }
    await asked;
    assert.equal(types[0], "scale.decided");
    assert.ok(types.includes("server.intended"), types.join());
    await converged(daemon, 4);
  });

  test("M10.2 curl makes a Connect call in JSON, by POST and by GET", async () => {
    const url = `http://${daemon.address}/muster.v1.GroupService/GetGroup`;
    const common = ["-sS", "--fail-with-body", "-H", authorization];
    const json = ["-H", "content-type: application/json"];
    const body = JSON.stringify({ name: web });
    const posted = succeeded(await run("curl", [...common, ...json, "-d", body, url]));
    assert.equal(JSON.parse(posted).group.displayName, "Web");
    const query = new URLSearchParams({ connect: "v1", encoding: "json", message: body });
    const got = succeeded(await run("curl", [...common, `${url}?${query}`]));
    assert.deepEqual(JSON.parse(got), JSON.parse(posted));

    const wrong = await run("curl", [...common, ...json, "-d", '{"name":"web"}', url]);
    assert.equal(wrong.code, 22, "curl calls an HTTP error by this number");
    assert.equal(JSON.parse(wrong.stdout).code, "invalid_argument");
  });

  test("M10.2 a gRPC-Web client calls and streams", async (t) => {
    const client = createMusterClient({ address: daemon.address, token, transport: "grpcWeb" });
    t.after(() => client.close());
    const { group } = await client.groups.getGroup({ name: web });
    assert.equal(group?.name, web);
    const name = `accounts/${account}/groups/nowhere`;
    await assert.rejects(client.groups.getGroup({ name }), (error) => {
      return ConnectError.from(error).code === Code.NotFound;
    });
    const types: string[] = [];
    const parent = `accounts/${account}`;
    for await (const { events } of client.events.subscribe({ parent, fromStart: true })) {
      if (events.length === 0) break;
      types.push(...events.map(({ type }) => type));
    }
    assert.equal(types[0], "group.created");
  });

  test("M10.2 curl speaks gRPC-Web byte by byte", async () => {
    const message = toBinary(GetGroupRequestSchema, create(GetGroupRequestSchema, { name: web }));
    const url = `http://${daemon.address}/muster.v1.GroupService/GetGroup`;
    const headers = [authorization, "content-type: application/grpc-web+proto", "x-grpc-web: 1"];
    const args = ["-sS", ...headers.flatMap((one) => ["-H", one]), "--data-binary", "@-", url];
    const { bytes } = await run("curl", args, { stdin: frame(0, message) });
    const [answer, trailers, ...rest] = framesOf(bytes);
    assert.deepEqual(rest, []);
    assert.equal(answer?.flags, 0);
    assert.equal(fromBinary(GetGroupResponseSchema, answer.bytes).group?.name, web);
    assert.equal(trailers?.flags, 0x80, "the last frame holds the trailers");
    assert.match(trailers.bytes.toString("latin1"), /^grpc-status: ?0\r\n/m);
  });
});

/** One message as gRPC-Web frames it: a byte of flags, four bytes of length, the bytes. */
function frame(flags: number, message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function framesOf(bytes: Buffer): readonly { readonly flags: number; readonly bytes: Buffer }[] {
  if (bytes.length === 0) return [];
  const until = 5 + bytes.readUInt32BE(1);
  const first = { flags: bytes.readUInt8(0), bytes: bytes.subarray(5, until) };
  return [first, ...framesOf(bytes.subarray(until))];
}

function succeeded({ code, stdout, stderr }: Ran): string {
  assert.equal(code, 0, `${stdout}${stderr}`);
  return stdout.trim();
}
