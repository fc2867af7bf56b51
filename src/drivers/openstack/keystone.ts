import { isFault } from "../../core/errors/fault.js";
import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Credential, CredentialSource } from "../../core/ports/credentials.js";
import { addressIn, type CatalogueEntry } from "./catalogue.js";
import { classify } from "./classify.js";
import type { Http, HttpAnswer } from "./http.js";
import { type OpenstackSecret, tokenRequest } from "./secret.js";

/** A token, and what it was given for. Never logged. */
export interface Session {
  readonly token: string;
  /** The project that the credentials answer for. */
  readonly project: string;
  readonly catalogue: readonly CatalogueEntry[];
  /** Monotonic. */
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

/** The accounts' sessions: one token each, shared by all calls. */
export interface Keystone {
  /** A token that is good for some time yet, of the account's newest credentials. */
  session(account: string, signal: AbortSignal): Promise<Session>;
  /** Another one than `refused`, which a service took for none. */
  renewed(account: string, refused: Session, signal: AbortSignal): Promise<Session>;
}

interface Entry {
  readonly revision: string;
  current?: Session;
  renewal?: Promise<Session>;
}

/** A token is renewed so long before its end, or after 9/10 of a short life. */
const renewBeforeMs = 300_000;
const tokenDeadlineMs = 30_000;

export function createKeystone(parts: {
  readonly http: Http;
  readonly authUrl: string;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
}): Keystone {
  const { http, clock } = parts;
  const address = addressIn(new URL(parts.authUrl), "/auth/tokens");
  const entries = new Map<string, Entry>();

  async function authenticate({ secret }: Credential): Promise<Session> {
    const startedMs = clock.monotonicMs();
    const body = tokenRequest(secret as unknown as OpenstackSecret);
    const late = new AbortController();
    const timer = clock.after(tokenDeadlineMs, () => late.abort());
    const { signal } = late;
    try {
      const asked = { method: "POST", url: address, headers: {}, body, signal } as const;
      const answer = await http.exchange(asked);
      if (answer.status === 201) return sessionOf(answer, startedMs);
      throw classify({ ...answer, service: "identity", method: "POST" }, clock.nowMs());
    } catch (error) {
      // Another token more or less: nothing has happened that must be looked up.
      if (!(error instanceof OutsideFault) || !error.ambiguous) throw error;
      const { kind, message, retryAfterMs, requestId } = error;
      throw new OutsideFault(kind, message, {
        cause: error,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
        ...(requestId !== undefined && { requestId }),
      });
    } finally {
      timer.cancel();
    }
  }

  /** One at a time, for whoever waits; each gives up at its own time. */
  function renewal(entry: Entry, credential: Credential): Promise<Session> {
    if (entry.renewal) return entry.renewal;
    const started = authenticate(credential)
      .then((session) => {
        entry.current = session;
        return session;
      })
      .finally(() => {
        delete entry.renewal;
      });
    started.catch(() => {}); // Whoever asked may have given up.
    entry.renewal = started;
    return started;
  }

  async function entryOf(account: string) {
    const credential = await newest(parts.credentials, account);
    const known = entries.get(account);
    if (known?.revision === credential.revision) return { entry: known, credential };
    const entry: Entry = { revision: credential.revision };
    entries.set(account, entry);
    return { entry, credential };
  }

  return {
    async session(account, signal) {
      const { entry, credential } = await entryOf(account);
      const { current } = entry;
      const nowMs = clock.monotonicMs();
      if (!current || nowMs >= current.expiresAtMs)
        return await unlessAborted(renewal(entry, credential), signal);
      // In good time, so that nobody waits: Keystone may be slow, or away for a while.
      if (nowMs >= current.renewAtMs) void renewal(entry, credential);
      return current;
    },
    async renewed(account, refused, signal) {
      const { entry, credential } = await entryOf(account);
      if (entry.current && entry.current !== refused) return entry.current;
      delete entry.current;
      return await unlessAborted(renewal(entry, credential), signal);
    },
  };
}

/** @throws OutsideFault */
async function newest(credentials: CredentialSource, account: string): Promise<Credential> {
  let credential: Credential | undefined;
  try {
    credential = await credentials.of(account);
  } catch (error) {
    const kind = isFault(error, "STORE_UNAVAILABLE") ? "temporary" : "denied";
    throw new OutsideFault(kind, `no credentials: ${(error as Error).message}`, { cause: error });
  }
  if (credential) return credential;
  throw new OutsideFault("denied", "no credentials were written for this account and colo");
}

/** The part of Keystone's answer that is used. */
interface TokenBody {
  readonly token: {
    readonly expires_at: string;
    readonly issued_at: string;
    readonly project?: { readonly id: string };
    readonly catalog?: readonly CatalogueEntry[];
  };
}

function sessionOf({ headers, body, requestId }: HttpAnswer, startedMs: number): Session {
  const token = headers["x-subject-token"];
  const told = (body as TokenBody | undefined)?.token;
  const detail = requestId === undefined ? {} : { requestId };
  if (typeof token !== "string" || told === undefined)
    throw new OutsideFault("unknown", "identity answers without a token", detail);
  if (told.project === undefined)
    throw new OutsideFault("denied", "the credentials answer for no project", detail);
  // By Keystone's clock both, so that a difference from ours does not matter.
  const lifeMs = Date.parse(told.expires_at) - Date.parse(told.issued_at);
  if (!(lifeMs > 0)) throw new OutsideFault("unknown", "identity gives a token of no life", detail);
  return {
    ...{ token, project: told.project.id, catalogue: told.catalog ?? [] },
    renewAtMs: startedMs + Math.max(lifeMs - renewBeforeMs, lifeMs * 0.9),
    expiresAtMs: startedMs + lifeMs,
  };
}

function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new OutsideFault("temporary", "given up while waiting for a token"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
