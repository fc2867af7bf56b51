import type { GroupKey, NotifierId } from "./ids.js";

/** Tells a URL of what happens in a group (B7.5). */
export interface Notifier {
  readonly id: NotifierId;
  readonly uid: string;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly displayName: string;
  /** `http:` or `https:`. */
  readonly url: string;
  /** Which events it tells of, by their types. */
  readonly types: readonly string[];
  /** What signs them; opens for this very notifier alone. */
  readonly secret: SealedSecret;
  /** Where each colo's feed ended right before it was made: it is told of what comes after. */
  readonly beginsAfter?: Readonly<Record<string, string>>;
}

/** As a SecretBox seals. */
export interface SealedSecret {
  readonly key: string;
  readonly text: string;
}

export interface NotifierRef {
  readonly key: GroupKey;
  readonly notifier: NotifierId;
}
