import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The way to a node, as a test can close it. */
export interface Link {
  readonly address: string;
  /** Ends all connections; new ones are dropped as soon as they are made, until `mend`. */
  cut(): void;
  mend(): void;
  /** Connections that were made or held when there was no way. */
  readonly dropped: number;
  close(): Promise<void>;
}

export async function openLink(target: string): Promise<Link> {
  const [host = "", port] = target.split(":");
  const pairs = new Set<readonly [Socket, Socket]>();
  let isCut = false;
  let dropped = 0;
  const end = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const server = createServer((client) => {
    if (isCut) {
      dropped += 1;
      return void client.destroy();
    }
    const upstream = connect({ host, port: Number(port) });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.pipe(upstream).pipe(client);
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => {
        pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      dropped += pairs.size;
      end();
    },
    mend() {
      isCut = false;
    },
    get dropped() {
      return dropped;
    },
    async close() {
      end();
      await once(server.close(), "close");
    },
  };
}
