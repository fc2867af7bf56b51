import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { createMusterClient, type TransportKind } from "../../clients/node/index.js";
import { serverLimits } from "../../src/server/limits.js";
import { createRandom } from "../simulation/virtual-clock.js";
import { account, type Daemon, openDaemon, token } from "./daemon.js";
import { converged, createWeb, web } from "./groups.js";

const colo = "local";
const waves = 20;
const attacksPerWave = 25;
const silentPeers = 300;
const mebibyte = 1024 * 1024;
/** What a storm may leave behind: fragments of a heap that was grown, not the storm itself. */
const growthBytesMax = 150 * mebibyte;
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const post = "POST /muster.v1.GroupService/GetGroup HTTP/1.1\r\nhost: x\r\n";

describe("whatever arrives at its port, the daemon stands", () => {
  let daemon: Daemon;
  let calmBytes = 0;
  /** Opened first and looked after last: the longest limit is over a minute. */
  let silent: readonly Promise<void>[] = [];

  before(async () => {
    daemon = await openDaemon({ [colo]: { cloud: { use: "builtin:process" }, pollMs: 100 } });
    await createWeb(daemon, { colo, max: 5 });
    await worksThroughEveryDoor(daemon);
    calmBytes = await residentBytes(daemon.pid);
    silent = await openSilentPeers(daemon);
  });
  after(() => daemon.end());

  test("M10.2 five hundred connections of seeded garbage", async (t) => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    t.diagnostic(`SEED=${seed}`);
    const random = createRandom(seed);
    const pid = daemon.pid;
    for (let wave = 0; wave < waves; wave++)
      await Promise.all(Array.from({ length: attacksPerWave }, () => attack(daemon, random)));
    await worksThroughEveryDoor(daemon);
    assert.equal(daemon.pid, pid);
  });

  for (const transport of ["connect", "grpc", "grpcWeb"] as const)
    test(`M10.2 a message beyond the limit is refused through ${transport}`, async (t) => {
      const client = createMusterClient({ address: daemon.address, token, transport });
      t.after(() => client.close());
      const userData = "x".repeat(serverLimits.requestBytesMax + 1);
      const group = {
        displayName: "Large",
        placements: [{ colo, min: 0, max: 1 }],
        launchConfiguration: { userData },
      };
      const parent = `accounts/${account}`;
      await assert.rejects(client.groups.createGroup({ parent, group }), (error) => {
        assert.equal(ConnectError.from(error).code, Code.ResourceExhausted, String(error));
        return true;
      });
      await worksThroughEveryDoor(daemon);
    });

  test("M10.2 messages and headers without end are cut off", async (t) => {
    const chunk = Buffer.alloc(mebibyte, "x");
    const endless: readonly (readonly [string, Buffer])[] = [
      [`${post}content-type: application/json\r\ncontent-length: 999999999999\r\n\r\n`, chunk],
      [
        `${post}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
        Buffer.concat([Buffer.from("100000\r\n"), chunk, Buffer.from("\r\n")]),
      ],
      [`${post}x-large: `, chunk],
      [preface, Buffer.alloc(mebibyte, 0xff)],
    ];
    for (const [start, more] of endless) {
      const socket = await open(daemon);
      const gone = closed(socket);
      socket.write(start);
      const tookMs = await writeUntilCut(socket, more);
      assert.ok(tookMs < endlessMsMax, `taken for ${tookMs} ms: ${start}`);
      await gone;
      t.diagnostic(`cut off after ${Math.round(tookMs)} ms: ${JSON.stringify(start.slice(-40))}`);
    }
    await worksThroughEveryDoor(daemon);
  });

  test("M10.2 who leaves a connection half-open, says half of something or drips headers is dropped", async () => {
    const { headersMsMax, requestMsMax, keepaliveMs, keepaliveTimeoutMs } = serverLimits;
    const longestMs = Math.max(headersMsMax, requestMsMax, keepaliveMs + keepaliveTimeoutMs);
    const late = sleep(2 * longestMs, "late", { ref: false });
    const outcome = await Promise.race([Promise.all(silent), late]);
    assert.notEqual(outcome, "late", "silent peers were kept");
    assert.equal(silent.length, silentPeers + 1);
    await worksThroughEveryDoor(daemon);
  });

  test("M10.2 after all of it the daemon still scales, and its memory has not exploded", async (t) => {
    await daemon.client.scaling.setTarget({ name: web, target: 3 });
    await converged(daemon, 3);
    const bytes = await residentBytes(daemon.pid);
    t.diagnostic(`${toMebibytes(calmBytes)} MiB before, ${toMebibytes(bytes)} MiB after`);
    assert.ok(bytes - calmBytes < growthBytesMax, `${toMebibytes(bytes - calmBytes)} MiB more`);
  });
});

/** Who is not cut off in this time is listened to for ever; far above what the port promises. */
const endlessMsMax = 30_000;

async function worksThroughEveryDoor({ address }: Daemon): Promise<void> {
  const doors: readonly TransportKind[] = ["connect", "grpc", "grpcWeb"];
  for (const transport of doors) {
    const client = createMusterClient({ address, token, transport });
    const { group } = await client.groups.getGroup({ name: web }, { timeoutMs: 20_000 });
    assert.equal(group?.name, web);
    client.close();
  }
}

async function open({ port }: Daemon): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(socket, "connect");
  socket.on("error", () => {}); // To be cut off is what it is here for.
  socket.resume();
  return socket;
}

/** Resolves when the daemon has let go of the connection. */
async function closed(socket: Socket): Promise<void> {
  const ends = () => socket.destroy();
  socket.once("end", ends);
  if (socket.readableEnded) ends();
  // Not events.once: a reset is as good an end as any.
  if (!socket.closed) await new Promise<void>((resolve) => socket.once("close", () => resolve()));
}

/** Sends a header line each second, for ever: never silent, never done. */
async function dripHeaders(socket: Socket): Promise<void> {
  socket.write(post);
  const timer = setInterval(() => socket.write("x-more: 1\r\n"), 1_000);
  await closed(socket);
  clearInterval(timer);
}

/** Resolves to how long the peer took what we wrote. */
async function writeUntilCut(socket: Socket, more: Buffer): Promise<number> {
  const startedMs = performance.now();
  const tookMs = () => performance.now() - startedMs;
  const cut = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  while (!socket.destroyed && tookMs() < endlessMsMax) {
    if (socket.write(more)) continue;
    await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), cut]);
  }
  return tookMs();
}

async function openSilentPeers(daemon: Daemon): Promise<readonly Promise<void>[]> {
  const halves = ["", "P", "PRI", "GET / HT", post, `${post}content-length: 9\r\n\r\n`];
  const ends: Promise<void>[] = [];
  for (let index = 0; index < silentPeers; index++) {
    const socket = await open(daemon);
    ends.push(closed(socket));
    socket.write(halves[index % halves.length]!);
    if (Math.floor(index / halves.length) % 2 === 1) socket.end(); // Closes its half, and waits.
  }
  return [...ends, dripHeaders(await open(daemon))];
}

async function attack(daemon: Daemon, random: () => number): Promise<void> {
  const pick = (max: number) => Math.floor(random() * max);
  const bytes = garbage(pick);
  const cutAt = pick(bytes.length + 1);
  const ending = pick(3);
  const socket = await open(daemon);
  const gone = closed(socket);
  socket.write(bytes.subarray(0, cutAt));
  await new Promise((resolve) => setImmediate(resolve));
  if (!socket.destroyed) socket.write(bytes.subarray(cutAt));
  if (ending === 0) socket.destroy();
  else if (ending === 1) socket.resetAndDestroy();
  else setTimeout(() => socket.destroy(), 200);
  await gone;
}

/** Noise, and noise in the clothes of what the port speaks. */
function garbage(pick: (max: number) => number): Buffer {
  const noise = (bytesMax: number) =>
    Buffer.from(Array.from({ length: 1 + pick(bytesMax) }, () => pick(256)));
  const text = (start: string, bytesMax: number) =>
    Buffer.concat([Buffer.from(start), noise(bytesMax)]);
  const http2 = (...frames: readonly Buffer[]) =>
    Buffer.concat([Buffer.from(preface), frameOf({ type: 4, flags: 0, stream: 0 }), ...frames]);
  const web = `${post}content-type: application/grpc-web+proto\r\ncontent-length: 40\r\n\r\n`;
  const kinds: readonly (() => Buffer)[] = [
    () => noise(4_000),
    () => text(preface.slice(0, 1 + pick(preface.length)), 50),
    () => text(preface, 500),
    () => http2(frameOf({ type: pick(12), flags: pick(256), stream: pick(8) }, noise(300))),
    () => http2(frameOf({ type: 1, flags: 4, stream: 1 }, noise(60))),
    () =>
      http2(
        ...Array.from({ length: 50 }, () => frameOf({ type: 6, flags: 0, stream: 0 }, noise(8))),
      ),
    () => text("GET / HTTP/1.1\r\n", 300),
    () => text(`${post}content-type: application/json\r\ncontent-length: 30\r\n\r\n`, 60),
    () => text(web, 60),
    () => Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), // The start of a TLS handshake.
  ];
  return kinds[pick(kinds.length)]!();
}

function frameOf(
  {
    type,
    flags,
    stream,
  }: { readonly type: number; readonly flags: number; readonly stream: number },
  payload = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  assert.ok(kibibytes !== undefined, status);
  return Number(kibibytes) * 1024;
}

const toMebibytes = (bytes: number) => Math.round(bytes / mebibyte);
