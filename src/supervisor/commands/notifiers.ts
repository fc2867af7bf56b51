import { Fault, invalidFields } from "../../core/errors/fault.js";
import type { GroupKey, NotifierId } from "../../core/model/ids.js";
import type { Notifier, NotifierRef } from "../../core/model/notifier.js";
import { objectLimits } from "../api.js";
import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import type { NotifierUseCases, NotifierView } from "../notifiers.js";
import { notifierBound } from "../notify/notifier-bound.js";
import type { Notifying } from "../notify/notifying.js";
import { pageById } from "../page-by-id.js";
import { groupIn, liveGroup, wakePlacements } from "../placements/ensure.js";

export function createNotifierUseCases(
  context: Context,
  notifying: Notifying | undefined,
): NotifierUseCases {
  const { groups, clock, ids, log, installation } = context;

  return {
    async create({ key, notifier: wanted, spec, secret }, { principal, signal }) {
      if (!notifying) throw new Fault("UNSUPPORTED", { say: "nothing is sent from here" });
      const refusal = notifying.sender.refusalOf(spec.url);
      if (refusal !== undefined) throw invalidFields([{ field: "url", description: refusal }]);
      await liveGroup(context, key, signal);
      const id = wanted ?? (`n-${ids.next()}` as NotifierId);
      const uid = ids.next();
      await notifying.needKey(signal);
      const text = Buffer.from(secret).toString("base64");
      const sealed = await notifying.box.seal(text, notifierBound(installation, uid));
      const beginsAfter = await feedHeads(context, signal);
      const stamps = { createdAtMs: clock.nowMs(), createdBy: principal, beginsAfter };
      const next: Notifier = { id, uid, ...stamps, ...spec, secret: sealed };
      await groups.change(
        key,
        (entry) => {
          groupIn(entry, key);
          if (entry.notifiers.has(id))
            throw new Fault("NOTIFIER_EXISTS", { say: `there is a notifier ${id} already` });
          checkRoom(entry, key);
          return { change: { notifiers: [next] }, reply: undefined };
        },
        signal,
      );
      log.info({ ...key, notifier: id, principal }, "notifier created");
      wakePlacements(context, key);
      return viewOf(next);
    },
    async get(ref, { signal }) {
      return viewOf(notifierOf(await liveGroup(context, ref.key, signal), ref));
    },
    async list({ key, ...page }, { signal }) {
      const { notifiers } = await liveGroup(context, key, signal);
      const { items, more } = pageById(notifiers.values(), page);
      return { items: items.map(viewOf), more };
    },
    async delete(ref, { principal, signal }) {
      await groups.change(
        ref.key,
        (entry) => {
          groupIn(entry, ref.key);
          const { id } = notifierOf(entry, ref);
          return { change: { notifiersGone: [id] }, reply: undefined };
        },
        signal,
      );
      log.info({ ...ref.key, notifier: ref.notifier, principal }, "notifier deleted");
      wakePlacements(context, ref.key);
    },
  };
}

function viewOf({ secret: _, beginsAfter: _begins, ...rest }: Notifier): NotifierView {
  return rest;
}

/** Where each colo's feed ends by now, as far as it has arrived here: what comes is behind it. */
async function feedHeads(
  { store, colos, elsewhere }: Context,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const [own, others] = await Promise.all([
    store.feedHead({ signal }),
    store.otherFeeds({ signal }),
  ]);
  const heads = [...colos.keys(), ...(elsewhere?.colos ?? [])].map(async (colo) => {
    const head = await others.get(colo)?.feedHead({ signal });
    return [colo, head ?? own] as const;
  });
  return Object.fromEntries(await Promise.all(heads));
}

function notifierOf({ notifiers }: GroupEntry, { notifier: id }: NotifierRef): Notifier {
  const found = notifiers.get(id);
  if (found) return found;
  throw new Fault("NOTIFIER_NOT_FOUND", { say: `there is no notifier ${id}` });
}

function checkRoom({ notifiers }: GroupEntry, key: GroupKey): void {
  const { notifiersPerGroupMax: max } = objectLimits;
  if (notifiers.size < max) return;
  const facts = { subject: `groups/${key.group}`, notifiersMax: String(max) };
  throw new Fault("LIMIT_EXCEEDED", { say: `a group has at most ${max} notifiers`, facts });
}
