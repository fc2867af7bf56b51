/** Encrypts what nobody but this installation may read. The keys never stand in the store. */
export interface SecretBox {
  /** For people: where the keys are. */
  readonly name: string;
  /** Under the newest key. Of no use under any other `bound` than this one. */
  seal(text: string, bound: string): Promise<Sealed>;
  /** @throws Fault `CREDENTIALS_UNREADABLE`: no such key, not `bound` to this, or altered. */
  open(sealed: Sealed, bound: string): Promise<string>;
  /** Undefined: there is none yet. @throws Fault `CREDENTIALS_UNREADABLE`: they are of no use. */
  newestKey(): Promise<string | undefined>;
  /** Makes the first key. @throws Fault `CREDENTIALS_UNREADABLE`: it cannot be kept. */
  makeKey(): Promise<void>;
}

export interface Sealed {
  /** Which key, by a name that tells nothing of it. */
  readonly key: string;
  readonly text: string;
}
