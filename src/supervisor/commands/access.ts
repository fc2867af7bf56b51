import { Fault, invalidFields } from "../../core/errors/fault.js";
import type { ColoId } from "../../core/model/ids.js";
import { type AccessUseCases, type CredentialsRef, secretBytesMax } from "../access.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import type { CredentialBook } from "../credentials/credential-book.js";

export function createAccessUseCases(context: Context, book: CredentialBook): AccessUseCases {
  const { log } = context;

  function coloOf(id: ColoId): Colo {
    const colo = context.colos.get(id);
    if (colo) return colo;
    throw new Fault("COLO_NOT_FOUND", { say: `there is no colo ${id}` });
  }

  return {
    async setCredentials({ account, colo: id, secret }, { principal, signal }) {
      const colo = coloOf(id);
      checkSecret(colo, secret);
      const facts = await book.set({ account, colo: id }, secret, { principal, signal });
      const { revision, key } = facts;
      log.warn({ account, colo: id, revision, key, principal }, "credentials written");
      colo.credentials.rotated(account);
      return { account, colo: id, ...facts };
    },
    async getCredentials({ account, colo: id }, { signal }) {
      coloOf(id);
      const facts = await book.describe({ account, colo: id }, signal);
      if (!facts) throw notFound({ account, colo: id });
      return { account, colo: id, ...facts };
    },
    async listCredentials(account, { signal }) {
      const views = await Promise.all(
        [...context.colos.keys()].toSorted().map(async (colo) => {
          const facts = await book.describe({ account, colo }, signal);
          return facts ? [{ account, colo, ...facts }] : [];
        }),
      );
      return views.flat();
    },
    async deleteCredentials({ account, colo: id }, { principal, signal }) {
      const colo = coloOf(id);
      if (!(await book.delete({ account, colo: id }, signal)))
        throw notFound({ account, colo: id });
      log.warn({ account, colo: id, principal }, "credentials deleted");
      colo.credentials.rotated(account);
    },
  };
}

/** @throws Fault `UNSUPPORTED`, or `FIELD_INVALID` with every path, and no value. */
function checkSecret({ id, setup }: Colo, secret: Readonly<Record<string, unknown>>): void {
  const { checkSecret, cloudName } = setup;
  if (!checkSecret) {
    const say = `${cloudName}, the cloud of colo ${id}, takes no credentials`;
    throw new Fault("UNSUPPORTED", { say });
  }
  const bytes = Buffer.byteLength(JSON.stringify(secret));
  const tooLong = `must be at most ${secretBytesMax} bytes as JSON, is ${bytes}`;
  if (bytes > secretBytesMax) throw invalidFields([{ field: "secret", description: tooLong }]);
  const violations = checkSecret(secret);
  if (violations.length > 0) throw invalidFields(violations);
}

function notFound({ account, colo }: CredentialsRef): Fault {
  const say = `account ${account} has no credentials for colo ${colo}`;
  return new Fault("CREDENTIALS_NOT_FOUND", { say });
}
