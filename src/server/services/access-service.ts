import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AccessService, CredentialsSchema } from "../../gen/muster/v1/access_service_pb.js";
import type { AccessUseCases, CredentialsView } from "../../supervisor/access.js";
import type { ServiceMethods } from "../guarded.js";
import { accountOf, credentialsName, credentialsOf } from "../names.js";
import { writeTime } from "../to-wire/time.js";

export function createAccessService(access: AccessUseCases): ServiceMethods<typeof AccessService> {
  return {
    async setCredentials({ name, secret = {} }, caller) {
      const set = access.setCredentials({ ...credentialsOf(name), secret }, caller);
      return { credentials: writeCredentials(await set) };
    },
    async getCredentials({ name }, caller) {
      const view = await access.getCredentials(credentialsOf(name), caller);
      return { credentials: writeCredentials(view) };
    },
    async listCredentials({ parent }, caller) {
      const views = await access.listCredentials(accountOf(parent), caller);
      return { credentials: views.map(writeCredentials) };
    },
    async deleteCredentials({ name }, caller) {
      await access.deleteCredentials(credentialsOf(name), caller);
      return {};
    },
  };
}

/** Field by field: what a view may hold one day is not answered by accident. */
function writeCredentials(view: CredentialsView): MessageInitShape<typeof CredentialsSchema> {
  const { account, colo, revision, setAtMs, setBy, key } = view;
  const name = credentialsName(account, colo);
  return { name, revision, setTime: writeTime(setAtMs), principal: setBy, key };
}
