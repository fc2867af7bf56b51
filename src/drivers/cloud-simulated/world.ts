import type { LaunchConfiguration } from "../../core/model/group.js";
import type { CloudServerId } from "../../core/model/ids.js";
import type { Ownership } from "../../core/model/server.js";
import type { Clock } from "../../core/ports/clock.js";
import { type Capacity, createFront, type Front } from "./capacity/front.js";
import { draw, forkChance, type Spread } from "./chance.js";
import { createFaultBoard, type FaultBoard, fitsCreate } from "./faults.js";
import { isThere, type SimulatedServer, type Turn } from "./timeline.js";
import { createWitness, type EffectRecord, type Witness } from "./witness.js";

export interface WorldSettings {
  readonly clock: Clock;
  readonly buildMs: Spread;
  readonly deleteMs: Spread;
  /** How long every call takes. */
  readonly latencyMs: Spread;
  /** What the driver promises; only the fault `listingLag` makes servers late. */
  readonly listingLagMs: number;
  readonly createDeadlineMs: number;
  readonly pageServersMax: number;
  /** Servers per account. */
  readonly quota: number;
  readonly cells: number;
  /** Accounts have projects, and requests that are pinned to another are denied. */
  readonly hasProjects: boolean;
  /** Told of every create and delete as it is done, heard of or not. */
  readonly onEffect?: (effect: EffectRecord) => void;
  /** Without it, as much as anybody asks for. */
  readonly capacity?: Capacity;
}

export type SimulatedBirth = Pick<SimulatedServer, "account" | "name" | "ownership"> & {
  readonly launch: LaunchConfiguration;
  readonly zone?: string | undefined;
};

/** The cloud's own side: what exists, and what time and faults make of it. */
export interface World {
  readonly settings: WorldSettings;
  readonly board: FaultBoard;
  readonly witness: Witness;
  readonly front: Front | undefined;
  latencyMs(): number;
  setQuota(quota: number): void;
  /** Servers that the account may have, and has. */
  quotaOf(account: string): { readonly limit: number; readonly used: number };
  /** Whether the account may have no more servers; counts the refusals. */
  refusesMore(account: string): boolean;
  quotaRefusals(): number;
  /** What a create call does, subject to faults and witnessed. */
  create(birth: SimulatedBirth): SimulatedServer;
  /** A server that no call of ours has made. */
  plant(birth: SimulatedBirth): SimulatedServer;
  /** Replaces a server's tags, by whoever's hand; undefined takes them away. */
  tag(id: CloudServerId, ownership: Ownership | undefined): boolean;
  /** What a delete call does. */
  remove(id: CloudServerId): void;
  change(id: CloudServerId, turn: Omit<Turn, "atMs">): boolean;
  get(id: CloudServerId): SimulatedServer | undefined;
  /** In order of birth. */
  all(): readonly SimulatedServer[];
  allOf(account: string): readonly SimulatedServer[];
}

