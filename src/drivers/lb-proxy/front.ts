import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Clock, Timer } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import { type BalancerOptions, balancerDefaults, listenAddress } from "./options.js";
import type { LiveMember, Roster } from "./roster.js";
import { dial, joinSockets, type Tunnel } from "./tunnel.js";

/** Members that one connection is offered to before it is refused. */
const dialsMax = 5;
/** Idle connections are looked for so many times within their timeout. */
const idleSweepsPerTimeout = 4;
/** Connections that wait in the system until they are taken. */
const backlogMax = 1_024;

/** Where connections come in, and how they reach a member. */
export interface Front {
  /** @throws the system's error when the address cannot be had. */
  listen(): Promise<void>;
  address(): AddressInfo;
  close(): Promise<void>;
}

export interface FrontParts {
  readonly options: BalancerOptions;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly log: Log;
}

export function createFront({ options, roster, clock, log }: FrontParts): Front {
  const connectTimeoutMs = options.connectTimeoutMs ?? balancerDefaults.connectTimeoutMs;
  const closing = new AbortController();
  const clients = new Set<Socket>();
  const sweeper = createIdleSweeper(roster, options.idleTimeoutMs, clock);
  let full = false;

  const serve = async (client: Socket) => {
    const member = await dialNext(client);
    if (!member) return void client.resetAndDestroy();
    const { to, socket } = member;
    const tunnel = joinSockets(client, socket, () => to.tunnels.delete(tunnel));
    to.tunnels.add(tunnel);
  };

  /** Offers the connection to one member after the other; nothing was forwarded yet. */
  const dialNext = async (client: Socket) => {
    const gone = new AbortController();
    const leave = () => gone.abort();
    client.once("close", leave);
    const signal = AbortSignal.any([gone.signal, closing.signal]);
    const tried = new Set<LiveMember>();
    while (tried.size < dialsMax && !signal.aborted) {
      const to = roster.next(tried);
      if (!to) break;
      tried.add(to);
      const socket = await dial(to, connectTimeoutMs, clock, signal);
      // The member may have been removed, or begun to drain, while the connection was made.
      if (socket && roster.has(to) && !to.draining && !signal.aborted) {
        client.removeListener("close", leave);
        return { to, socket };
      }
      socket?.destroy();
    }
    return undefined;
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    full = false;
    clients.add(client);
    client.once("close", () => clients.delete(client));
    client.on("error", ignore); // `close` follows, and acts.
    void serve(client);
  });
  server.maxConnections = options.connectionsMax ?? balancerDefaults.connectionsMax;
  server.on("drop", () => {
    if (!full) log.warn({ listen: options.listen, connections: clients.size }, "proxy is full");
    full = true; // Said once for each time that it fills up.
  });

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ ...listenAddress(options.listen), backlog: backlogMax }, () => {
          server.removeListener("error", reject);
          server.on("error", (error) => log.error({ error: error.message }, "proxy cannot accept"));
          sweeper.start();
          resolve();
        });
      }),
    address: () => server.address() as AddressInfo,
    close() {
      sweeper.stop();
      closing.abort();
      const closed = new Promise<void>((resolve) => {
        if (server.listening) server.close(() => resolve());
        else resolve();
      });
      for (const client of clients) client.resetAndDestroy();
      return closed;
    },
  };
}

const ignore = () => {};

/** Ends connections on which nothing moved for `timeoutMs`; late by a quarter of it at most. */
function createIdleSweeper(roster: Roster, timeoutMs: number | undefined, clock: Clock) {
  const seen = new WeakMap<Tunnel, { readonly bytes: number; readonly sinceMs: number }>();
  let timer: Timer | undefined;

  const judge = (tunnel: Tunnel, limitMs: number) => {
    const bytes = tunnel.bytesMoved();
    const nowMs = clock.monotonicMs();
    const before = seen.get(tunnel);
    if (before?.bytes !== bytes) seen.set(tunnel, { bytes, sinceMs: nowMs });
    else if (nowMs - before.sinceMs >= limitMs) tunnel.destroy();
  };
  const sweepAfter = (limitMs: number) => {
    timer = clock.after(limitMs / idleSweepsPerTimeout, () => {
      for (const member of roster.live())
        for (const tunnel of member.tunnels) judge(tunnel, limitMs);
      sweepAfter(limitMs);
    });
  };
  return {
    start: () => {
      if (timeoutMs !== undefined) sweepAfter(timeoutMs);
    },
    stop: () => timer?.cancel(),
  };
}
