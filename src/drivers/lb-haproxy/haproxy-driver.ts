import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { LoadBalancerId } from "../../core/model/ids.js";
import type { Member } from "../../core/model/server.js";
import type { Clock } from "../../core/ports/clock.js";
import type { LoadBalancerDriver } from "../../core/ports/load-balancer.js";
import { faultOfAnswer, isBusy, isGone } from "./messages.js";
import { type HaproxyOptions, haproxyDefaults, namePattern } from "./options.js";
import {
  type PlannedChange,
  planCommands,
  retryRemoval,
  type ServerTemplate,
} from "./plan-commands.js";
import { createRuntimeApi, type RuntimeApi } from "./runtime-api.js";
import { parseServersState, parseSessions, type ServerState } from "./server-state.js";

/** A removal waits so often for HAProxy to close connections that it was told to close. */
const removalRetriesMax = 20;
const removalRetryMs = 50;

/**
 * HAProxy 2.4 or later, by its Runtime API. Members are dynamic servers: a restart of HAProxy
 * forgets them, `listMembers` then says so, and whoever wants them puts them again.
 */
export function createHaproxyDriver(options: HaproxyOptions, clock: Clock): LoadBalancerDriver {
  const timeoutMs = options.timeoutMs ?? haproxyDefaults.timeoutMs;
  const api = createRuntimeApi({ socket: options.socket, timeoutMs, clock });
  const templateOf = (id: LoadBalancerId): ServerTemplate => ({
    backend: backendOf(options, id),
    namePrefix: options.namePrefix ?? haproxyDefaults.namePrefix,
    check: options.check,
    arguments: options.serverArguments ?? [],
  });

  return {
    capabilities: { checksHealth: options.check !== undefined, countsConnections: true },
    async listMembers({ id }, { signal }) {
      const servers = await showServers(api, backendOf(options, id), signal);
      const backendId = servers[0]?.backendId;
      if (backendId === undefined) return [];
      // By number: a frontend may have the backend's name, and would answer in its place.
      const [statistics = ""] = await api.ask([`show stat ${backendId} 4 -1`], signal);
      const sessions = parseSessions(statistics);
      return servers.map((server) => memberOf(server, sessions.get(server.name)));
    },
    async changeMembers({ id }, changes, { signal }) {
      const template = templateOf(id);
      const servers = await showServers(api, template.backend, signal);
      const planned = planCommands(changes, servers, template);
      let busy = await perform(api, planned, signal);
      for (let retry = 0; busy.length > 0; retry++) {
        if (retry === removalRetriesMax) throw stillBusy(busy);
        await pause(clock, removalRetryMs, signal);
        busy = await perform(api, busy, signal);
      }
    },
    close: async () => {}, // Every exchange has a connection of its own, and ends it.
  };
}

/** @throws OutsideFault `notFound` */
function backendOf({ backends }: HaproxyOptions, id: LoadBalancerId): string {
  if (!backends && new RegExp(namePattern).test(id)) return id;
  const backend = backends && Object.hasOwn(backends, id) ? backends[id] : undefined;
  if (backend === undefined)
    throw new OutsideFault("notFound", `no haproxy backend is configured for ${id}`);
  return backend;
}

async function showServers(
  api: RuntimeApi,
  backend: string,
  signal: AbortSignal,
): Promise<readonly ServerState[]> {
  const command = `show servers state ${backend}`;
  const [answer = ""] = await api.ask([command], signal);
  if (answer.startsWith("1\n")) return parseServersState(answer);
  throw faultOfAnswer(answer, command) ?? new OutsideFault("unknown", "haproxy said nothing");
}

function memberOf(server: ServerState, connections: number | undefined): Member {
  const { host, port, weight, health } = server;
  // In maintenance a server takes nothing new, as when it drains.
  const member = { host, port, weight, draining: server.admin !== "ready", health };
  return connections === undefined ? member : { ...member, connections };
}

/**
 * Sends everything at once; answers come in order. Returns the removals that wait for connections
 * to close. @throws OutsideFault the first refusal, after all was tried
 */
async function perform(
  api: RuntimeApi,
  planned: readonly PlannedChange[],
  signal: AbortSignal,
): Promise<readonly PlannedChange[]> {
  const asked = planned.flatMap((change) => change.commands.map((text) => ({ change, text })));
  if (asked.length === 0) return [];
  const answers = await api.ask(
    asked.map(({ text }) => text),
    signal,
  );
  const busy: PlannedChange[] = [];
  let refused: OutsideFault | undefined;
  asked.forEach(({ change, text }, index) => {
    const answer = answers[index] ?? "";
    if (change.kind === "remove" && isGone(answer)) return;
    if (change.kind === "remove" && isBusy(answer)) {
      busy.push({ ...change, commands: retryRemoval(change.path) });
      return;
    }
    refused ??= faultOfAnswer(answer, text);
  });
  if (refused) throw refused;
  return busy;
}

function stillBusy(busy: readonly PlannedChange[]): OutsideFault {
  const paths = busy.map(({ path }) => path).join(", ");
  const answer = "Server still has connections attached to it";
  return (
    faultOfAnswer(answer, `del server ${paths}`) ?? new OutsideFault("conflict", `${paths} busy`)
  );
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal.removeEventListener("abort", done); // The next exchange refuses.
      resolve();
    };
    const timer = clock.after(delayMs, done);
    signal.addEventListener("abort", done, { once: true });
  });
}
