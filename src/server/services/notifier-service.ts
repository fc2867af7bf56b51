import { randomBytes } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GroupKey, NotifierId } from "../../core/model/ids.js";
import type * as wire from "../../gen/muster/v1/notifier_service_pb.js";
import type { NotifierUseCases, NotifierView } from "../../supervisor/notifiers.js";
import type { ServiceMethods } from "../guarded.js";
import { groupKeyOf, notifierName, notifierOf } from "../names.js";
import { writeTime } from "../to-wire/time.js";
import { type Filter, readPageToken, writeNextPageToken } from "../tokens.js";
import { given, readPageSize, textOf, withFieldsIn } from "./fields.js";

const secretBytes = 32;

export function createNotifierService(
  notifiers: NotifierUseCases,
): ServiceMethods<typeof wire.NotifierService> {
  return {
    async createNotifier({ parent, notifierId, notifier }, caller) {
      const key = groupKeyOf(parent);
      const secret = randomBytes(secretBytes);
      const { displayName, url, types } = notifier!;
      const id = given({ notifier: textOf<NotifierId>(notifierId) });
      const command = { key, spec: { displayName, url, types }, secret, ...id };
      const made = await withFieldsIn("notifier", notifiers.create(command, caller));
      return { notifier: writeNotifier(key, made), secret: `whsec_${secret.toString("base64")}` };
    },
    async getNotifier({ name }, caller) {
      const ref = notifierOf(name);
      return { notifier: writeNotifier(ref.key, await notifiers.get(ref, caller)) };
    },
    async listNotifiers({ parent, pageSize, pageToken }, caller) {
      const key = groupKeyOf(parent);
      const filter: Filter = ["ListNotifiers", parent];
      const after = readPageToken(filter, pageToken) as NotifierId | undefined;
      const command = { key, pageSize: readPageSize(pageSize), ...given({ after }) };
      const { items, more } = await notifiers.list(command, caller);
      const last = items.at(-1)?.id;
      return {
        notifiers: items.map((one) => writeNotifier(key, one)),
        nextPageToken: writeNextPageToken(filter, { last, more }),
      };
    },
    async deleteNotifier({ name }, caller) {
      await notifiers.delete(notifierOf(name), caller);
      return {};
    },
  };
}

function writeNotifier(
  key: GroupKey,
  { id, uid, createdAtMs, createdBy, displayName, url, types }: NotifierView,
): MessageInitShape<typeof wire.NotifierSchema> {
  return {
    ...{ name: notifierName(key, id), uid, displayName, url, types: [...types] },
    createTime: writeTime(createdAtMs),
    principal: createdBy,
  };
}
