import { Fault } from "../../core/errors/fault.js";
import type { PeerDoor } from "../../core/ports/peers.js";
import type { AuditBatch, AuditColo, Supervisor } from "../api.js";
import type { Caller } from "../caller.js";
import { checkLaunchHere } from "../commands/check-launch.js";
import { obeyRebuildHere } from "../commands/rebuild-group.js";
import type { Context } from "../context.js";
import { takeOrder, takeRebuild, takeTarget } from "../converge/deliver.js";
import { takeMarks } from "../converge/hand-over.js";
import { ensurePlacements, liveGroup } from "../placements/ensure.js";
import { standingOf } from "../placements/standing.js";
import { startsServers } from "./colo-watch.js";
import type { CommandName, PeerCommands } from "./commands.js";
import { keepOrder } from "./keep-order.js";

type Handlers = {
  readonly [Name in CommandName]: (
    request: PeerCommands[Name]["request"],
    caller: Caller,
  ) => Promise<PeerCommands[Name]["answer"]>;
};

/** Keeps an answer small, whatever is asked for. */
const feedEntriesMax = 500;

/** Carries out what nodes of other colos ask, with this node's own use cases: one hop, no more. */
export function createPeerDoor(context: Context, own: OwnUseCases): PeerDoor {
  const { scaling, groups, servers, colos } = own;
  const handlers: Handlers = {
    "launch.check": (request, caller) => checkLaunchHere(context, request, caller),
    "feed.read": ({ after, entriesMax }, caller) =>
      context.store.readFeed(after, Math.min(entriesMax, feedEntriesMax), caller),
    "scaling.submit": (request, caller) => scaling.submit(request, caller),
    async "groups.heed"(key, { signal }) {
      context.groups.distrust(key);
      const { group } = await liveGroup(context, key, signal);
      await ensurePlacements(context, group, signal);
      return null;
    },
    "groups.pause": ({ key, reason, processes }, caller) =>
      done(groups.pause(key, reason, caller, processes)),
    "groups.resume": ({ processes, ...key }, caller) => done(groups.resume(key, caller, processes)),
    "groups.converge": (key, caller) => done(groups.converge(key, caller)),
    "groups.rebuild": ({ key, order }, caller) =>
      done(obeyRebuildHere(context, key, order, caller)),
    "groups.acknowledgeHold": ({ key, reason }, caller) =>
      done(groups.acknowledgeHold(key, reason, caller)),
    "groups.confirmLedger": (request, caller) => done(groups.confirmLedger(request, caller)),
    "placements.standing": (key, caller) => standingOf(context, key, caller),
    "placements.target": ({ key, delivery }) => done(takeTarget(context, key, delivery)),
    "placements.marks": ({ key, led }) => done(takeMarks(context, key, led)),
    "placements.rebuild": ({ key, order }) => done(takeRebuild(context, key, order)),
    "placements.order": ({ key, order }) => done(takeOrder(context, key, order)),
    "groups.keepOrder": (request, caller) => done(keepOrder(context, request, caller)),
    "servers.delete": (request, caller) => servers.delete(request, caller),
    "servers.release": (request, caller) => servers.release(request, caller),
    "servers.protect": (request, caller) => servers.protect(request, caller),
    "servers.standBy": (request, caller) => servers.standBy(request, caller),
    "servers.setHealth": (request, caller) => servers.setHealth(request, caller),
    "servers.orphans": ({ account }, caller) => servers.orphans(account, caller),
    "servers.adopt": (request, caller) => servers.adopt(request, caller),
    "servers.deleteOrphan": (request, caller) => servers.deleteOrphan(request, caller),
    "servers.rebuild": (key, caller) => servers.rebuild(key, caller),
    async "colos.pulse"({ colo }) {
      const here = context.colos.get(colo);
      if (here) return { mayStart: startsServers(here) };
      throw new Fault("COLO_NOT_FOUND", { say: `colo ${colo} is not served here` });
    },
    "colos.get": ({ colo }, caller) => colos.get(colo, caller),
    "colos.setBrake": (request, caller) => colos.setBrake(request, caller),
    "colos.clearBrake": (request, caller) => colos.clearBrake(request, caller),
    async "colos.repin"(request, caller) {
      const { project, before = null } = await colos.repin(request, caller);
      return { project, before };
    },
    "colos.audit": (request, caller) => wholeAudit(colos, request, caller),
    "colos.quarantine": (request, caller) => colos.quarantine(request, caller),
  };
  return {
    async answer({ name, request, principal }, signal) {
      if (!Object.hasOwn(handlers, name))
        throw new Fault("UNSUPPORTED", { say: `this node knows no command ${name}` });
      return handlers[name as CommandName](request as never, { principal, signal });
    },
  };
}

/** An answer is one message: what does not fit is asked for in parts, or of the colo itself. */
const differencesMax = 5_000;

async function wholeAudit(
  colos: OwnUseCases["colos"],
  request: AuditColo,
  caller: Caller,
): Promise<readonly AuditBatch[]> {
  const batches: AuditBatch[] = [];
  let found = 0;
  for await (const batch of colos.audit(request, caller)) {
    batches.push(batch);
    found += batch.differences.length;
    if (found <= differencesMax) continue;
    const how = `ask a node of ${request.colo}, or for one account`;
    const say = `the audit finds more than ${differencesMax} differences: ${how}`;
    throw new Fault("LIMIT_EXCEEDED", { say, facts: { differencesMax: String(differencesMax) } });
  }
  return batches;
}

/** What this node does by itself, without its peers. */
export type OwnUseCases = Pick<Supervisor, "scaling" | "servers" | "colos"> & {
  readonly groups: Omit<Supervisor["groups"], "plan" | "check">;
};

async function done(work: Promise<unknown>): Promise<null> {
  await work;
  return null;
}
