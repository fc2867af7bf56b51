import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The way to one node, as a test can break it. */
export interface Link {
  readonly address: string;
  /**
   * Loses a request that has this text in it, by default the next one: before or after the node
   * took it, or so that it arrives when `deliver` is called. Nobody gets through, until `heal`.
   */
  lose(text: string, when: "before" | "after" | "late", occurrence?: number): void;
  /** Requests that were lost so. */
  readonly lost: number;
  /** Sends what came late on to the node, which answers nobody. */
  deliver(): void;
  heal(): void;
  close(): Promise<void>;
}

/** Enough for a node to do what it was asked, before its connection goes. */
const effectMs = 50;

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

export async function openLink(target: { address: string; port: number }): Promise<Link> {
  const pairs = new Set<Pair>();
  const late: { readonly upstream: Socket; readonly chunk: Buffer }[] = [];
  let trap: { text: string; when: "before" | "after" | "late"; occurrence: number } | undefined;
  let isCut = false;
  let isDumb = false;
  let lost = 0;

  const cut = () => {
    if (!isCut) server.close(); // Refused, not taken and dropped: the driver would wait long then.
    isCut = true;
    const kept = new Set(late.map(({ upstream }) => upstream));
    for (const { client, upstream } of pairs) {
      client.destroy();
      if (!kept.has(upstream)) upstream.destroy();
    }
    pairs.clear();
  };

  /** Whether the chunk still goes to the node. */
  const pass = (chunk: Buffer, upstream: Socket): boolean => {
    if (!trap || !chunk.includes(trap.text)) return true;
    trap.occurrence -= 1;
    if (trap.occurrence > 0) return true;
    const { when } = trap;
    trap = undefined;
    lost += 1;
    if (when === "after") {
      isDumb = true;
      void sleep(effectMs).then(cut);
      return true;
    }
    if (when === "late") late.push({ upstream, chunk });
    cut();
    return false;
  };

  const server = createServer((client) => {
    const upstream = connect(target.port, target.address);
    const pair = { client, upstream };
    pairs.add(pair);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        if (!pairs.delete(pair)) return;
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => {
      if (pass(chunk, upstream)) upstream.write(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      if (!isDumb) client.write(chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    lose(text, when, occurrence = 1) {
      trap = { text, when, occurrence };
    },
    get lost() {
      return lost;
    },
    deliver() {
      for (const { upstream, chunk } of late) upstream.write(chunk);
    },
    heal() {
      if (isCut) server.listen(port, "127.0.0.1");
      isCut = false;
      isDumb = false;
    },
    async close() {
      cut();
      for (const { upstream } of late.splice(0)) upstream.destroy();
      if (server.listening) await once(server, "close");
    },
  };
}
