import type { Cause } from "../../core/model/cause.js";
import type { EventDraft, EventType } from "../../core/model/event.js";
import type { EventId, ServerId } from "../../core/model/ids.js";
import type { PlannedEvent } from "../../core/model/plan.js";
import { sayCause } from "../../core/model/say-cause.js";
import type { ServerRow } from "../../core/model/server.js";
import { isLeaving } from "../../core/plan/lifecycle.js";
import type { Clock, Ids } from "../../core/ports/clock.js";

/** What an event says beside its type. */
export interface EventSubject {
  readonly server?: ServerId;
  readonly parent?: EventId;
  readonly principal?: string;
  readonly causes?: readonly Cause[];
  readonly facts?: EventDraft["facts"];
  readonly message?: string;
}

/** Makes events: an id, the time, a sentence. */
export interface EventMaker {
  make(type: EventType, subject?: EventSubject): EventDraft;
  /** Of a server: it follows from what made the server or, once it leaves, from what removed it. */
  ofRow(
    type: EventType,
    row: ServerRow,
    subject?: Omit<EventSubject, "server" | "parent">,
  ): EventDraft;
  fromPlan(planned: PlannedEvent, parent: EventId | undefined): EventDraft;
}

const sentences: Readonly<Record<EventType, string>> = {
  "group.created": "The group was created",
  "group.updated": "The group's configuration was changed",
  "group.deleting": "The group is being deleted: it drains to zero first",
  "group.deleted": "The group is gone, and every server of it",
  "group.paused": "The group was paused",
  "group.resumed": "The group goes on",
  "group.quarantined": "The group is in quarantine: nothing is scaled in or deleted",
  "group.ledger_confirmed": "A person confirmed the ledger; the quarantine is over",
  "ledger.rebuilt": "A person had the ledger rebuilt from the tags of the group's servers",
  "group.condition": "The group's condition turned",
  "group.held": "The group waits for a person's acknowledgement",
  "group.acknowledged": "A hold was acknowledged: replacement goes on for a while",
  "scale.decided": "A scale event was decided",
  "alert.reported": "An alert was reported",
  "target.changed": "The target was changed",
  "schedule.missed": "A schedule was due too long ago, and was not run",
  "window.opened": "A schedule's window opened: its limits hold until it closes",
  "window.closed": "A schedule's window closed",
  "share.carried": "What is carried of another colo's share was changed",
  "rebuild.started": "A rebuild was ordered: servers are replaced by such of the newest revision",
  "rebuild.batch": "The rebuild's next batch began",
  "rebuild.waiting": "The rebuild waits at a checkpoint",
  "rebuild.continued": "The rebuild goes on",
  "rebuild.stopped": "The rebuild was stopped",
  "rebuild.cancelled": "The rebuild was cancelled: servers stay as they are",
  "rebuild.completed": "The rebuild is completed",
  "rebuild.rolling_back":
    "The rebuild is taken back: its servers are replaced by such as were before",
  "rebuild.rolled_back": "The rebuild was taken back",
  "server.intended": "A server is wanted; the intention is on record",
  "server.withdrawn": "The server's intention was taken back; nothing was asked of the cloud",
  "server.building": "The cloud builds the server",
  "server.active": "The server is active in the cloud",
  "server.in_service": "The server is in service",
  "server.unconfirmed":
    "The answer to the create call was lost; the server is looked up by its tag",
  "server.abandoned": "No server was found for the intention; it is given up",
  "server.failed": "The server failed",
  "server.console": "What the failed server last said on its console was kept",
  "server.draining": "The server leaves: it takes no new connections",
  "server.returned": "The server was leaving and is back in service",
  "server.deleting": "The server is being deleted",
  "server.gone": "The server is gone, as the cloud confirms",
  "server.lost": "The server vanished from the cloud",
  "server.orphan": "A server carries our tags but is in no ledger",
  "server.tags_wrong": "The server's tags are not what they should be",
  "server.tagged": "The server's tags were written from the ledger",
  "server.released": "The server was let go of: it runs on, and is not ours any more",
  "server.reported": "A monitor outside told of the server's health",
  "server.releasing": "The server is being let go of: memberships and tags are taken away",
  "server.adopted": "A person made the server one of the group's",
  "server.orphan_deleted": "A person ordered a server that nobody knows to be deleted",
  "server.standing_by": "A person has the server stand by",
  "server.recalled": "A server that stood by comes back",
  "server.protected": "The server's protection was changed",
  "member.added": "The server is a member of a load balancer",
  "member.removed": "The server is no longer a member of a load balancer",
  "brake.set": "A brake was set",
  "brake.cleared": "A brake was lifted",
  "invariant.violated": "The monitor found a promise broken",
  "permission.denied": "A call was refused for lack of permission",
};

export function createEventMaker(deps: { readonly clock: Clock; readonly ids: Ids }): EventMaker {
  const make = (type: EventType, subject: EventSubject = {}): EventDraft => {
    const { server, parent, principal, causes = [] } = subject;
    const why = causes.map(sayCause).join("; ");
    const message = subject.message ?? (why ? `${sentences[type]}: ${why}` : sentences[type]);
    const codes = causes.map((one) => one.code).join(",");
    return {
      id: deps.ids.next() as EventId,
      type,
      atMs: deps.clock.nowMs(),
      message,
      facts: {
        ...Object.assign({}, ...causes.map((one) => one.facts)),
        ...(codes ? { causes: codes } : {}),
        ...subject.facts,
      },
      ...(causes.length === 0 ? {} : { causes }),
      ...(server === undefined ? {} : { server }),
      ...(parent === undefined ? {} : { parent }),
      ...(principal === undefined ? {} : { principal }),
    };
  };
  return {
    make,
    ofRow: (type, row, subject) => make(type, { ...subject, server: row.id, ...followsRow(row) }),
    fromPlan: ({ type, server, causes }, parent) =>
      make(type, {
        causes,
        ...(server === undefined ? {} : { server }),
        ...(parent === undefined ? {} : { parent }),
      }),
  };
}

/** What an event of the server follows from, as the server's row stands. */
export function followsRow(row: ServerRow): { readonly parent?: EventId } {
  return follows(isLeaving(row) ? (row.removedBy ?? row.createdBy) : row.createdBy);
}

/** A subject's parent; nothing where there is nothing to follow. */
export function follows(parent: string | undefined): { readonly parent?: EventId } {
  return parent === undefined ? {} : { parent: parent as EventId };
}
