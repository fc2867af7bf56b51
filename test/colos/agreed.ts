import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { accountName, groupName, idOf } from "../../clients/node/index.js";
import type { Receipt } from "../../src/gen/muster/v1/receipt_pb.js";
import { type Server, ServerState } from "../../src/gen/muster/v1/server_service_pb.js";
import { type Asked, account, eventually } from "../e2e/daemon.js";
import {
  assertGapFree,
  assertLives,
  type Followed,
  readFromStart,
  type SeenEvent,
  searchAll,
} from "../e2e/followed.js";
import { converged, ledgerOf } from "../e2e/groups.js";
import { buildChecker, type Verdict } from "../linearizability/check-history.js";
import { historyOf } from "../linearizability/record-daemon.js";
import { patiently } from "../patiently.js";
import { type Bench, type Colo, colos, type Shares } from "./bench.js";

/** Whichever node is asked, the group has converged with so many servers in each colo. */
export async function assertShares(
  bench: Bench,
  shares: Shares,
  { group = "web", msMax = 60_000 }: { readonly group?: string; readonly msMax?: number } = {},
): Promise<void> {
  const name = groupName(account, group);
  const target = shares.iad + shares.ams;
  for (const node of bench.nodes) await patiently(() => converged(node, target, { name, msMax }));
  await eventually(
    `the servers of ${group} are ${JSON.stringify(shares)}`,
    async () => countsOf(await patiently(() => ledgerOf(bench.front, name))),
    (counts) => isDeepStrictEqual(counts, shares),
  );
}

/** How the decision has split the target. */
export function sharesOf({ placements }: Receipt): Shares {
  const of = (colo: Colo) => placements.find((one) => one.colo === colo)?.newTarget ?? 0;
  return { iad: of("iad"), ams: of("ams") };
}

function countsOf(servers: readonly Server[]): Shares {
  const living = servers.filter(isAlive);
  const of = (where: Colo) => living.filter(({ colo }) => colo === where).length;
  return { iad: of("iad"), ams: of("ams") };
}

/** An abandoned intention is kept for days, in case its server shows up after all. */
const isAlive = ({ state }: Server) => state !== ServerState.ABANDONED;

/**
 * Server by server: what each node tells of the account is what runs in each colo's cloud, by the
 * cloud's own database and by the operating system, and each intention was carried out once. What a
 * copy missed while its colo was cut off arrives in the end, later than what is written now.
 */
export async function assertAgreed({ nodes, clouds }: Bench): Promise<void> {
  const made: Record<string, Pick<Server, "colo" | "state"> & { intention: string }> = {};
  for (const colo of colos) {
    const running = await clouds[colo].running();
    const records = await clouds[colo].records();
    const ids = running.map(({ cloudId }) => cloudId ?? "");
    assert.deepEqual(records.map(({ cloudId }) => cloudId).toSorted(), ids.toSorted(), colo);
    assert.equal(new Set(records.map(({ intention }) => intention)).size, ids.length, "made twice");
    for (const { cloudId, intention } of records)
      made[cloudId] = { intention, colo, state: ServerState.IN_SERVICE };
  }
  for (const node of nodes) {
    await eventually(
      "a node tells of the servers that run",
      async () => {
        const living = (await patiently(() => allServers(node))).filter(isAlive);
        const told = living.map(({ cloudId, name, colo, state }) => {
          return [cloudId, { intention: idOf(name), colo, state }];
        });
        return Object.fromEntries(told);
      },
      (told) => isDeepStrictEqual(told, made),
    );
  }
}

async function allServers(asked: Asked): Promise<readonly Server[]> {
  const parent = accountName(account);
  const { groups } = await asked.client.groups.listGroups({ parent });
  return (await Promise.all(groups.map(({ name }) => ledgerOf(asked, name)))).flat();
}

/**
 * By what the clouds wrote down of every create and delete, each colo had no more of a group's
 * servers than its max at any time, so that all together had no more than theirs.
 *
 * @returns the most that there were of each group at once
 */
