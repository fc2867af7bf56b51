import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { cqlPort } from "./bed/settings.js";
import { nodes } from "./bed.js";

/** The way to a server, or to all nodes of one, as a test can break it. */
export interface Link {
  /** Of the way to the first node; the others are reached on the same port. */
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

interface Target {
  readonly address: string;
  readonly port: number;
}

const cluster: readonly Target[] = nodes.map(({ address }) => ({ address, port: cqlPort }));

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

export async function openLink(targets: readonly Target[] = cluster): Promise<Link> {
  const pairs = new Set<Pair>();
  const late: { readonly upstream: Socket; readonly chunk: Buffer }[] = [];
  let trap: { text: string; when: "before" | "after" | "late"; occurrence: number } | undefined;
  let isCut = false;
  let isDumb = false;
  let lost = 0;

  const cut = () => {
    // Refused, not taken and dropped: the driver would wait long then.
    if (!isCut) for (const { server } of ways) server.close();
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

  const take = (target: Target, client: Socket) => {
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
  };
  const ways = targets.map((target) => ({
    ...target,
    server: createServer((client) => take(target, client)),
  }));
  let port = 0;
  for (const { address, server } of ways) {
    server.listen(port, address);
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
  }
  return {
    address: `${targets[0]?.address}:${port}`,
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
      if (isCut) for (const { address, server } of ways) server.listen(port, address);
      isCut = false;
      isDumb = false;
    },
    async close() {
      cut();
      for (const { upstream } of late.splice(0)) upstream.destroy();
      for (const { server } of ways) if (server.listening) await once(server, "close");
    },
  };
}
