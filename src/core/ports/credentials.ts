/** Accounts' own credentials for one colo's cloud, as they were written through the API (M9.4). */
export interface CredentialSource {
  /**
   * The newest, at most some seconds behind a rotation through another node; undefined: none was
   * written. Cheap enough to be asked before every call. While the store is away the last known one
   * serves on.
   *
   * @throws Fault `STORE_UNAVAILABLE`: the store is away, and none is known. Nothing was sent to
   *   the cloud: tell it as `temporary`, not ambiguous.
   * @throws Fault `CREDENTIALS_UNREADABLE`: no key opens it. Of this account alone: `denied`.
   */
  of(account: string): Promise<Credential | undefined>;
}

export interface Credential {
  /** Changes with every rotation. */
  readonly revision: string;
  /** As written; the driver's `credentialsSchema` has checked it. Never logged. */
  readonly secret: Readonly<Record<string, unknown>>;
}
