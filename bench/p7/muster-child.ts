import type { MusterEvent } from "../../src/core/model/event.js";
import type { Feed, FeedEntry } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createStaticTokens } from "../../src/server/authenticator.js";
import { createServer } from "../../src/server/server.js";
import type { Supervisor } from "../../src/supervisor/api.js";
import { createEventHub } from "../../src/supervisor/events/hub.js";
import { serveParent } from "../lib/child.js";
import { benchToken } from "../lib/muster.js";
import { makeBatches } from "./batches.js";
import { createFeeder, type FeedLoad } from "./feeder.js";

/**
 * Ours: the real server over the real hub. Only the feed is not a file: it gives prepared batches
 * as fast as the subscribers take them, one a page, so that ours sends what the reference sends.
 */
const clock = createSystemClock();
const log = { debug() {}, info() {}, warn: console.error, error: console.error };
const ending = new AbortController();
const batches = makeBatches();
let written = 0;

const feed: Feed = {
  feedHead: async () => String(written),
  async readFeed(after) {
    const place = Number(after);
    if (place >= written) return [];
    return entriesOf(batches[place % batches.length]!, String(place + 1));
  },
};

function entriesOf(events: readonly MusterEvent[], cursor: string): readonly FeedEntry[] {
  return events.map((event) => ({ event, cursor }));
}

const hub = createEventHub({ feed, clock, log, signal: ending.signal });
await hub.start();
const supervisor: Pick<Supervisor, "events"> = {
  events: {
    subscribe: (request, caller) => hub.subscribe(request, caller.signal),
    search: () => Promise.reject(new Error("not measured")),
    explain: () => Promise.reject(new Error("not measured")),
    rebuild: () => Promise.reject(new Error("not measured")),
  },
};
const roles = [{ account: "*", role: "admin" as const }];
const server = await createServer({
  supervisor: supervisor as Supervisor,
  authenticator: createStaticTokens([{ principal: "bench", token: benchToken, roles }]),
  clock,
  log,
  listen: { host: "127.0.0.1", port: 0 },
});
const feeder = createFeeder(() => {
  written++;
  hub.notify();
});

serveParent(
  {
    address: () => `${server.address}:${server.port}`,
    run: (load: FeedLoad) => feeder.run(load),
    acknowledged: (count: number) => feeder.acknowledged(count),
  },
  () => ending.abort(),
);
