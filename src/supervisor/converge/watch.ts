import { NotAsked } from "../../core/admission/not-asked.js";
import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import { type Cause, cause } from "../../core/model/cause.js";
import type { AccountId, CloudServerId } from "../../core/model/ids.js";
import type { BalancerView } from "../../core/model/observation.js";
import type { CloudServer, Member, ServerAddress } from "../../core/model/server.js";
import type { Clock } from "../../core/ports/clock.js";
import type { CloudPage, ListServers } from "../../core/ports/cloud.js";
import { createRecent } from "../recent.js";

/** What one look at the outside said. `askedAtMs` is when it was begun. */
export type Look<Value> =
  | { readonly kind: "seen"; readonly askedAtMs: number; readonly value: Value }
  | { readonly kind: "failed"; readonly fault: "gone" | "unavailable"; readonly cause: Cause };

/** Looks at the same thing for many: one look at a time, shared while it is young enough. */
export interface Watch<Key, Value> {
  /** Not older than that, or, unless it is 0, than that and what the last look took. */
  look(key: Key, maxAgeMs: number): Promise<Look<Value>>;
  /** What was seen before now no longer counts. */
  forget(key: Key): void;
  forgetAll(): void;
}

const watchedMax = 10_000;

interface Watched<Value> {
  last?: { readonly look: Look<Value>; readonly askedAtMs: number; readonly tookMs: number };
  running?: Promise<Look<Value>> | undefined;
  /** Looks begun before this moment do not count any more. */
  validFromMs: number;
}

export function createWatch<Key, Value>(
  clock: Clock,
  fetch: (key: Key) => Promise<Value>,
  textOf: (key: Key) => string = String,
): Watch<Key, Value> {
  // What nobody looks at any more leaves memory again.
  const all = createRecent<string, Watched<Value>>(watchedMax);
  const watchedOf = (key: Key): Watched<Value> => {
    const text = textOf(key);
    const known = all.get(text);
    if (known) return known;
    const fresh: Watched<Value> = { validFromMs: Number.NEGATIVE_INFINITY };
    all.set(text, fresh);
    return fresh;
  };

  async function begin(key: Key, watched: Watched<Value>): Promise<Look<Value>> {
    const askedAtMs = clock.nowMs();
    const startedMs = clock.monotonicMs();
    let look: Look<Value>;
    try {
      look = { kind: "seen", askedAtMs, value: await fetch(key) };
    } catch (error) {
      const { kind, message } = outsideFaultOf(error);
      const partial = cause("B4.3", "LISTING_PARTIAL", { fault: message, kind });
      const why = error instanceof NotAsked ? error.why : partial;
      look = { kind: "failed", fault: kind === "notFound" ? "gone" : "unavailable", cause: why };
    }
    watched.last = { look, askedAtMs: startedMs, tookMs: clock.monotonicMs() - startedMs };
    return look;
  }

  return {
    async look(key, maxAgeMs) {
      const watched = watchedOf(key);
      // By when it was asked, not by when it is answered: a look that takes longer than `maxAgeMs`
      // would else be too old for everyone who waited for it, and each would look on their own.
      const askedMs = clock.monotonicMs();
      for (;;) {
        const { last, validFromMs } = watched;
        const oldestMs = Math.max(askedMs - agedMsMax(last, maxAgeMs), validFromMs);
        if (last && last.askedAtMs >= oldestMs) return last.look;
        const running = watched.running;
        if (running) {
          await running; // May have begun too early for us: then we look ourselves.
          continue;
        }
        watched.running = begin(key, watched).finally(() => {
          watched.running = undefined;
        });
        return watched.running;
      }
    },
    forget(key) {
      watchedOf(key).validFromMs = clock.monotonicMs();
    },
    forgetAll() {
      for (const watched of all.values()) watched.validFromMs = clock.monotonicMs();
    },
  };
}

/**
 * Between looks a cloud has rest for as long as the last one took, but for no longer than who looks
 * would wait anyway: what looking takes, its work lacks. Who wants nothing old gets nothing old.
 */
function agedMsMax(last: Watched<unknown>["last"], maxAgeMs: number): number {
  const isRestful = last?.look.kind === "seen" && maxAgeMs > 0;
  if (!isRestful) return maxAgeMs;
  return Math.max(maxAgeMs, last.tookMs + Math.min(last.tookMs, maxAgeMs));
}

/** A listing that runs into this many pages is broken. */
const pagesMax = 1_000;

/** One listing of an account, by what it is asked for. */
export interface AccountListing {
  /** By `group/colo`. */
  readonly byPlacement: ReadonlyMap<string, readonly CloudServer[]>;
  /** By `host:port`, or `host` where the cloud knows no ports. */
  readonly byAddress: ReadonlyMap<string, readonly CloudServerId[]>;
  /** Of the whole account. */
  readonly serversCount: number;
}

/** All servers of an account that carry this installation's tags: whole, or not at all (B4.3). */
export async function listAll(
  request: { readonly account: AccountId; readonly installation: string },
  listPage: (request: ListServers) => Promise<CloudPage>,
): Promise<AccountListing> {
  const byPlacement = new Map<string, CloudServer[]>();
  const byAddress = new Map<string, CloudServerId[]>();
  const ids = new Set<string>();
  let serversCount = 0;
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const listed = await listPage({ ...request, ...(cursor === undefined ? {} : { cursor }) });
    let fresh = 0;
    for (const server of listed.servers) {
      if (ids.has(server.id)) continue;
      ids.add(server.id);
      fresh++;
      const { ownership } = server;
      if (!ownership || ownership.installation !== request.installation) continue;
      if (ownership.account !== request.account) continue;
      serversCount++;
      push(byPlacement, `${ownership.group}/${ownership.colo}`, server);
      if (server.address) push(byAddress, addressText(server.address), server.id);
    }
    if (listed.next === undefined) return { byPlacement, byAddress, serversCount };
    if (listed.next === cursor || (fresh === 0 && listed.servers.length > 0))
      throw new Error("the listing gave the same page twice");
    cursor = listed.next;
  }
  throw new Error(`the listing did not end after ${pagesMax} pages`);
}

function push<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** `host:port`, or `host` where the cloud knows no ports. */
function addressText({ host, port }: ServerAddress): string {
  return port === 0 ? host : `${host}:${port}`;
}

export function balancerViewOf(look: Look<readonly Member[]>): BalancerView {
  if (look.kind === "seen")
    return { kind: "listed", askedAtMs: look.askedAtMs, members: look.value };
  if (look.fault === "gone") return { kind: "gone" };
  return { kind: "unavailable", cause: look.cause };
}
