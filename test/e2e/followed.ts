import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { accountName, followEvents } from "../../clients/node/index.js";
import type { Event } from "../../src/gen/muster/v1/event_service_pb.js";
import { type Asked, account, defer, eventually } from "./daemon.js";

/** What must be the same wherever an event is read. */
export interface SeenEvent {
  readonly name: string;
  readonly type: string;
  readonly atMs: number;
  readonly placement: string;
  readonly sequence: number;
  readonly server: string;
}

/** A subscriber that comes back after every break, with nothing but its cursor. */
export interface Followed {
  /** How often the stream ended under it. */
  readonly breaks: number;
  /** Drops the stream and goes on from the kept cursor, as another process would. */
  resubscribe(): Promise<void>;
  /** Resolves to all that was seen once it is so many. */
  until(count: number): Promise<readonly SeenEvent[]>;
}

const parent = accountName(account);

export function followAll(t: TestContext, { client }: Asked): Followed {
  const seen: SeenEvent[] = [];
  let breaks = 0;
  let cursor: string | undefined;
  let stop = new AbortController();
  const follow = async () => {
    const place = cursor === undefined ? { fromStart: true } : { cursor };
    const onRetry = () => void breaks++;
    for await (const batch of followEvents(client, {
      parent,
      ...place,
      onRetry,
      signal: stop.signal,
    })) {
      seen.push(...batch.events.map(seenOf));
      cursor = batch.cursor;
    }
  };
  const watched = () => {
    const run = follow();
    run.catch(() => {}); // Told by whoever waits for it.
    return run;
  };
  let running = watched();
  const end = async () => {
    stop.abort();
    await running;
  };
  defer(t, () => end().catch(() => {})); // How it failed is told by `until`.
  return {
    get breaks() {
      return breaks;
    },
    async resubscribe() {
      await end();
      stop = new AbortController();
      running = watched();
    },
    async until(count) {
      const enough = eventually(
        `${count} events are followed`,
        async () => seen.length,
        (length) => length >= count,
      );
      const ended = running.then(() => assert.fail("the subscription ended"));
      await Promise.race([enough, ended]);
      return seen;
    },
  };
}

/** Everything that is kept, in one subscription without a break. */
export async function readFromStart({ client }: Asked): Promise<readonly SeenEvent[]> {
  const seen: SeenEvent[] = [];
  for await (const { events } of client.events.subscribe({ parent, fromStart: true })) {
    if (events.length === 0) return seen; // The heartbeat that opens the live part.
    seen.push(...events.map(seenOf));
  }
  return assert.fail("the stream ended");
}

/** Everything in the journal, once it holds so many: it follows behind. */
export async function searchAll({ client }: Asked, count: number): Promise<readonly SeenEvent[]> {
  const read = async () => {
    const found: SeenEvent[] = [];
    let pageToken = "";
    do {
      const asked = { parent, oldestFirst: true, pageSize: 1_000, pageToken };
      const page = await client.events.searchEvents(asked);
      found.push(...page.events.map(seenOf));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  };
  await eventually(
    `${count} events are in the journal`,
    async () => (await read()).length,
    (length) => length >= count,
  );
  // It is ordered by time, the feed by what was written: the same within a placement's order.
  return (await read()).toSorted((one, other) => one.sequence - other.sequence);
}

/** Every placement's events count 1, 2, 3, …: none is missing, none comes twice. */
export function assertGapFree(events: readonly SeenEvent[]): void {
  const last = new Map<string, number>();
  for (const { placement, sequence, name } of events) {
    assert.equal(sequence, (last.get(placement) ?? 0) + 1, `${name} of ${placement}`);
    last.set(placement, sequence);
  }
}

/**
 * Every server was wanted once and built once at most, and is alive or had one end. One that failed
 * was killed between its record and its process: the cloud then says so, and it is replaced.
 */
export function assertLives(events: readonly SeenEvent[], alive: ReadonlySet<string>): void {
  const lives = new Map<string, SeenEvent[]>();
  for (const one of events)
    if (one.server !== "") lives.set(one.server, [...(lives.get(one.server) ?? []), one]);
  for (const [server, life] of lives) {
    const times = (type: string) => life.filter((one) => one.type === type).length;
    const say = `${server}: ${life.map(({ type }) => type).join(", ")}`;
    assert.equal(life[0]?.type, "server.intended", say);
    assert.equal(times("server.intended"), 1, say);
    assert.ok(times("server.building") <= 1, say);
    assert.equal(times("server.lost") + times("server.orphan"), 0, say);
    // What failed before it was made has nothing that could be gone.
    const unmade = times("server.building") === 0 ? times("server.failed") : 0;
    const ends = life.filter(({ type }) => endTypes.has(type)).length + unmade;
    assert.equal(ends, alive.has(server) ? 0 : 1, say);
  }
  for (const server of alive) assert.ok(lives.has(server), `${server} came from nowhere`);
}

/** One that was withdrawn was never asked for in the cloud. */
const endTypes: ReadonlySet<string> = new Set([
  "server.gone",
  "server.abandoned",
  "server.withdrawn",
]);

function seenOf({ name, type, time, group, colo, sequence, server }: Event): SeenEvent {
  const placement = `${group}/${colo}`;
  const atMs = time ? timestampMs(time) : 0;
  return { name, type, atMs, placement, sequence: Number(sequence), server };
}
