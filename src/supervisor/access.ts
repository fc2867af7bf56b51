import type { AccountId, ColoId } from "../core/model/ids.js";
import type { Caller } from "./caller.js";
import type { CredentialFacts } from "./credentials/credential-book.js";

/** As whom the clouds are called (M9.4). Nothing here gives a secret back. */
export interface AccessUseCases {
  /** Checks the secret's form, and takes the account's work up again at once. */
  setCredentials(
    request: CredentialsRef & { readonly secret: Readonly<Record<string, unknown>> },
    caller: Caller,
  ): Promise<CredentialsView>;
  getCredentials(ref: CredentialsRef, caller: Caller): Promise<CredentialsView>;
  /** In order of the colos' names; of those that this installation has. */
  listCredentials(account: AccountId, caller: Caller): Promise<readonly CredentialsView[]>;
  /** The account's work in the colo stops, and nothing is taken for lost. */
  deleteCredentials(ref: CredentialsRef, caller: Caller): Promise<void>;
}

export interface CredentialsRef {
  readonly account: AccountId;
  readonly colo: ColoId;
}

export type CredentialsView = CredentialsRef & CredentialFacts;

/** Of a secret as JSON. */
export const secretBytesMax = 16 * 1024;
