import { cause } from "../../core/model/cause.js";
import { type PlacementKey, placementText, type ServerId } from "../../core/model/ids.js";
import { askedKey, type Step, stepKey, takenKey } from "../../core/model/observation.js";
import type { ServerRow } from "../../core/model/server.js";
import { move } from "../../core/plan/lifecycle.js";
import { isDetached } from "../../core/plan/plan-members.js";
import { isInDoubt } from "../../core/plan/quarantine.js";
import { isOurs, ownershipOf } from "../../core/plan/tags.js";
import type { Ticket } from "../colo/admission.js";
import type { Context } from "../context.js";
import { createRecent } from "../recent.js";
import { noteForeign } from "./act-tags.js";
import { createConsoleKeeper } from "./console-keeper.js";
import type { Cooling } from "./cooling.js";

type DeleteStep = Extract<Step, { kind: "delete" }>;

export interface Deletes {
  /** Two witnesses before any delete: our tags on the server, and the ledger's intention (B9.5). */
  run(key: PlacementKey, step: DeleteStep, ticket: Ticket): Promise<void>;
  /** The placement's servers whose deletes the cloud has taken, by `askedKey`. */
  asked(key: PlacementKey): Iterable<string>;
}

/** Beyond it the longest untouched are asked anew, before creates that would go beyond the max. */
const placementsMax = 10_000;

export function createDeletes(context: Context, cooling: Cooling): Deletes {
  const { clock, events } = context;
  const keepConsole = createConsoleKeeper(context);
  const askedIn = createRecent<string, Set<string>>(placementsMax);

  function noteAsked(key: PlacementKey, server: ServerId) {
    const text = placementText(key);
    const asked = askedIn.get(text) ?? new Set();
    askedIn.set(text, asked.add(askedKey(server)));
  }

  function forget(key: PlacementKey, server: ServerId) {
    const asked = askedIn.get(placementText(key));
    if (asked?.delete(askedKey(server)) && asked.size === 0) askedIn.delete(placementText(key));
  }

  const run: Deletes["run"] = async (key, step, ticket) => {
    const { outside } = context.colos.get(key.colo)!;
    const { server, cloudId } = step;
    const ref = { account: key.account, id: cloudId };
    const seen = await outside.getServer(ref, { ticket });
    const ours = () => {
      const state = context.placements.peek(key);
      const row = state?.servers.get(server);
      // What was asked for before a person put the ledger in doubt waits for that person, too.
      const quarantine = state?.doc?.quarantine;
      if (row && quarantine && isInDoubt(row, quarantine)) return undefined;
      return row?.state === "deleting" && row.cloudId === cloudId ? row : undefined;
    };
    const row = ours();
    if (!row) return;
    if (seen && !isOurs(seen, ownershipOf(context.installation, key, row))) {
      await noteForeign(context, key, step, seen);
      cooling.start(key, stepKey(step), foreignDelayMs);
      return;
    }
    // The next turn looks again, right before its delete.
    if (seen && (await keepConsole(key, row, cloudId))) return;
    if (seen) {
      const unless = () => (ours() ? undefined : cause("B9.5", "WITHDRAWN", { server }));
      // Before the call, so that one that is refused is not asked for at once again either.
      cooling.start(key, stepKey(step), pauseMs(row, clock.nowMs(), deletePause));
      const answer = await outside.deleteServer({ key, server, unless }, ref);
      if (answer.kind === "refused") return;
      if (answer.value === "accepted") {
        noteAsked(key, server);
        cooling.start(key, takenKey(server), pauseMs(row, clock.nowMs(), takenPause));
        return;
      }
    }
    await context.placements.open(key).change((state) => {
      const now = state.servers.get(server);
      if (now?.state !== "deleting" || !isDetached(now, clock.nowMs()))
        return { change: {}, reply: undefined };
      const why = now.leaving ? { causes: [now.leaving] } : {};
      const draft = events.ofRow("server.gone", now, why);
      const servers = [move(now, "end", clock.nowMs())];
      return { change: { servers, events: [draft] }, reply: undefined };
    });
    forget(key, server);
  };

  return { run, asked: (key) => askedIn.get(placementText(key)) ?? [] };
}

/** One that is asked for in vain is asked for ever less: shares of the time that has passed. */
const pauseMsMax = 60_000;
const deletePause = { msMin: 1_000, share: 1 / 8 };
/** The cloud works on it: only a listing without the server makes asking worth while earlier. */
const takenPause = { msMin: 10_000, share: 1 / 2 };

function pauseMs(row: ServerRow, nowMs: number, { msMin, share }: typeof deletePause): number {
  const agedMs = nowMs - (row.deletingSinceMs ?? nowMs);
  return Math.min(pauseMsMax, Math.max(msMin, Math.round(agedMs * share)));
}

/** A server that lost our tags is looked at again, rarely: a person has to put it right. */
const foreignDelayMs = 60_000;
