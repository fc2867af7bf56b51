import type { Clock } from "../../core/ports/clock.js";
import type { RotatingSource } from "../credentials/credential-book.js";
import { createRecent } from "../recent.js";

/**
 * Notices that the credentials of an account whose work stands still were written anew, through
 * whichever node: who waits for them must not wait for the backoff of those before (B9.7).
 */
export interface Rotations {
  /** Of the credentials that calls go out with, as this node knows it. */
  revision(account: string): string | undefined;
  /** From now on looked at every few seconds, until it is rotated or no longer stopped. */
  watch(account: string): void;
}

const lookEveryMs = 5_000;
/** Of as many as there may be, so many are asked for at once, in turn. */
const looksMax = 100;
const watchedMax = 10_000;

export function createRotations(deps: {
  readonly source: RotatingSource;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly isStopped: (account: string) => boolean;
  readonly rotated: (account: string) => void;
}): Rotations {
  const { source, clock, signal } = deps;
  /** What was refused, by account. */
  const watched = createRecent<string, { readonly revision: string | undefined }>(watchedMax);
  let isArmed = false;

  function arm(): void {
    if (isArmed || watched.size === 0 || signal.aborted) return;
    isArmed = true;
    clock.after(lookEveryMs, () => {
      isArmed = false;
      void look().then(arm);
    });
  }

  async function look(): Promise<void> {
    // The least recently looked at first: `get` puts what it finds behind all others.
    const some = [...watched.rkeys()].slice(0, looksMax);
    await Promise.all(some.map(lookAt));
  }

  async function lookAt(account: string): Promise<void> {
    const refused = watched.get(account);
    if (!refused) return;
    if (!deps.isStopped(account)) {
      watched.delete(account);
      return;
    }
    // While the store is away, or no key opens them, there are none that are newer.
    const newest = await source.of(account).catch(() => refused);
    if (newest?.revision === refused.revision || watched.peek(account) !== refused) return;
    watched.delete(account);
    deps.rotated(account);
  }

  return {
    revision: (account) => source.known(account),
    watch(account) {
      watched.set(account, { revision: source.known(account) });
      arm();
    },
  };
}
