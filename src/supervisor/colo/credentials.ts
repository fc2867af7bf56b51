import { isFault } from "../../core/errors/fault.js";
import { OutsideFault, outsideFaultOf } from "../../core/errors/outside-fault.js";
import { type Cause, cause } from "../../core/model/cause.js";
import type { ColoId } from "../../core/model/ids.js";
import { sayCause } from "../../core/model/say-cause.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { RotatingSource } from "../credentials/credential-book.js";
import { createRecent } from "../recent.js";
import type { Pin, Pins } from "./pins.js";
import { createRotations } from "./rotations.js";

/**
 * Whose credentials the cloud refuses, or answers for another project than the one that the account
 * is pinned to (B9.7). Both stop the account's work here, and never count as a loss of servers.
 */
export interface Credentials {
  /** Goes with every request. @throws OutsideFault `denied` while it is of no use to ask. */
  pinOf(account: string, ask: AskProject): Promise<Pin>;
  /** The project that the account is pinned to, if this node has asked for it. */
  projectOf(account: string): string | undefined;
  /** As it stands on record, whoever put it there. @throws Fault `STORE_UNAVAILABLE` */
  pinned(account: string): Promise<string | undefined>;
  /** Looks are not even sent: what throws now was thrown by `pinOf`. */
  isStopped(account: string): boolean;
  /** Why the account's changes may not start now. */
  refusal(account: string): Cause | undefined;
  /** The cloud took the credentials. */
  answered(account: string, by: StoppedBy): void;
  /**
   * The cloud denied a request. Where the credentials still answer for the pinned project, that is
   * the request's own (a policy, another's image), and stops nobody; a listing is everybody's. Else
   * the account's work stops. @returns what to throw.
   */
  denied(account: string, denial: Denial, ask: AskProject): Promise<OutsideFault>;
  /** A person asks: whatever was refused before is tried again at once. */
  tryAgain(account: string): void;
  /** Credentials were written or deleted: all of the account's work here is looked at again. */
  rotated(account: string): void;
  /** Of the credentials that calls go out with. Undefined: none is known, or none is needed. */
  revision(account: string): string | undefined;
  /** Pins the account to what its credentials answer for now; only a person does that. */
  repin(account: string, repin: Repin, ask: AskProject): Promise<Repinned>;
}

export interface Denial {
  readonly by: StoppedBy;
  readonly fault: OutsideFault;
  /** Nothing of the account can be done without it. */
  readonly isForAll: boolean;
  /** The credentials' revision before it was sent. */
  readonly revision?: string | undefined;
}

export interface Repin {
  readonly principal: string;
  /** Asked where another project than the pinned one answered. Throws: all stays as it was. */
  readonly mayMove: (move: { readonly before: string; readonly project: string }) => Promise<void>;
}

export interface Repinned {
  readonly before: string | undefined;
  readonly project: string | undefined;
}

/** Looks are tried again by themselves; changes only when looks have succeeded. */
export type StoppedBy = "look" | "change";
type AskProject = () => Promise<string | undefined>;

interface Stop {
  readonly cause: Cause;
  readonly failures: number;
  /** Monotonic: a wall clock that goes back must not keep an account stopped. */
  readonly retryAtMs: number;
}

const firstDelayMs = 30_000;
const delayMsMax = 5 * 60_000;
const accountsMax = 10_000;

