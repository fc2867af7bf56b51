import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { createServer, rootCertificates, type TLSSocket } from "node:tls";
import { isFault } from "../../src/core/errors/fault.js";
import { openSession } from "../../src/drivers/store-cassandra/session.js";
import { authority, certificate, certificateKey } from "../server/certificates.js";

/** Takes connections as a node of the cluster would, and hangs up on the first request. */
async function startNode(t: TestContext) {
  const requests: Buffer[] = [];
  const server = createServer({ cert: certificate, key: certificateKey }, (socket: TLSSocket) => {
    socket.on("error", () => {});
    socket.once("data", (chunk: Buffer) => {
      requests.push(chunk);
      socket.destroy();
    });
  });
  server.on("tlsClientError", () => {}); // Who does not trust it hangs up.
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { requests, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("M7.3 a node's certificate must be of the configured authority, before a word is said", async (t) => {
  const { requests, address } = await startNode(t);
  const session = { contactPoints: [address], dataCenter: "iad", requestTimeoutMs: 2_000 };
  const open = async (ca: string) => {
    const opening = openSession({ ...session, tls: { ca: Buffer.from(ca) } });
    await assert.rejects(opening, (error) => isFault(error, "STORE_UNAVAILABLE"));
  };
  assert.ok(rootCertificates[0]);
  await open(rootCertificates[0]);
  assert.deepEqual(requests, []);
  await open(authority);
  assert.ok(requests.length > 0, "what is trusted is spoken to");
});
