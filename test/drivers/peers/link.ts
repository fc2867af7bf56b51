import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The way to one node, as a test can break it. */
export interface Link {
  readonly address: string;
  /** Cuts all connections now; new ones get through. */
  cut(): void;
  /** Nothing gets through any more, in either direction, and nobody is told. */
  freeze(): void;
  /**
   * What was sent since then arrives, as where a system sends it again and again.
   *
   * @returns how often something was
   */
  thaw(): number;
  /** Cuts once so many bytes more have come back from the node. */
  cutAfter(bytes: number): void;
  /** How often it was cut. */
  readonly cuts: number;
  close(): Promise<void>;
}

export async function openLink(target: string): Promise<Link> {
  const [host = "", port] = target.split(":");
  const sockets = new Set<Socket>();
  let frozen = false;
  const held: (() => void)[] = [];
  const pass = (work: () => void) => void (frozen ? held.push(work) : work());
  let bytesLeft = Number.POSITIVE_INFINITY;
  let cuts = 0;
  const cut = () => {
    cuts += 1;
    bytesLeft = Number.POSITIVE_INFINITY;
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    const upstream = connect({ host, port: Number(port) });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        pass(() => to.destroySoon());
      });
      from.on("data", (chunk) => {
        if (to.writableEnded) return;
        if (from === client) return pass(() => void to.write(chunk));
        bytesLeft -= chunk.length;
        const isLast = bytesLeft < 0;
        const rest = isLast ? chunk.subarray(0, chunk.length + bytesLeft) : chunk;
        pass(() => void (isLast ? to.end(rest, cut) : to.write(rest)));
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    freeze: () => {
      frozen = true;
    },
    thaw: () => {
      frozen = false;
      const all = held.splice(0);
      for (const work of all) work();
      return all.length;
    },
    cutAfter: (bytes) => {
      bytesLeft = bytes;
    },
    get cuts() {
      return cuts;
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
