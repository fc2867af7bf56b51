import { Fault, isFault } from "../../core/errors/fault.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type { Credential, CredentialSource } from "../../core/ports/credentials.js";
import type { Log } from "../../core/ports/log.js";
import type { SecretBox } from "../../core/ports/secret-box.js";
import type { Store } from "../../core/ports/store.js";
import { createRecent } from "../recent.js";
import { type CredentialDoc, type CredentialKey, createCredentialRows } from "./credential-rows.js";

/** Accounts' credentials: sealed in the store, open in this node's memory for some seconds. */
export interface CredentialBook {
  /** What the colo's drivers are given. */
  sourceOf(colo: string): RotatingSource;
  /** All but the secret; undefined: none was written. From the store. */
  describe(key: CredentialKey, signal: AbortSignal): Promise<CredentialFacts | undefined>;
  /** In force on this node at once, on others within seconds. */
  set(
    key: CredentialKey,
    secret: Credential["secret"],
    by: { readonly principal: string; readonly signal: AbortSignal },
  ): Promise<CredentialFacts>;
  /** Resolves to whether there were any. */
  delete(key: CredentialKey, signal: AbortSignal): Promise<boolean>;
  /** Makes the first key where there is none, and none was lost. */
  needKey(signal: AbortSignal): Promise<void>;
  /** Seals with the newest key what older ones sealed: the same credentials, the same revision. */
  reseal(
    colo: string,
    signal: AbortSignal,
  ): Promise<{ readonly resealed: number; readonly failed: number }>;
}

export interface RotatingSource extends CredentialSource {
  /** The revision of the last one that this node read or wrote, without a look at the store. */
  known(account: string): string | undefined;
}

export interface CredentialFacts {
  readonly revision: string;
  readonly setAtMs: number;
  readonly setBy: string;
  /** The name of the key that it is sealed with. */
  readonly key: string;
}

/** A rotation through another node takes effect within so long. */
const freshMs = 5_000;
/** Who waits for credentials holds up a call to the cloud. */
const readMsMax = 2_000;
const keptMax = 10_000;

interface Kept {
  readonly credential: Credential | undefined;
  /** Why there is none to be had. */
  readonly unreadable?: Fault;
  readonly readAtMs: number;
}