export async function assertNeverAbove(
  { clouds }: Bench,
  max: Readonly<Record<string, Readonly<Partial<Shares>>>>,
): Promise<Readonly<Record<string, number>>> {
  const all = colos.map(async (colo) =>
    (await clouds[colo].calls()).map((call) => ({ ...call, colo })),
  );
  const calls = (await Promise.all(all)).flat().toSorted((a, b) => a.atMs - b.atMs);
  const most: Record<string, number> = {};
  for (const [group, limits] of Object.entries(max)) {
    const there = { iad: new Set<string>(), ams: new Set<string>() };
    for (const { colo, kind, server, atMs } of calls.filter((call) => call.group === group)) {
      if (kind === "create") there[colo].add(server);
      else there[colo].delete(server);
      const say = `${there[colo].size} of ${group} in ${colo} at ${new Date(atMs).toISOString()}`;
      assert.ok(there[colo].size <= (limits[colo] ?? 0), say);
      most[group] = Math.max(most[group] ?? 0, there.iad.size + there.ams.size);
    }
  }
  return most;
}

/** Each placement's events in the order in which they were told. */
export function byPlacement(events: readonly SeenEvent[]) {
  return Object.fromEntries(
    [...new Set(events.map(({ placement }) => placement))]
      .toSorted()
      .map((one) => [one, events.filter(({ placement }) => placement === one)]),
  );
}

/** All that a stream from the beginning tells before it has to wait. */
export async function seenThrough(asked: Asked): Promise<readonly SeenEvent[]> {
  const seen = await patiently(() => readFromStart(asked));
  assertGapFree(seen);
  return seen;
}

/**
 * Who dies between a commit and its feed leaves the events of it to whoever commits there next, or
 * looks two minutes later for what nobody touches (docs/decisions/0016-cassandra-tables.md).
 */
const toldMsMax = 240_000;

/** What was answered and is in nobody's story. */
function untold(story: readonly SeenEvent[], receipts: readonly Receipt[]): readonly Receipt[] {
  const told = new Set(story.map(({ name }) => name.slice(name.lastIndexOf("/") + 1)));
  return receipts.filter(({ eventId }) => !told.has(eventId));
}

/** The same wherever it is asked for: what other colos have told arrives a moment later. */
async function toldByAll(
  { nodes }: Bench,
  receipts: readonly Receipt[],
): Promise<readonly SeenEvent[]> {
  const told = await eventually(
    "all nodes tell the same events, and all that was answered",
    async () => {
      const stories = await Promise.all(nodes.map(seenThrough));
      const kinds = new Set(stories.map((story) => JSON.stringify(byPlacement(story))));
      return kinds.size === 1 ? stories[0] : undefined;
    },
    (story) => story !== undefined && untold(story, receipts).length === 0,
    toldMsMax,
  );
  return told as readonly SeenEvent[];
}

/**
 * Whoever followed has seen what there is from the beginning, each placement's in order, without
 * gap or repeat; and each colo's history holds the same, each event once.
 *
 * @param receipts what was answered: the event of each is told
 * @returns all events
 */
export async function assertOneStory(
  bench: Bench,
  followed: readonly Followed[],
  receipts: readonly Receipt[] = [],
): Promise<readonly SeenEvent[]> {
  const all = await toldByAll(bench, receipts);
  for (const one of followed) {
    const seen = await one.until(all.length);
    assertGapFree(seen);
    assert.deepEqual(byPlacement(seen), byPlacement(all));
  }
  for (const node of bench.nodes) {
    const found = await patiently(() => searchAll(node, all.length));
    assert.deepEqual(byPlacement(found), byPlacement(all));
  }
  const known = await patiently(() => allServers(bench.front));
  const living = known.filter(({ cloudId }) => cloudId !== "");
  assertLives(all, new Set(living.map(({ name }) => idOf(name))));
  return all;
}

/**
 * What all nodes asked of Cassandra in all their lives, and what they were answered, follows one
 * order: a placement's targets and their serial reads among it. Reads of copies are left out.
 */
export async function assertLinearizable({ nodes }: Bench): Promise<Verdict> {
  const checker = await buildChecker();
  try {
    const found = await checker.check((await Promise.all(nodes.map(historyOf))).flat());
    assert.equal(found.verdict, "Ok", found.stuck);
    assert.ok(found.operations > 0, "nothing was recorded");
    return found;
  } finally {
    await checker.remove();
  }
}
