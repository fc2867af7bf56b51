import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A network that breaks on command: forwards bytes until it is told to cut. */
export interface CuttingProxy {
  readonly address: string;
  /** How many connections were cut so far. */
  readonly cuts: number;
  /** Ends every connection at once, without a goodbye. */
  cut(): void;
  /** Cuts each new connection once so many bytes came from the server; counted from 1. */
  cutEachAfter(bytesOf: (connection: number) => number): void;
  close(): Promise<void>;
}

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const [host = "127.0.0.1", port = "0"] = target.split(":");
  const pairs = new Map<Socket, Socket>();
  let cuts = 0;
  let connections = 0;
  let bytesOf = (_: number) => Number.POSITIVE_INFINITY;
  const end = (client: Socket) => {
    pairs.get(client)?.destroy();
    client.destroy();
    pairs.delete(client);
  };
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    connections += 1;
    let bytesLeft = bytesOf(connections);
    pairs.set(client, upstream);
    client.pipe(upstream);
    upstream.on("data", (chunk: Buffer) => {
      if (chunk.length < bytesLeft) {
        bytesLeft -= chunk.length;
        client.write(chunk);
        return;
      }
      const rest = chunk.subarray(0, bytesLeft);
      cuts += 1;
      upstream.destroy();
      client.end(rest, () => end(client));
    });
    for (const socket of [client, upstream]) {
      socket.on("error", () => end(client));
      socket.on("close", () => end(client));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    cut() {
      cuts += pairs.size;
      for (const client of [...pairs.keys()]) {
        client.resetAndDestroy();
        end(client);
      }
    },
    cutEachAfter(next) {
      bytesOf = next;
    },
    async close() {
      for (const client of [...pairs.keys()]) end(client);
      await once(server.close(), "close");
    },
  };
}