export function createCredentials(deps: {
  readonly colo: ColoId;
  readonly pins: Pins;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The accounts' credentials; undefined where the drivers take none. */
  readonly source: RotatingSource | undefined;
  /** An account's work goes on. */
  readonly recovered: () => void;
  /** What an account has here is to be looked at again, now. */
  readonly rotated: (account: string) => void;
}): Credentials {
  const { colo, pins, clock, ids, log, source } = deps;
  const stops = {
    look: createRecent<string, Stop>(accountsMax),
    change: createRecent<string, Stop>(accountsMax),
  };

  function stop(account: string, by: StoppedBy, why: Cause): OutsideFault {
    const before = stops[by].get(account);
    const nowMs = clock.monotonicMs();
    // What was sent before the first refusal came says nothing new.
    if (!before || nowMs >= before.retryAtMs) {
      const failures = (before?.failures ?? 0) + 1;
      const delayMs = Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(failures - 1, 10));
      const waitMs = delayMs * (1 - 0.2 * ids.random());
      stops[by].set(account, { cause: why, failures, retryAtMs: nowMs + waitMs });
      log.warn({ colo, account, by, waitMs, facts: why.facts }, sayCause(why));
      rotations?.watch(account);
    }
    return new OutsideFault("denied", sayCause(why));
  }

  /** Refused, or another's: asked of the cloud itself. Undefined: the request's own. */
  async function reasonOf(account: string, { fault, isForAll }: Denial, ask: AskProject) {
    const pinned = (await pins.read(account))?.project;
    const denied = (text: string) =>
      cause("B9.7", "CREDENTIALS_DENIED", { fault: text, ...(pinned ? { pinned } : {}) });
    if (pinned === undefined) return denied(fault.message);
    try {
      const answered = (await ask()) ?? "none";
      if (answered !== pinned)
        return cause("B9.7", "CREDENTIALS_OTHER_PROJECT", { pinned, answered });
    } catch (error) {
      return denied(outsideFaultOf(error).message);
    }
    return isForAll ? denied(fault.message) : undefined;
  }

  const credentials: Credentials = {
    async pinOf(account, ask) {
      const stopped = stops.look.get(account);
      if (stopped && clock.monotonicMs() < stopped.retryAtMs)
        throw new OutsideFault("denied", sayCause(stopped.cause));
      try {
        return await pins.of(account, ask);
      } catch (error) {
        // Before the request itself was sent: nothing can have happened.
        const { kind, message } = outsideFaultOf(error);
        const known = isFault(error) ? "temporary" : kind;
        if (known !== "denied") throw new OutsideFault(known, message, { cause: error });
        throw stop(account, "look", cause("B9.7", "CREDENTIALS_DENIED", { fault: message }));
      }
    },
    isStopped(account) {
      const stopped = stops.look.get(account);
      return stopped !== undefined && clock.monotonicMs() < stopped.retryAtMs;
    },
    pinned: async (account) => (await pins.read(account))?.project,
    projectOf: (account) => pins.known(account)?.project,
    refusal(account) {
      const looks = stops.look.get(account);
      if (looks) return looks.cause;
      const changes = stops.change.get(account);
      return changes && clock.monotonicMs() < changes.retryAtMs ? changes.cause : undefined;
    },
    answered(account, by) {
      if (stops[by].delete(account)) deps.recovered();
    },
    async denied(account, denial, ask) {
      const before = pins.known(account)?.project;
      const why = await reasonOf(account, denial, ask);
      if (denial.revision !== credentials.revision(account))
        return new OutsideFault("temporary", "the account's credentials were rotated just now");
      // An operator pinned it anew, through another node.
      if (pins.known(account)?.project !== before)
        return new OutsideFault("temporary", "the account was pinned to another project just now");
      if (why) return stop(account, denial.by, why);
      const { message, requestId } = denial.fault;
      const detail = { cause: denial.fault, ...(requestId === undefined ? {} : { requestId }) };
      return new OutsideFault("badRequest", message, detail);
    },
    tryAgain(account) {
      for (const by of ["look", "change"] as const) {
        const stopped = stops[by].get(account);
        if (stopped) stops[by].set(account, { ...stopped, retryAtMs: clock.monotonicMs() });
      }
    },
    rotated(account) {
      credentials.tryAgain(account);
      deps.rotated(account);
    },
    revision: (account) => rotations?.revision(account),
    async repin(account, { principal, mayMove }, ask) {
      const before = (await pins.read(account))?.project;
      const project = await ask();
      if (before !== undefined && project !== undefined && project !== before)
        await mayMove({ before, project });
      await pins.set(account, project, principal);
      log.warn({ colo, account, before, project, principal }, "account pinned to a project");
      for (const by of ["look", "change"] as const) stops[by].delete(account);
      deps.recovered();
      return { before, project };
    },
  };
  const rotations =
    source &&
    createRotations({
      ...{ source, clock, signal: deps.signal, rotated: credentials.rotated },
      isStopped: (account) => stops.look.has(account) || stops.change.has(account),
    });
  return credentials;
}