export function createCredentialBook(deps: {
  readonly installation: string;
  readonly store: Store;
  readonly box: SecretBox;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}): CredentialBook {
  const { installation, store, box, clock, ids, log } = deps;
  const rows = createCredentialRows({ store, ids, clock });
  const cache = createRecent<string, Kept>(keptMax);
  const reading = new Map<string, Promise<Kept>>();

  /** Where it stands and who wrote it: moved or altered, it does not open. */
  const boundTo = ({ account, colo }: CredentialKey, doc: Omit<CredentialDoc, "sealed">) => {
    const { revision, setAtMs, setBy } = doc;
    return JSON.stringify(["credentials", installation, account, colo, revision, setAtMs, setBy]);
  };

  async function open(key: CredentialKey, doc: CredentialDoc): Promise<Credential> {
    try {
      const secret = JSON.parse(await box.open(doc.sealed, boundTo(key, doc)));
      return { revision: doc.revision, secret: Object.freeze(secret) };
    } catch (error) {
      if (!isFault(error, "CREDENTIALS_UNREADABLE")) throw error;
      const say = `the credentials of ${key.account} in ${key.colo} cannot be opened`;
      throw new Fault("CREDENTIALS_UNREADABLE", { say: `${say}: see the log`, cause: error });
    }
  }

  /** Once for each reason: what cannot be opened is asked for again and again. */
  function tell(key: CredentialKey, { cause }: Fault, before: Fault | undefined): void {
    const why = String((cause as Error).message);
    if (why === (before?.cause as Error | undefined)?.message) return;
    log.error({ ...key, error: why }, "credentials cannot be opened");
  }

  /** A read that hangs is as good as none. */
  async function read(key: CredentialKey): Promise<Credential | undefined> {
    const ending = new AbortController();
    const timer = clock.after(readMsMax, () => ending.abort());
    try {
      const doc = await rows.read(key, ending.signal);
      const known = cache.peek(textOf(key))?.credential;
      if (doc?.revision === known?.revision) return known;
      return doc && (await open(key, doc));
    } finally {
      timer.cancel();
    }
  }

  async function refresh(key: CredentialKey): Promise<Kept> {
    const text = textOf(key);
    const before = cache.peek(text);
    const readAtMs = clock.monotonicMs();
    const now = await read(key).then(
      (credential): Kept => ({ credential, readAtMs }),
      (error: unknown): Kept => {
        if (isFault(error, "CREDENTIALS_UNREADABLE")) {
          tell(key, error, before?.unreadable);
          return { credential: undefined, unreadable: error, readAtMs };
        }
        if (!before) throw storeAway(key, error);
        log.warn({ ...key, error: String(error) }, "credentials not read; the last known serve");
        return { ...before, readAtMs };
      },
    );
    // Written through this node in the meantime: that is newer.
    const meanwhile = cache.peek(text);
    if (meanwhile && meanwhile !== before) return meanwhile;
    cache.set(text, now);
    return now;
  }

  async function of(key: CredentialKey): Promise<Credential | undefined> {
    const text = textOf(key);
    let kept = cache.get(text);
    if (!kept || clock.monotonicMs() - kept.readAtMs >= freshMs) {
      const running = reading.get(text) ?? refresh(key).finally(() => reading.delete(text));
      reading.set(text, running);
      kept = await running;
    }
    if (kept.unreadable) throw kept.unreadable;
    return kept.credential;
  }

  const keep = (key: CredentialKey, credential: Credential | undefined) =>
    cache.set(textOf(key), { credential, readAtMs: clock.monotonicMs() });

  return {
    needKey,
    sourceOf: (colo) => ({
      of: (account) => of({ account, colo }),
      known: (account) => cache.peek(textOf({ account, colo }))?.credential?.revision,
    }),
    async describe(key, signal) {
      const doc = await rows.read(key, signal);
      return doc && factsOf(doc);
    },
    async set(key, secret, { principal, signal }) {
      await needKey(signal);
      const rest = { revision: ids.next(), setAtMs: clock.nowMs(), setBy: principal };
      const text = JSON.stringify(secret);
      const sealed = await box.seal(text, boundTo(key, rest));
      const doc: CredentialDoc = { ...rest, sealed };
      await rows.write(key, doc, signal);
      keep(key, { revision: doc.revision, secret: Object.freeze(JSON.parse(text)) });
      return factsOf(doc);
    },
    async reseal(colo, signal) {
      const newest = await box.newestKey();
      if (newest === undefined) return { resealed: 0, failed: 0 };
      let [resealed, failed] = [0, 0];
      for (const account of await rows.underOtherKeys(colo, newest, signal)) {
        const done = await resealOne({ account, colo }, newest, signal);
        if (done === "resealed") resealed++;
        if (done === "failed") failed++;
      }
      return { resealed, failed };
    },
    async delete(key, signal) {
      const existed = await rows.write(key, undefined, signal);
      keep(key, undefined);
      return existed;
    },
  };

  async function resealOne(
    key: CredentialKey,
    newest: string,
    signal: AbortSignal,
  ): Promise<"resealed" | "failed" | "settled"> {
    const doc = await rows.read(key, signal);
    if (!doc || doc.sealed.key === newest) {
      await rows.settle(key, newest, signal);
      return "settled";
    }
    const bound = boundTo(key, doc);
    const text = await box.open(doc.sealed, bound).catch((error: unknown) => {
      if (isFault(error, "CREDENTIALS_UNREADABLE")) return undefined;
      throw error;
    });
    if (text === undefined) return "failed";
    const sealed = await box.seal(text, bound);
    await rows.replace(key, { ...doc, sealed }, signal);
    return "resealed";
  }

  /** Where keys were in use, a new one would only hide that theirs is lost. */
  async function needKey(signal: AbortSignal): Promise<void> {
    if ((await box.newestKey()) !== undefined) return;
    if (await rows.wereAny(signal)) {
      const say = `${box.name} is missing, and secrets are stored under its keys: restore it`;
      throw new Fault("CREDENTIALS_UNREADABLE", { say });
    }
    await box.makeKey();
    log.warn({ keys: box.name }, "made the first key for credentials: back it up");
  }
}

function storeAway({ account }: CredentialKey, cause: unknown): Fault {
  const say = `the credentials of ${account} could not be read`;
  return new Fault("STORE_UNAVAILABLE", { say, retryAfterMs: readMsMax, cause });
}

function factsOf({ revision, setAtMs, setBy, sealed }: CredentialDoc): CredentialFacts {
  return { revision, setAtMs, setBy, key: sealed.key };
}

function textOf({ account, colo }: CredentialKey): string {
  return `${account}/${colo}`;
}
