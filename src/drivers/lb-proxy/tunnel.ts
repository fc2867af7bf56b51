import { connect, type Socket } from "node:net";
import type { Clock } from "../../core/ports/clock.js";

/** After so long in silence the system asks whether the other end still lives. */
const keepAliveMs = 60_000;

/** Opens a connection to a member; undefined when it does not come in time or the signal aborts. */
export function dial(
  target: { readonly host: string; readonly port: number },
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const { host, port } = target;
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const finish = (result: Socket | undefined) => {
      timer.cancel();
      signal.removeEventListener("abort", giveUp);
      if (result === undefined) socket.destroy();
      else socket.removeListener("error", giveUp).on("error", ignore);
      resolve(result);
    };
    const giveUp = () => finish(undefined);
    const timer = clock.after(timeoutMs, giveUp);
    socket.once("connect", () => finish(socket));
    socket.on("error", giveUp);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}

/**
 * An error with no listener would end the process; `joinSockets` acts on `close`, which follows.
 */
const ignore = () => {};

export interface Tunnel {
  /** Bytes moved in both directions so far. */
  bytesMoved(): number;
  /** Ends both connections at once. */
  destroy(): void;
}

/**
 * Joins two sockets until both are closed, then calls `closed` once. Each end's FIN is passed on by
 * itself, so one direction goes on when the other has ended; each side reads only as fast as the
 * other takes. A side that breaks off takes the other with it, by RST: the other end must not
 * mistake a broken stream for a finished one.
 */
export function joinSockets(client: Socket, member: Socket, closed: () => void): Tunnel {
  let open = 2;
  const watch = (socket: Socket, other: Socket) => {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.once("close", () => {
      const finished = socket.readableEnded && socket.writableFinished;
      if (!finished) other.resetAndDestroy();
      if (--open === 0) closed();
    });
  };
  watch(client, member);
  watch(member, client);
  client.pipe(member);
  member.pipe(client);
  return {
    bytesMoved: () => client.bytesRead + member.bytesRead,
    destroy() {
      client.resetAndDestroy();
      member.resetAndDestroy();
    },
  };
}
