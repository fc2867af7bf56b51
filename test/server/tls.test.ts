import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import tls from "node:tls";
import { createConnectTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { authority, certificate, certificateKey } from "./certificates.js";
import { createGrpcDoorClient, createTransportDoor, failureOf } from "./doors.js";
import { admin, createWeb, createWorld, WEB, type World } from "./world.js";

const { getGroup } = GroupService.method;
const server = { cert: certificate, key: certificateKey };

function clientsOf(world: World, own?: { cert: string; key: string }) {
  const credentials = own
    ? grpc.credentials.createSsl(
        Buffer.from(authority),
        Buffer.from(own.key),
        Buffer.from(own.cert),
      )
    : grpc.credentials.createSsl(Buffer.from(authority));
  const nodeOptions = { ca: authority, ...own };
  const transport = createConnectTransport({
    baseUrl: world.baseUrl,
    httpVersion: "1.1",
    nodeOptions,
  });
  return [
    world.open(createGrpcDoorClient(world.target, credentials)),
    createTransportDoor("connect", transport),
  ];
}

test("one TLS port serves who speaks HTTP/2 alone and who offers HTTP/1.1", async (t) => {
  const world = await createWorld(t, { tls: server });
  const [native, browser] = clientsOf(world);
  await createWeb(native!);
  for (const door of [native!, browser!]) {
    const { group } = await door.unary(getGroup, { name: WEB }, admin);
    assert.equal(group!.name, WEB);
  }
});

test("ALPN: browsers, which offer both, get HTTP/1.1", async (t) => {
  const world = await createWorld(t, { tls: server });
  const offers = [
    [["h2", "http/1.1"], "http/1.1"],
    [["h2"], "h2"],
    [["http/1.1"], "http/1.1"],
    [undefined, false],
  ] as const;
  for (const [ALPNProtocols, chosen] of offers) {
    const socket = tls.connect({
      host: "127.0.0.1",
      port: world.server.port,
      ca: authority,
      ...(ALPNProtocols && { ALPNProtocols: [...ALPNProtocols] }),
    });
    await once(socket, "secureConnect");
    assert.equal(socket.alpnProtocol, chosen);
    socket.destroy();
  }
});

test("with an authority, only who shows its certificate is let in", async (t) => {
  const world = await createWorld(t, { tls: { ...server, ca: authority } });
  const [native, browser] = clientsOf(world, server);
  await createWeb(native!);
  await browser!.unary(getGroup, { name: WEB }, admin);
  for (const door of clientsOf(world))
    await failureOf(door.unary(getGroup, { name: WEB }, { ...admin, timeoutMs: 5_000 }));
});

test("clear text and garbage on a TLS port are turned away", async (t) => {
  const world = await createWorld(t, { tls: server });
  const clear = await failureOf(world.grpc.unary(getGroup, { name: WEB }, admin));
  assert.equal(clear.code, 14);
  const [native] = clientsOf(world);
  await createWeb(native!);
});
