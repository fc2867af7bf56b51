import type { ColoService } from "../../gen/muster/v1/colo_service_pb.js";
import type { ColoUseCases } from "../../supervisor/api.js";
import { readDuration } from "../from-wire/time.js";
import type { ServiceMethods } from "../guarded.js";
import { accountOf, coloOf } from "../names.js";
import { writeAuditBatch } from "../to-wire/audit.js";
import { readOperations, writeColo } from "../to-wire/colo.js";
import { given } from "./fields.js";

export function createColoService(colos: ColoUseCases): ServiceMethods<typeof ColoService> {
  return {
    async listColos(_request, caller) {
      const views = await colos.list(caller);
      const sorted = views.toSorted((a, b) => (a.colo < b.colo ? -1 : 1));
      return { colos: sorted.map(writeColo) };
    },
    async getColo({ name }, caller) {
      return { colo: writeColo(await colos.get(coloOf(name), caller)) };
    },
    async setBrake({ name, operations, reason, duration }, caller) {
      const view = await colos.setBrake(
        {
          colo: coloOf(name),
          operations: readOperations(operations),
          reason,
          ...given({ durationMs: duration && readDuration(duration, 0) }),
        },
        caller,
      );
      return { colo: writeColo(view) };
    },
    async quarantineColo({ name, reason }, caller) {
      return colos.quarantine({ colo: coloOf(name), reason }, caller);
    },
    backUpStore: (_request, caller) => colos.backUp(caller),
    async *auditColo({ name, account }, caller) {
      const only = account === "" ? undefined : accountOf(account);
      const request = { colo: coloOf(name), ...given({ account: only }) };
      for await (const batch of colos.audit(request, caller)) yield writeAuditBatch(batch);
    },
    async clearBrake({ name, operations }, caller) {
      const command = { colo: coloOf(name), operations: readOperations(operations) };
      return { colo: writeColo(await colos.clearBrake(command, caller)) };
    },
    async repinAccount({ name, account, force }, caller) {
      const command = { colo: coloOf(name), account: accountOf(account), isForced: force };
      const { project, before } = await colos.repin(command, caller);
      return { project, previousProject: before ?? "" };
    },
  };
}