export function createWorld(settings: WorldSettings, random: () => number): World {
  const { clock } = settings;
  const fork = forkChance(random);
  const board = createFaultBoard(fork);
  const witness = createWitness(settings.onEffect);
  const front = settings.capacity && createFront(settings.capacity, { clock, fork });
  const chance = { build: fork("build"), remove: fork("delete"), latency: fork("latency") };
  const servers = new Map<CloudServerId, SimulatedServer>();
  const ofAccount = new Map<string, Set<CloudServerId>>();
  let { quota } = settings;
  let quotaRefusals = 0;
  /** Of servers that are gone, longest gone first. */
  const hostsFree: string[] = [];
  let serial = 0;

  const get = (id: CloudServerId) => {
    const server = servers.get(id);
    return server && isThere(server, clock.nowMs()) ? server : undefined;
  };
  const without = (gone: SimulatedServer) => {
    servers.delete(gone.id); // Gone is gone for good.
    ofAccount.get(gone.account)?.delete(gone.id);
    hostsFree.push(gone.host);
  };
  const all = () => {
    for (const server of servers.values()) if (!get(server.id)) without(server);
    return [...servers.values()];
  };
  const allOf = (account: string) => {
    const ids = [...(ofAccount.get(account) ?? [])];
    for (const id of ids) if (!get(id)) without(servers.get(id)!);
    return ids.flatMap((id) => servers.get(id) ?? []);
  };
  const place = (birth: SimulatedBirth, fate: Fate): SimulatedServer => {
    const number = ++serial;
    const id = `sim-${String(number).padStart(9, "0")}` as CloudServerId;
    const ownHost = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
    const reused = hostsFree.length > 0 && board.strike("addressReused", birth.account);
    const host = (reused && hostsFree.shift()) || ownHost;
    const createdAtMs = clock.nowMs();
    const cell = number % settings.cells;
    const { zone } = birth;
    const born = { id, host, cell, zone, createdAtMs, deletedAtMs: undefined };
    const server = { ...birth, ...fate, ...born };
    servers.set(id, server);
    const mates = ofAccount.get(birth.account) ?? new Set();
    ofAccount.set(birth.account, mates.add(id));
    return server;
  };
  const nextBuildMs = () => draw(settings.buildMs, chance.build);
  const noteEffect = (kind: "created" | "deleted", server: SimulatedServer) => {
    const { id, account, ownership } = server;
    witness.noteEffect({ kind, atMs: clock.nowMs(), account, id, intention: ownership?.server });
  };

  return {
    ...{ settings, board, witness, front, get, all, allOf },
    latencyMs: () => draw(settings.latencyMs, chance.latency),
    setQuota(next) {
      quota = next;
    },
    quotaRefusals: () => quotaRefusals,
    quotaOf: (account) => ({ limit: quota, used: allOf(account).length }),
    refusesMore(account) {
      const refused = allOf(account).length >= quota;
      if (refused) quotaRefusals += 1;
      return refused;
    },
    create(birth) {
      const fate = fateOf(board, birth, { nowMs: clock.nowMs(), buildMs: nextBuildMs() });
      const server = place(birth, fate);
      noteEffect("created", server);
      return server;
    },
    plant(birth) {
      const nowMs = clock.nowMs();
      return place(birth, plainFate(nowMs, nowMs + nextBuildMs()));
    },
    tag(id, ownership) {
      const server = get(id);
      if (server) servers.set(id, { ...server, ownership });
      return server !== undefined;
    },
    remove(id) {
      const server = get(id);
      if (!server || server.deletedAtMs !== undefined) return;
      if (board.strike("deleteIgnored", server.account)) return;
      const deletedAtMs = clock.nowMs() + draw(settings.deleteMs, chance.remove);
      servers.set(id, { ...server, deletedAtMs });
      noteEffect("deleted", server);
    },
    change(id, turn) {
      const server = get(id);
      if (!server) return false;
      const nowMs = clock.nowMs();
      const turns = server.turns.filter(({ atMs }) => atMs <= nowMs);
      servers.set(id, { ...server, turns: [...turns, { ...turn, atMs: nowMs }] });
      return true;
    },
  };
}

type Fate = Pick<SimulatedServer, "builtAtMs" | "buildFault" | "listedAtMs" | "turns">;

function plainFate(nowMs: number, builtAtMs: number): Fate {
  return { builtAtMs, buildFault: undefined, listedAtMs: nowMs, turns: [] };
}

/** What is to become of a server is drawn when it is made, and counts as struck then. */
function fateOf(
  board: FaultBoard,
  birth: SimulatedBirth,
  { nowMs, buildMs }: { readonly nowMs: number; readonly buildMs: number },
): Fate {
  const { account } = birth;
  const extraMs = board.strike("slowBuild", account)?.extraMs ?? 0;
  const builtAtMs = nowMs + buildMs + extraMs;
  const plain = plainFate(nowMs, builtAtMs);
  const lagMs = board.strike("listingLag", account)?.lagMs ?? 0;
  const fate = { ...plain, listedAtMs: nowMs + lagMs };
  const failed = board.strike("buildError", account, (fault) => fitsCreate(fault, birth));
  if (failed) return { ...fate, buildFault: failed };

  const ill = board.strike("laterError", account);
  const odd = board.strike("laterStatus", account);
  const lost = board.strike("laterVanish", account);
  const turns: Turn[] = [];
  if (ill) turns.push({ atMs: builtAtMs + ill.afterMs, status: "ERROR", fault: ill.text });
  if (odd) turns.push({ atMs: builtAtMs + odd.afterMs, status: odd.status });
  if (lost) turns.push({ atMs: builtAtMs + lost.afterMs, status: undefined });
  return { ...fate, turns: turns.toSorted((one, other) => one.atMs - other.atMs) };
}
