import type { Agenda } from "./agenda.js";
import type { Job, Station } from "./station.js";
import type { Tallies } from "./tally.js";

/** What everybody else asks of the same cloud, and how they bear its being slow. */
export interface TenantDemand {
  /** New requests a second, at random times. */
  readonly perSecond: number;
  /** How long they wait for an answer. */
  readonly patienceMs: number;
  /** After a failure they ask again so much later, give or take a half. */
  readonly retryMs: number;
  /** The first attempt included. */
  readonly attemptsMax: number;
}

/** One tenant's request: all of its chance is drawn at its birth, so that none moves another's. */
interface Wish {
  readonly serviceMs: number;
  readonly lucks: readonly number[];
  readonly retriesMs: readonly number[];
}

/**
 * Starts the demand of the other tenants. It is the same in every run of one seed, whatever is
 * asked of the cloud besides.
 */
export function startTenants(
  demand: TenantDemand & { readonly serviceMs: number },
  parts: {
    readonly agenda: Agenda;
    readonly station: Station;
    readonly tallies: Tallies;
    readonly random: () => number;
  },
): void {
  const { perSecond, patienceMs, attemptsMax, retryMs, serviceMs } = demand;
  const { agenda, station, tallies, random } = parts;

  function born(): Wish {
    const tries = Array.from({ length: attemptsMax }, () => ({
      luck: random(),
      retryMs: retryMs * (0.5 + random()),
    }));
    return {
      serviceMs: serviceMs * (0.5 + random()),
      lucks: tries.map((one) => one.luck),
      retriesMs: tries.map((one) => one.retryMs),
    };
  }

  function attempt(wish: Wish, number: number, atMs: number): void {
    let standing: "waits" | "ended" = "waits";
    const lose = (lostAtMs: number) => {
      standing = "ended";
      tallies.noteLost(lostAtMs);
      if (number + 1 >= attemptsMax) return;
      const againMs = lostAtMs + wish.retriesMs[number]!;
      agenda.add(againMs, () => attempt(wish, number + 1, againMs));
    };
    const job: Job = {
      party: "tenants",
      serviceMs: wish.serviceMs,
      luck: wish.lucks[number]!,
      isWanted: () => standing === "waits",
      done(outcome, endedMs) {
        if (standing === "ended") return;
        if (outcome === "failed") lose(endedMs);
        else tallies.noteAnswered(endedMs, endedMs - atMs);
        standing = "ended";
      },
    };
    const givesUpAtMs = atMs + patienceMs;
    if (!station.enter(job, atMs)) lose(atMs);
    else
      agenda.add(givesUpAtMs, () => {
        if (standing === "waits") lose(givesUpAtMs);
      });
  }

  function arrive(atMs: number): void {
    const nextMs = atMs - (Math.log(1 - random()) * 1_000) / perSecond;
    const wish = born();
    agenda.add(nextMs, () => {
      attempt(wish, 0, nextMs);
      arrive(nextMs);
    });
  }

  arrive(0);
}
