import { once } from "node:events";
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";

/** What members of a load balancer under test stand for. */
export interface Backend {
  readonly host: string;
  readonly port: number;
  /** Answers checks and connections, as at the start. */
  up(): Promise<void>;
  /** Refuses both, and breaks off what is open. */
  down(): Promise<void>;
  close(): Promise<void>;
}

const host = "127.0.0.1";
/**
 * Below the ports that systems give to clients, so that nobody takes one while a backend is down.
 */
const portMin = 12_000;
const portCount = 18_000;
const bindTriesMax = 100;

/** A real TCP server on loopback: greets with its own port and a line feed, then echoes. */
export async function startTcpBackend(): Promise<Backend> {
  const sockets = new Set<Socket>();
  const greet = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.write(`${socket.localPort}\n`);
    socket.pipe(socket);
  };
  let server = await listenSomewhere(greet);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("backend has no port");
  const { port } = address;

  const down = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    host,
    port,
    down,
    close: down,
    async up() {
      if (!server.listening) server = await listen(port, greet);
    },
  };
}

async function listenSomewhere(serve: (socket: Socket) => void): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const port = portMin + Math.floor(Math.random() * portCount);
    try {
      return await listen(port, serve);
    } catch (error) {
      if (attempt === bindTriesMax) throw error;
    }
  }
}

async function listen(port: number, serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, serve);
  server.listen(port, host);
  await once(server, "listening");
  return server;
}

/** A client of a load balancer: connected, greeted, and thus known to be with one member. */
export interface Client {
  /** The port of the backend that greeted. */
  readonly port: number;
  /** Sends a line and returns what comes back; undefined when the connection is gone. */
  echo(line: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Connects and waits for the greeting; undefined when the connection ends without one. */
export async function connectClient(address: NetConnectOpts): Promise<Client | undefined> {
  const socket = connect(address);
  socket.on("error", () => {});
  const nextLine = lineReader(socket);
  const greeting = await nextLine();
  if (greeting === undefined) {
    socket.destroy();
    return undefined;
  }
  return {
    port: Number(greeting),
    echo(line) {
      socket.write(`${line}\n`);
      return nextLine();
    },
    async close() {
      if (socket.closed) return;
      // Not `once`: that the load balancer broke the connection off is a way to close, too.
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.end();
      socket.resume();
      await closed;
    },
  };
}

/** Returns the lines of a socket one by one; undefined after its end. */
function lineReader(socket: Socket): () => Promise<string | undefined> {
  let text = "";
  let ended = false;
  let wake = () => {};
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    text += chunk;
    wake();
  });
  socket.once("close", () => {
    ended = true;
    wake();
  });
  return async () => {
    while (!text.includes("\n")) {
      if (ended) return undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const end = text.indexOf("\n");
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    return line;
  };
}
