import { createServer } from "node:net";

/** Below the ports that systems give to clients, so that nobody takes it between two lives. */
const portMin = 12_000;
const portCount = 7_000;

/** A port of our own, free right now. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = portMin + Math.floor(Math.random() * portCount);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error("no port is free");
}
